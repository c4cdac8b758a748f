"""An exponential moving average of the trained weights, which is what gets measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from robustft.models.tuned_state import tuned_parameters, tuned_state


class WeightAverage:
    """After every update: average = decay * average + (1 - decay) * weights, from the weights of the start on.

    Buffers, such as running statistics, are those of the last update.

    >>> model = nn.Linear(1, 1, bias=False)
    >>> average = WeightAverage(model, decay=0.75)
    >>> _ = nn.init.zeros_(model.weight), average.values["weight"].fill_(8.0)
    >>> average.update(model)
    >>> with average.in_place(model):
    ...     print(model.weight.item())
    6.0
    >>> model.weight.item()
    0.0
    """

    def __init__(self, model: nn.Module, *, decay: float) -> None:
        self.decay = decay
        self.values = {name: value.clone() for name, value in tuned_state(model).items()}

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """To be called after every update of the model."""
        averaged = tuned_parameters(model).keys()
        for name, value in tuned_state(model).items():
            average = self.values[name] = self.values[name].to(value.device)
            average.lerp_(value, 1 - self.decay) if name in averaged else average.copy_(value)

    @contextmanager
    def in_place(self, model: nn.Module) -> Iterator[None]:
        """The model has the average meanwhile; then it gets its own weights back, from a copy."""
        own = {name: value.clone() for name, value in tuned_state(model).items()}
        _put(model, self.values)
        try:
            yield
        finally:
            _put(model, own)

    def load(self, values: Mapping[str, Tensor]) -> None:
        """Goes on from the `values` of another average of the same model."""
        self.values = {name: value.clone() for name, value in values.items()}


@torch.no_grad()
def _put(model: nn.Module, values: Mapping[str, Tensor]) -> None:
    # By name over all parameters: a measurement inside may have frozen them.
    own = dict(model.named_parameters()) | dict(model.named_buffers())
    for name, value in values.items():
        own[name].copy_(value)
