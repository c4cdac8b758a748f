"""The size of files and folders, and that nothing is written twice: what import-linter does not see."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LONGEST_FILE, LARGEST_FOLDER, LONGEST_REPEAT = 300, 16, 5
MODULES = sorted((ROOT / "robustft").rglob("*.py"))
YAMLS = sorted((ROOT / "conf").rglob("*.yaml"))


def repeats(files: Mapping[str, list[tuple[int, str]]]) -> list[str]:
    """Where runs of significant lines, (number, text), that are too long stand in two places."""
    places = defaultdict(list)
    for name, lines in files.items():
        for first in range(len(lines) - LONGEST_REPEAT):
            run = lines[first : first + LONGEST_REPEAT + 1]
            places[tuple(text for _, text in run)].append(f"{name}:{run[0][0]}")
    return [" and ".join(where) for where in places.values() if len(where) > 1]


def code_lines(text: str) -> list[tuple[int, str]]:
    """The lines without imports, docstrings, comments and lone brackets."""
    skipped: set[int] = set()
    for node in ast.walk(ast.parse(text)):
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if isinstance(node, ast.Import | ast.ImportFrom) or is_text:
            skipped.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return [(number, line) for number, line in significant(text) if number not in skipped]


def significant(text: str) -> list[tuple[int, str]]:
    lines = ((number, line.partition("  #")[0].strip()) for number, line in enumerate(text.splitlines(), start=1))
    return [(number, line) for number, line in lines if not line.startswith("#") and any(map(str.isalnum, line))]


def relative(paths: Iterable[Path]) -> dict[str, str]:
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in paths}


def test_a_repeat_of_six_lines_is_noticed_and_one_of_five_is_not():
    lines = [(number, f"line {number % 6}") for number in range(12)]
    assert repeats({"a": lines}) == ["a:0 and a:6"]
    assert repeats({"a": lines[:5], "b": lines[6:11]}) == []
    assert code_lines('"""Text."""\nimport os\n\n# comment\nx = (  # why\n    1\n)\n') == [(5, "x = ("), (6, "1")]


def test_no_six_lines_of_code_are_written_twice():
    assert repeats({name: code_lines(text) for name, text in relative(MODULES).items()}) == []


def test_no_six_lines_of_configuration_are_written_twice():
    assert repeats({name: significant(text) for name, text in relative(YAMLS).items()}) == []


def test_no_file_is_long():
    too_long = {name: text.count("\n") for name, text in relative(MODULES).items() if text.count("\n") > LONGEST_FILE}
    assert too_long == {}


@pytest.mark.parametrize("top", ["robustft", "conf"])
def test_no_folder_is_full(top):
    folders = [path for path in (ROOT / top, *(ROOT / top).rglob("*")) if path.is_dir() and path.name != "__pycache__"]
    counts = {path.relative_to(ROOT).as_posix(): sum(file.is_file() for file in path.iterdir()) for path in folders}
    assert {name: count for name, count in counts.items() if count > LARGEST_FOLDER} == {}
