"""The examples in docstrings run, and every public contract has one."""

from __future__ import annotations

import ast
import doctest
import importlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "robustft"
MODULES = [
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.name not in ("__init__.py", "__main__.py")
]
CONTRACTS_OF_DATA = [
    f"robustft.data.{name}" for name in ("source", "dataset", "split", "batch_order", "class_matching")
]
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def public_names() -> list[tuple[str, str]]:
    """(room, name) of everything at the rooms' doors, as their `__init__` declares it to type checkers."""
    return [
        (f"robustft.{path.parent.name}", alias.asname)
        for path in sorted(PACKAGE.glob("*/__init__.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.asname is not None
    ]


def examples(owner: object) -> int:
    """Number of examples in the docstrings of a module, or of a class and its methods."""
    tests = doctest.DocTestFinder(recurse=True).find(owner, getattr(owner, "__name__", ""))
    return sum(len(test.examples) for test in tests)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    runner = doctest.DocTestRunner(optionflags=OPTIONS)
    report: list[str] = []
    for test in doctest.DocTestFinder().find(module, name):
        runner.run(test, out=report.append)
    assert not report, "".join(report)


@pytest.mark.parametrize(("room", "name"), public_names())
def test_every_public_name_has_an_example_of_its_own_or_of_its_contract(room: str, name: str) -> None:
    shown = getattr(importlib.import_module(room), name)
    assert sum(map(examples, (*shown.__mro__, *shown.__subclasses__()))) > 0, (
        "an example (>>>) in a docstring is missing"
    )


@pytest.mark.parametrize("name", [*(name for name in MODULES if name.count(".") == 1), *CONTRACTS_OF_DATA])
def test_every_module_of_the_ground_floor_and_every_contract_of_data_has_an_example(name: str) -> None:
    assert examples(importlib.import_module(name)) > 0


def test_an_example_that_fails_is_noticed() -> None:
    class Wrong:
        """
        >>> 1 + 1
        3
        """

    runner = doctest.DocTestRunner(verbose=False)
    (test,) = doctest.DocTestFinder().find(Wrong, "Wrong")
    assert runner.run(test, out=lambda text: None).failed == 1
    assert ("robustft.attacks", "Pgd") in public_names()
