from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from robustft.attacks.passes import Passes
from robustft.planning.span import Span
from robustft.planning.work import MeasurementWork, Parameters, RunWork
from robustft.study.records.condition import Condition


@pytest.fixture
def clean() -> MeasurementWork:
    """100 test images at the three states of `make_work`."""
    return MeasurementWork(condition=Condition(split="test"), images=100, states=Span.of(3), budget=Passes(forward=1))


@pytest.fixture
def attacked() -> MeasurementWork:
    """The same, attacked with 4 steps."""
    return MeasurementWork(
        condition=Condition(split="test", attack="pgd", norm="linf", eps=8 / 255, settings="abc"),
        images=100,
        states=Span.of(3),
        budget=Passes(forward=5, backward=4),
        stops_early=True,
    )


@pytest.fixture
def make_work(clean: MeasurementWork):
    """(settings) -> a run of 10 updates with 8 images each, evaluated at steps 0, 1 and 10."""

    def make(**changes: Any) -> RunWork:
        settings: dict[str, Any] = {
            "directory": Path("run"),
            "dataset": "digits",
            "backbone": "glyph_vit",
            "method": "bitfit",
            "seed": 0,
            "steps": (0, 1, 10),
            "batch_size": 8,
            "measurements": (clean,),
            "parameters": Parameters(total=1000, trainable=90, head=10),
        }
        return RunWork(**(settings | changes))

    return make
