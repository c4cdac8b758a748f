"""Rates measured on this machine: random weights, random images, a few seconds a method."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import is_dataclass, replace

from robustft.backbones.backbone import Backbone
from robustft.cli.build import Parts
from robustft.cli.user_errors import naming
from robustft.device import device_name, torch_device
from robustft.lazy_torch import torch
from robustft.planning.rates import EXIT, Rates
from robustft.planning.work import Parameters

INTERPRETER = 2.0
"""Seconds of a process before its imports, and for its data set and configuration after them."""

SECONDS = 60.0
"""For all that is measured, model building aside."""


class Stopwatch:
    """Measures one method after the other, each in an equal share of SECONDS.

    kinds: the number of methods that will be measured.
    """

    def __init__(self, kinds: int) -> None:
        self._share = SECONDS / max(1, kinds) / 3
        self._start_up: float | None = None

    def measured(self, parts: Parts, classes: int) -> tuple[Rates, Parameters]:
        """Rates of the backbone with the method, and its parameters."""
        begin = time.perf_counter()
        from robustft.attacks.engine.queried_model import Network
        from robustft.attacks.engine.search import Search
        from robustft.attacks.pgd import Pgd
        from robustft.device import search_precision
        from robustft.models.tuned_model import tuned_by
        from robustft.models.tuned_state import parameter_counts
        from robustft.training import fine_tune  # noqa: F401  what a run loads

        with naming("trainer."):
            device = torch_device(parts.plan.accelerator)
        with naming("backbone."):
            model = _random(parts.backbone).build(classes=classes, seed=0)
            model = tuned_by(parts.method.fitted(model.network), model, seed=0).to(device)
        self._start_up = self._start_up or time.perf_counter() - begin
        counts = Parameters(**parameter_counts(model))
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]

        def images(count: int) -> torch.Tensor:
            return torch.rand(count, 3, model.resolution, model.resolution, device=device)

        optimizer = torch.optim.AdamW(parameters, lr=1e-6)

        def update(count: int) -> None:
            optimizer.zero_grad()
            labels = torch.zeros(count, dtype=torch.int64, device=device)
            torch.nn.functional.cross_entropy(model(images(count)), labels).backward()
            optimizer.step()

        model.train()
        training = self._seconds(update, parts.plan.batch_size, device)
        model.eval().requires_grad_(False)
        size = parts.suite.batch_size
        low = search_precision(parts.suite.precision, device) == "bf16"
        network = Network(model=model, most=size, low_precision=low)

        def forward(count: int) -> None:
            network.logits(images(count))

        def attacked(count: int) -> None:
            pixels = images(count)
            labels = network.logits(pixels).argmax(1)
            search = Search(
                network=network,
                fetch=lambda rows: (pixels[rows.to(device)], labels[rows.to(device)]),
                threat_model=parts.suite.threat_model,
                seed=0,
                slots=size,
            )
            search.run(Pgd(steps=4, success="last", random_start=False), torch.arange(count))

        of_forward = self._seconds(forward, size, device)
        begin_passes = network.forward_passes, network.backward_passes
        done = self._counted(attacked, size, device)
        forwards, backwards = (network.forward_passes - begin_passes[0], network.backward_passes - begin_passes[1])
        of_backward = max(0.2 * of_forward, (done - of_forward * forwards) / max(1, backwards))
        rates = Rates(
            forward=of_forward,
            backward=of_backward,
            training=training,
            start_up=self._start_up + INTERPRETER,
            exit=EXIT,
            source=f"measured here on {device_name(device)}",
        )
        return rates, counts

    def _seconds(self, act: Callable[[int], None], most: int, device: str) -> float:
        """Seconds per image of `act`, for as many images at a time as fit into the time, at most `most`."""
        count = self._fitting(act, most, device)
        repeats, begin = 0, _now(device)
        while repeats == 0 or _now(device) - begin < self._share / 3:
            act(count)
            repeats += 1
        return (_now(device) - begin) / (repeats * count)

    def _counted(self, act: Callable[[int], None], most: int, device: str) -> float:
        """Seconds of `act`, done once for as many images as fit and once to warm up, both together."""
        begin = _now(device)
        self._fitting(act, most, device)
        return _now(device) - begin

    def _fitting(self, act: Callable[[int], None], most: int, device: str) -> int:
        """The number of images, doubled from a few up to `most` while a whole round takes less than the time left."""
        count = max(1, min(most, 4))
        act(count)  # warms up
        while count < most:
            begin = _now(device)
            act(count)
            if 3 * (_now(device) - begin) > self._share / 3:
                break
            count = min(most, 2 * count)
        return count


def _random(backbone: Backbone) -> Backbone:
    """The same without a download."""
    if is_dataclass(backbone) and hasattr(backbone, "pretrained") and hasattr(backbone, "checkpoint"):
        return replace(backbone, pretrained=False, checkpoint=None)
    return backbone


def _now(device: str) -> float:
    if device == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()
