"""What is off leaves no trace: declared beside the field, the same for runs and for records."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

import pytest

from robustft.attacks.pgd import Pgd
from robustft.evaluation.suite import Suite
from robustft.optional_setting import optional_setting, without_off
from robustft.training.plan import TrainingPlan


@dataclass(frozen=True, kw_only=True)
class Settings:
    rate: float = 1
    clip: float | None = optional_setting(None)
    keep_all: bool = optional_setting(True)
    names: Any = optional_setting((), normal=lambda names: sorted(names or ()))
    levels: Any = optional_setting((1, 2), normal=sorted, goes_with="names")


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({}, {}),
        ({"clip": 0}, {"clip": 0}),  # off is what the field says, not what is false
        ({"keep_all": False}, {"keep_all": False}),
        ({"names": None, "levels": [3]}, {}),
        ({"names": ["b", "a"]}, {"names": ["a", "b"], "levels": [1, 2]}),
        ({"names": ["a"], "levels": [3.0, 1]}, {"names": ["a"], "levels": [1, 3]}),
    ],
)
def test_only_what_is_on_is_left_in_one_form(given: dict, left: dict) -> None:
    assert without_off(Settings, asdict(replace(Settings(), **given))) == {"rate": 1, **left}


def test_what_is_missing_stays_missing_and_what_is_unknown_stays() -> None:
    assert without_off(Settings, {"rate": 2, "other": 3}) == {"rate": 2, "other": 3}
    assert without_off(object, {"clip": None}) == {"clip": None}


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (
            TrainingPlan,
            {"drop_last", "weight_decay_on", "gradient_clip", "warmup_from_zero", "validation_fraction", "beta2"}
            | {"average", "head_learning_rate", "weight_perturbation"},
        ),
        (Suite, {"corruptions", "severities", "attack_ood", "eps_grid_255", "precision"}),
        (Pgd, {"warm_start"}),
    ],
)
def test_these_settings_are_absent_at_their_defaults(owner: type, names: set[str]) -> None:
    defaults = {name: field.default for name, field in owner.__dataclass_fields__.items()}  # type: ignore[attr-defined]
    assert defaults.keys() - without_off(owner, defaults).keys() == names
