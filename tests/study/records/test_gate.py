from __future__ import annotations

import json
from typing import Any

import pytest

from robustft.study.records.gate import Gate


def gate(passed: bool = False, **figures: float) -> Gate:
    return Gate(name="more_steps", passed=passed, figures=figures or {"robust": 0.41, "with more steps": 0.39})


def test_a_gate_reads_as_one_line() -> None:
    assert str(gate()) == "gate failed: more_steps (robust 0.41, with more steps 0.39)"
    assert str(Gate(name="loss", passed=True, figures={})) == "gate passed: loss"


def test_a_gate_comes_back_from_json_as_it_was() -> None:
    assert Gate.from_json(json.loads(json.dumps(gate().to_json()))) == gate()


def test_figures_cannot_be_changed_from_outside() -> None:
    figures = {"robust": 0.5}
    made = gate(**figures)
    figures["robust"] = 0.9
    assert made.figures == {"robust": 0.5}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"name": ""}, "gate name must be a name of one line, got ''"),
        ({"name": "a\nb"}, "gate name must be a name of one line"),
        ({"passed": 1}, "gate passed must be true or false, got 1"),
        ({"figures": [0.5]}, "gate figures must be numbers by name, got"),
        ({"figures": {"robust": float("nan")}}, "gate figures: robust must be a number, got nan"),
        ({"figures": {"robust": "much"}}, "gate figures: robust must be a number, got 'much'"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}"):
        Gate(**({"name": "more_steps", "passed": True, "figures": {}} | change))
