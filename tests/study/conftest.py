from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from robustft.study.records.condition import Condition
from robustft.study.records.record import Record


@pytest.fixture
def make_record() -> Callable[..., Record]:
    """A record from the fields of its line, all set; `condition`, a name, brings its threat model along."""

    def make(**changes: Any) -> Record:
        fields: dict[str, Any] = {
            "step": 40,
            "epoch": 1.5,
            "correct": 7,
            "total": 10,
            "seconds": 0.25,
            "forward_passes": 10,
            "backward_passes": 0,
            "time": "2025-01-31T12:00:00+00:00",
        }
        line: dict[str, Any] = {"split": "test", "condition": "clean", "norm": None, "eps": None, "attack": None}
        name = changes.get("condition", "clean")
        if "/" in name or not (name == "clean" or name.startswith(("ood:", "unknown:"))):
            line |= {"norm": "linf", "eps": 8 / 255, "attack": "5e77145a"}
        line |= {field: changes.pop(field) for field in line if field in changes}
        condition = Condition.recorded(
            split=line["split"], name=name, norm=line["norm"], eps=line["eps"], settings=line["attack"]
        )
        if "sum_of" in changes:
            parts = [Condition.recorded_part(split=condition.split, name=part) for part in changes["sum_of"]]
            changes["sum_of"] = tuple(parts)
        return Record(condition=condition, **(fields | changes))

    return make
