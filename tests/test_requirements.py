"""The lower bounds of what is required: the versions below them lack something that the code relies on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from packaging.requirements import Requirement

PYPROJECT = (Path(__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")


def bound(package: str) -> Requirement:
    return Requirement(re.findall(rf'^  "({package}[<>=][^"]*)"', PYPROJECT, flags=re.MULTILINE)[0])


@pytest.mark.parametrize(
    ("package", "too_old", "first"),
    [
        ("hydra-core", "1.3.3", "1.3.4"),  # a blocklist of targets
        ("pytorch-lightning", "2.5.6", "2.6.0"),  # Trainer.fit(weights_only=...)
    ],
)
def test_the_first_version_that_has_what_is_needed_is_the_lowest_allowed(package: str, too_old: str, first: str):
    assert too_old not in bound(package).specifier
    assert first in bound(package).specifier


def test_hydra_refuses_targets_that_run_commands():
    with pytest.raises(InstantiationException, match="blocklisted"):
        instantiate({"_target_": "os.system", "command": "true"})
