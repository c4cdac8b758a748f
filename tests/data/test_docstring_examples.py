from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = [
    ".".join(file.relative_to(ROOT).with_suffix("").parts)
    for file in sorted((ROOT / "robustft" / "data").rglob("*.py"))
    if ">>> " in file.read_text(encoding="utf-8")
]
CONTRACTS = ("source", "dataset", "split", "batch_order", "class_matching")


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_docstrings_run(module: str) -> None:
    results = doctest.testmod(importlib.import_module(module))
    assert (results.failed, results.attempted > 0) == (0, True)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_the_public_contracts_have_an_example(contract: str) -> None:
    assert f"robustft.data.{contract}" in MODULES
