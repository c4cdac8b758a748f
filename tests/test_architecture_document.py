"""docs/architecture.md is the law of the house, so it must be true of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
TREE = TEXT.split("```")[1]
ROOMS = sorted(path.parent.name for path in (ROOT / "robustft").glob("*/__init__.py"))
GROUND_FLOOR = sorted(path.stem for path in (ROOT / "robustft").glob("[a-z]*.py"))
GROUPS = sorted(path.name for path in (ROOT / "conf").iterdir() if path.is_dir())


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_is_described(room: str) -> None:
    assert re.search(rf"^  {room}/ +\w", TREE, flags=re.MULTILINE)


@pytest.mark.parametrize("folder", sorted(p.parent.name for p in (ROOT / "robustft" / "data").glob("*/__init__.py")))
def test_every_folder_of_data_is_named(folder: str) -> None:
    assert f"{folder}/" in TREE


@pytest.mark.parametrize("module", GROUND_FLOOR)
def test_every_module_of_the_ground_floor_is_named(module: str) -> None:
    assert re.search(rf"\b{module}\b", TREE)


@pytest.mark.parametrize("group", GROUPS)
def test_every_configuration_group_is_named(group: str) -> None:
    assert f" {group}/" in TREE


def test_a_room_that_does_not_exist_is_called_planned() -> None:
    robustft = TREE.partition("\nrobustft/\n")[2].partition("\ntests/")[0]
    described = re.findall(r"^  (\w+)/ +(planned)?", robustft, flags=re.MULTILINE)
    assert {room for room, planned in described if not planned} == set(ROOMS)


def test_the_readme_links_it() -> None:
    assert "(docs/architecture.md)" in (ROOT / "README.md").read_text(encoding="utf-8")
