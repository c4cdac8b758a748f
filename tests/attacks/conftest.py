"""Attacking tensors directly, without a data set around them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from robustft.attacks.attack import Attack
from robustft.attacks.engine.queried_model import Network
from robustft.attacks.engine.search import Search, SearchResult
from robustft.attacks.threat_model import ThreatModel


@pytest.fixture
def searched():
    """(model, pixels, labels, attack, ...) -> SearchResult, for images that are all correct when clean."""

    def run(
        model: nn.Module,
        pixels: Tensor,
        labels: Tensor,
        attack: Attack,
        *,
        eps_255: float = 8.0,
        norm: str = "linf",
        slots: int = 64,
        seed: int = 0,
        rows: Tensor | None = None,
    ) -> SearchResult:
        search = Search(
            network=Network(model=model, most=slots),
            fetch=lambda some: (pixels[some], labels[some]),
            threat_model=ThreatModel(norm=norm, eps_255=eps_255),
            seed=seed,
            slots=slots,
        )
        return search.run(attack, torch.arange(len(pixels)) if rows is None else rows)

    return run


@pytest.fixture
def robust(searched):
    """As `searched`, for any images: (N,) bool, correct when clean and unbroken."""

    def run(model: nn.Module, pixels: Tensor, labels: Tensor, attack: Attack, **settings: object) -> Tensor:
        correct = model(pixels).argmax(1) == labels
        rows = correct.nonzero()[:, 0]
        correct[rows] &= ~searched(model, pixels, labels, attack, rows=rows, **settings).broken
        return correct

    return run
