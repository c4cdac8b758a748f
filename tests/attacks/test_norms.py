from __future__ import annotations

import pytest
import torch

from robustft.attacks.noise import Noise
from robustft.attacks.norms import ascent, length, project, random_in_ball

NORMS = [("linf", 0.1), ("l2", 1.0), ("l1", 8.0)]


@pytest.fixture
def pixels():
    return torch.rand(32, 3, 6, 6, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def far(pixels):
    return pixels + torch.randn(pixels.shape, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("norm", "eps"), NORMS)
def test_the_projection_is_inside_and_nothing_allowed_is_nearer(norm, eps, pixels, far):
    projected = project(pixels, far, norm, eps)
    assert float(length(projected - pixels, norm).max()) <= eps * (1 + 1e-5)
    assert float(projected.min()) >= 0
    assert float(projected.max()) <= 1
    distance = length(projected - far, "l2")
    generator = torch.Generator().manual_seed(2)
    for scale in (0.3, 0.03, 0.003):
        for _ in range(20):
            moved = projected + scale * torch.randn(pixels.shape, generator=generator)
            other = project(pixels, moved, norm, eps * 0.9999)
            assert bool((length(other - far, "l2") >= distance - 1e-3).all())


@pytest.mark.parametrize(("norm", "eps"), NORMS)
def test_what_is_allowed_stays_to_the_bit(norm, eps, pixels, far):
    once = project(pixels, far, norm, eps)
    assert torch.equal(project(pixels, once, norm, eps), once)


@pytest.mark.parametrize(("norm", "eps"), NORMS)
def test_an_image_is_projected_alone(norm, eps, pixels, far):
    whole = project(pixels, far, norm, eps)
    assert torch.equal(project(pixels[3:5], far[3:5], norm, eps), whole[3:5])


@pytest.mark.parametrize(("norm", "eps"), NORMS)
def test_a_direction_has_length_one_and_rises(norm, eps, pixels):
    gradients = torch.randn(pixels.shape, generator=torch.Generator().manual_seed(3))
    directions = ascent(gradients, norm)
    torch.testing.assert_close(length(directions, norm), torch.ones(32))
    assert bool(((directions * gradients).flatten(1).sum(1) > 0).all())


@pytest.mark.parametrize(("norm", "eps"), NORMS)
def test_random_perturbations_lie_in_the_ball_and_belong_to_the_image(norm, eps, pixels):
    noise = Noise(seed=0, rows=torch.arange(32))
    drawn = random_in_ball(noise, pixels, norm, eps, stream="restart-0")
    assert float(length(drawn, norm).max()) <= eps * (1 + 1e-5)
    assert float(length(drawn, norm).std()) > 0
    alone = random_in_ball(noise.take(torch.tensor([7])), pixels[7:8], norm, eps, stream="restart-0")
    assert torch.equal(alone, drawn[7:8])


@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_what_is_hardly_outside_is_brought_back_too(norm):
    generator = torch.Generator().manual_seed(4)
    pixels = 0.4 + 0.2 * torch.rand(8, 3, 4, 4, generator=generator, dtype=torch.float64)
    deltas = torch.randn(pixels.shape, generator=generator, dtype=torch.float64)
    for outside in (1e-2, 1e-3, 1e-4, 1e-5):
        candidates = pixels + 0.2 * (1 + outside) * deltas / length(deltas, norm).view(-1, 1, 1, 1)
        assert float(length(project(pixels, candidates, norm, 0.2) - pixels, norm).max()) <= 0.2 * (1 + 1e-6)


@pytest.mark.parametrize("norm", ["l2", "l1"])
def test_what_is_projected_lies_on_the_edge_of_the_ball(norm, pixels, far):
    eps = {"l2": 1.0, "l1": 8.0}[norm]
    lengths = length(project(pixels.double(), far.double(), norm, eps) - pixels.double(), norm)
    torch.testing.assert_close(lengths, torch.full_like(lengths, eps), rtol=1e-9, atol=0)


@pytest.mark.parametrize(
    ("norm", "expected"), [("linf", [0.1, 0.4, 0.1]), ("l2", [0.1, (0.16 - 0.01) ** 0.5, 0.0]), ("l1", [0.1, 0.3, 0.0])]
)
def test_a_projection_known_by_hand(norm, expected):
    # What would leave the image on the first axis is spent on the others, not lost.
    pixels = torch.tensor([0.9, 0.5, 0.5], dtype=torch.float64).view(1, 3, 1, 1)
    far = torch.tensor([1.0, 1.0, 0.1 if norm != "l2" else 0.0], dtype=torch.float64).view(1, 3, 1, 1)
    found = project(pixels, pixels + far, norm, 0.4) - pixels
    assert found.flatten().tolist() == pytest.approx(expected, abs=1e-9)


def test_random_perturbations_fill_the_cube_and_lie_on_the_edge_of_the_other_balls(pixels):
    noise = Noise(seed=0, rows=torch.arange(32))
    cube = random_in_ball(noise, pixels, "linf", 0.1, stream="restart")
    assert abs(float(cube.mean())) < 0.01
    assert float(cube.abs().mean()) == pytest.approx(0.05, rel=0.05)
    assert float(cube.std()) == pytest.approx(0.1 / 3**0.5, rel=0.05)
    for norm in ("l2", "l1"):
        drawn = random_in_ball(noise, pixels, norm, 0.1, stream="restart")
        torch.testing.assert_close(length(drawn, norm), torch.full((32,), 0.1))
        assert abs(float(drawn.sign().mean())) < 0.05


def test_for_l1_a_direction_moves_the_strongest_twentieth():
    gradients = torch.randn(4, 3, 10, 10, generator=torch.Generator().manual_seed(3))
    directions = ascent(gradients, "l1").flatten(1)
    strongest = gradients.flatten(1).abs().topk(15, dim=1).indices
    for direction, chosen in zip(directions, strongest, strict=True):
        assert set(direction.nonzero()[:, 0].tolist()) == set(chosen.tolist())
