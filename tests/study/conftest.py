from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from robustft.study.record import Record


@pytest.fixture
def make_record() -> Callable[..., Record]:
    """A record with every field set; keywords change them, and `condition` brings its threat model along."""

    def make(**changes: Any) -> Record:
        fields: dict[str, Any] = {
            "step": 40,
            "epoch": 1.5,
            "split": "test",
            "condition": "clean",
            "norm": None,
            "eps": None,
            "attack": None,
            "correct": 7,
            "total": 10,
            "seconds": 0.25,
            "forward_passes": 10,
            "backward_passes": 0,
            "time": "2025-01-31T12:00:00+00:00",
        }
        condition = changes.get("condition", "clean")
        if "/" in condition or not (condition == "clean" or condition.startswith("ood:")):
            fields |= {"norm": "linf", "eps": 8 / 255, "attack": "5e77145a"}
        return Record(**(fields | changes))

    return make
