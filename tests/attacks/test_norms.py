from __future__ import annotations

import pytest
import torch

from robustft.attacks.noise import Noise
from robustft.attacks.norms import ascent, length, project, random_in_ball
from robustft.attacks.threat_model import ThreatModel

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
    threat_model = ThreatModel(norm=norm, eps_255=eps * 255)
    drawn = random_in_ball(noise, pixels, threat_model, stream="restart-0")
    assert float(length(drawn, norm).max()) <= eps * (1 + 1e-5)
    assert float(length(drawn, norm).std()) > 0
    alone = random_in_ball(noise.take(torch.tensor([7])), pixels[7:8], threat_model, stream="restart-0")
    assert torch.equal(alone, drawn[7:8])
