from __future__ import annotations

import torch
from torch.nn.functional import cross_entropy

from robustft.attacks.noise import Noise
from robustft.attacks.search import Search
from robustft.attacks.threat_model import ThreatModel

EPS_255 = 25.5  # 0.1


def search_on(model, pixels, labels):
    noise = Noise(seed=0, rows=torch.arange(len(pixels)))
    return Search(model, pixels, labels, ThreatModel(eps_255=EPS_255), noise)


def brightness_model(linear_model, threshold: float):
    """Two classes: 1 where the mean pixel is above the threshold."""
    weight = torch.stack([torch.zeros(12), torch.full((12,), 1 / 12)])
    return linear_model(weight, torch.tensor([0.0, -threshold]))


def flat_images(*levels: float) -> torch.Tensor:
    return torch.tensor(levels).view(-1, 1, 1, 1).expand(-1, 3, 2, 2).clone()


def test_what_an_attack_claims_is_not_believed(linear_model):
    # Only an image 0.3 brighter would be misclassified: three times what the threat model allows.
    search = search_on(brightness_model(linear_model, 0.7), flat_images(0.4), torch.tensor([0]))
    search.visit(search.pixels + 0.3)
    assert not bool(search.broken.any())
    assert len(search) == 1


def test_only_allowed_images_reach_the_model(linear_model):
    model = brightness_model(linear_model, 0.7)
    pixels = flat_images(0.02, 0.4, 0.6)
    search = search_on(model, pixels, torch.zeros(3, dtype=torch.long))
    search.visit(search.pixels - 5)
    search.ascend(search.pixels + 5, lambda logits, labels: cross_entropy(logits, labels, reduction="none"))
    for seen in model.seen:
        assert float((seen - pixels[: len(seen)]).abs().max()) <= 0.1 + 1e-6
        assert float(seen.min()) >= 0
        assert float(seen.max()) <= 1


def test_broken_images_leave_and_the_rest_keep_their_places(linear_model):
    model = brightness_model(linear_model, 0.5)
    search = search_on(model, flat_images(0.3, 0.45, 0.2, 0.48), torch.zeros(4, dtype=torch.long))
    remaining = search.visit(search.pixels + 0.1)
    assert search.broken.tolist() == [False, True, False, True]
    assert search.positions.tolist() == [0, 2]
    assert torch.equal(search.pixels, flat_images(0.3, 0.2))
    assert len(remaining) == len(search.labels) == 2


def test_passes_are_counted_per_image(linear_model):
    model = brightness_model(linear_model, 0.5)
    search = search_on(model, flat_images(0.3, 0.45, 0.2), torch.zeros(3, dtype=torch.long))

    def loss(logits, labels):
        return cross_entropy(logits, labels, reduction="none")

    candidates, _ = search.ascend(search.pixels + 0.1, loss)  # breaks one
    search.ascend(candidates, loss)
    search.visit(candidates)
    assert search.forward_passes == 3 + 2 + 2
    assert search.backward_passes == 3 + 2


def test_the_gradient_is_that_of_each_image_alone(linear_model):
    torch.manual_seed(0)
    model = linear_model(torch.randn(3, 12))
    pixels = torch.rand(5, 3, 2, 2)
    labels = model(pixels).argmax(1)
    search = search_on(model, pixels, labels)
    candidates, gradients = search.ascend(
        pixels, lambda logits, labels: cross_entropy(logits, labels, reduction="none")
    )
    softmax = (candidates.flatten(1) @ model.weight.T).softmax(1)
    expected = (softmax - torch.eye(3)[labels]) @ model.weight
    torch.testing.assert_close(gradients.flatten(1), expected.detach())
