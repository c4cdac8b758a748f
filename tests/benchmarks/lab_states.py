"""Fine-tuned states of the lab for benchmarks to attack: made in a minute or two, then kept in robustft's cache."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from robustft.backbones.pixel_model import PixelModel
from robustft.backbones.timm_model import TimmModel
from robustft.data.batch_order import batch_rows
from robustft.data.cache.cache_directory import cache_directory
from robustft.data.dataset import Dataset
from robustft.data.sources.digits import Digits
from robustft.methods.bitfit import BitFit
from robustft.methods.full import Full
from robustft.methods.linear_probe import LinearProbe
from robustft.methods.method import Method
from robustft.models.tuned_model import tuned_by
from robustft.models.tuned_state import load_tuned, save_tuned, tuned_parameters

EPS = 8 / 255
WHOLE_RUN = (0, 10, 20, 40, 80, 120, 160)
"""Steps at which a run's states are kept."""

GLYPH_VIT = TimmModel(
    name="vit_tiny_patch16_224",
    checkpoint="package:glyph_vit.safetensors",
    resolution=28,
    mean=(0.5, 0.5, 0.5),
    std=(0.5, 0.5, 0.5),
    options={"patch_size": 4, "embed_dim": 96, "depth": 4, "num_heads": 3},
)


@dataclass(frozen=True, kw_only=True)
class Training:
    """A short fine-tuning on the digits: AdamW, batches of 64, a constant rate."""

    method: Method
    learning_rate: float
    adversarial: bool = False


TRAININGS = {
    "linear probe": Training(method=LinearProbe(), learning_rate=5e-3),
    "bitfit": Training(method=BitFit(), learning_rate=5e-3),
    "full": Training(method=Full(), learning_rate=3e-4),
    "adversarial": Training(method=Full(), learning_rate=3e-4, adversarial=True),
}


def lab_data() -> Dataset:
    """The digits at the lab's resolution."""
    return Digits().load(28)


def lab_states(name: str, data: Dataset) -> dict[int, PixelModel]:
    """step -> frozen model in eval mode, for the steps of WHOLE_RUN; trained if they are not kept yet."""
    directory = cache_directory() / "benchmarks" / name.replace(" ", "_")
    training = TRAININGS[name]
    if not all((directory / f"{step}.safetensors").is_file() for step in WHOLE_RUN):
        directory.mkdir(parents=True, exist_ok=True)
        model = _new(training)
        optimizer = torch.optim.AdamW(tuned_parameters(model).values(), training.learning_rate, weight_decay=0.01)
        for step in range(WHOLE_RUN[-1] + 1):
            if step in WHOLE_RUN:
                save_tuned(model, directory / f"{step}.safetensors")
            _update(model, optimizer, training, data, step)
    found = {}
    for step in WHOLE_RUN:
        model = _new(training)
        load_tuned(model, directory / f"{step}.safetensors")
        found[step] = model.eval().requires_grad_(False)
    return found


def small_network(data: Dataset, *, adversarial: bool) -> nn.Module:
    """A frozen network of one hidden layer, trained for a second on digits of 8 x 8 pixels, the usual way or on images
    one step of 0.1 away."""
    torch.manual_seed(0)
    layers = nn.Linear(192, 64), nn.GELU(), nn.Linear(64, 10)
    network = nn.Sequential(nn.Flatten(), *layers)
    optimizer = torch.optim.Adam(network.parameters(), 3e-3)
    for step in range(300):
        stored, numbers = data.train.batch(batch_rows(step, count=len(data.train), batch_size=128, seed=0))
        pixels, labels = torch.from_numpy(stored).float() / 255, torch.from_numpy(numbers)
        if adversarial:
            pixels.requires_grad_()
            (gradient,) = torch.autograd.grad(cross_entropy(network(pixels), labels), pixels)
            pixels = (pixels.detach() + 0.1 * gradient.sign()).clamp(0, 1)
        optimizer.zero_grad()
        cross_entropy(network(pixels), labels).backward()
        optimizer.step()
    return network.eval().requires_grad_(False)


def _new(training: Training) -> PixelModel:
    return tuned_by(training.method, GLYPH_VIT.build(classes=10, seed=0), seed=0)


def _update(model: PixelModel, optimizer: torch.optim.Optimizer, training: Training, data: Dataset, step: int) -> None:
    stored, numbers = data.train.batch(batch_rows(step, count=len(data.train), batch_size=64, seed=0))
    pixels, labels = torch.from_numpy(stored).float() / 255, torch.from_numpy(numbers)
    if training.adversarial:
        pixels = _one_step_away(model, pixels, labels, seed=step)
    loss = cross_entropy(model(pixels), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _one_step_away(model: PixelModel, pixels: Tensor, labels: Tensor, *, seed: int) -> Tensor:
    """Fast adversarial training's images: a random start and one step of 1.25 eps (Wong et al., ICLR 2020)."""
    noise = torch.rand(pixels.shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1
    delta = (EPS * noise).requires_grad_()
    (gradient,) = torch.autograd.grad(cross_entropy(model(pixels + delta), labels), delta)
    moved = (delta.detach() + 1.25 * EPS * gradient.sign()).clamp(-EPS, EPS)
    return (pixels + moved).clamp(0, 1)
