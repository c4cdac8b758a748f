from __future__ import annotations

import pytest
import torch
from pyautoattack import fab_projections

from robustft.attacks.hyperplane import move_to_hyperplane
from robustft.attacks.norms import length

NORMS = ("linf", "l2", "l1")


@pytest.fixture(params=[0.01, 0.3, 5.0], ids=["near", "farther", "out of reach"])
def planes(request):
    """Points with coordinates at the bounds, gradients with zeros, and values near and far."""
    generator = torch.Generator().manual_seed(0)
    points = torch.rand(64, 30, generator=generator, dtype=torch.float64)
    points[:, ::3] = points[:, ::3].round()
    normals = torch.randn(64, 30, generator=generator, dtype=torch.float64)
    normals[:, 5] = 0
    values = torch.randn(64, generator=generator, dtype=torch.float64) * request.param * normals.abs().sum(1) / 5
    return points, normals, values


@pytest.mark.parametrize("norm", NORMS)
def test_it_is_the_authors_projection(norm, planes):
    points, normals, values = planes
    offsets = (normals * points).sum(1) - values
    theirs = getattr(fab_projections, f"projection_{norm}")(points.clone(), normals.clone(), offsets.clone())
    torch.testing.assert_close(move_to_hyperplane(*planes, norm), theirs.double(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("norm", NORMS)
def test_it_stays_an_image_and_reaches_the_plane_if_any_image_does(norm, planes):
    points, normals, values = planes
    moves = move_to_hyperplane(*planes, norm)
    assert float((points + moves).min()) >= 0
    assert float((points + moves).max()) <= 1
    lowest, highest = (torch.where(normals * sign > 0, 0.0, 1.0).double() for sign in (1, -1))
    reach = [((end - points) * normals).sum(1) + values for end in (lowest, highest)]
    reachable = (reach[0] <= 0) & (reach[1] >= 0)
    left = values + (normals * moves).sum(1)
    assert float(left[reachable].abs().max()) < 1e-5 if bool(reachable.any()) else True
    assert bool((left.abs() <= values.abs() + 1e-12).all())


@pytest.mark.parametrize("norm", NORMS)
def test_no_shorter_move_reaches_it(norm):
    generator = torch.Generator().manual_seed(1)
    points = torch.rand(1, 10, generator=generator, dtype=torch.float64)
    normals = torch.randn(1, 10, generator=generator, dtype=torch.float64)
    move = move_to_hyperplane(points, normals, torch.ones(1, dtype=torch.float64), norm)
    for _ in range(300):
        other = (points + move + 0.1 * torch.randn(1, 10, generator=generator, dtype=torch.float64)).clamp(0, 1)
        if float(1 + (normals * (other - points)).sum()) <= 0:
            assert float(length(other - points, norm)) >= float(length(move, norm)) - 1e-5
