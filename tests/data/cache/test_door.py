"""The cache has one door: outside of it nothing knows how a split is built, locked, laid out or decoded in parallel."""

from __future__ import annotations

import grimp
import pytest

CACHE = "robustft.data.cache"
BEHIND_THE_DOOR = ("build", "build_lock", "chunk_layout", "decoding_worker")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("robustft", cache_dir=None)


@pytest.mark.parametrize("module", BEHIND_THE_DOOR)
def test_only_the_cache_imports_what_is_behind_its_door(graph: grimp.ImportGraph, module: str) -> None:
    importers = graph.find_modules_that_directly_import(f"{CACHE}.{module}")
    assert importers
    assert {importer for importer in importers if not importer.startswith(f"{CACHE}.")} == set()
