from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from robustft.study.tradeoff import Count, TradeoffPoint

MakePoints = Callable[..., list[TradeoffPoint]]

# Full fine-tuning of a small ViT on handwritten digits: step, then clean, robust and OOD accuracy.
FULL = ((0, 0.10, 0.0, 0.1), (10, 0.907, 0.138, 0.55), (40, 0.969, 0.527, 0.67), (160, 0.989, 0.54, 0.78))


@pytest.fixture
def make_points() -> MakePoints:
    """Points from rows of step, clean, robust and OOD accuracy; validation agrees with test."""

    def make(rows: Sequence[tuple[int, float, float, float]] = FULL, *shifts: str) -> list[TradeoffPoint]:
        def count(rate: float, total: int) -> Count:
            return Count(correct=round(rate * total), total=total)

        return [
            TradeoffPoint(
                step=step,
                epoch=step / 20,
                clean=count(clean, 450),
                robust=count(robust, 450),
                ood={shift: count(ood, 5000) for shift in shifts},
                validation_clean=count(clean, 200),
                validation_robust=count(robust, 200),
                attack="pgd",
                norm="linf",
                eps=8 / 255,
            )
            for step, clean, robust, ood in rows
        ]

    return make
