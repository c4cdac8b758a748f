"""No two modules of robustft import each other, directly or through others."""

from __future__ import annotations

from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]


def circles(graph: grimp.ImportGraph) -> list[tuple[str, ...]]:
    """Chains of imports that lead back to their first module."""
    imports = [(module, other) for module in graph.modules for other in graph.find_modules_directly_imported_by(module)]
    ways_back = [(module, graph.find_shortest_chain(other, module)) for module, other in sorted(imports)]
    return [(module, *way) for module, way in ways_back if way is not None]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """All imports, those inside functions too, but not those under TYPE_CHECKING."""
    return grimp.build_graph("robustft", exclude_type_checking_imports=True, cache_dir=None)


def test_the_graph_has_every_module(graph: grimp.ImportGraph) -> None:
    files = {file.relative_to(ROOT).with_suffix("") for file in (ROOT / "robustft").rglob("*.py")}
    modules = {".".join(file.parts).removesuffix(".__init__") for file in files}
    assert graph.modules == modules


def test_no_import_leads_back_to_its_module(graph: grimp.ImportGraph) -> None:
    assert circles(graph) == []


def test_a_circle_of_three_modules_is_noticed() -> None:
    graph = grimp.ImportGraph()
    for module in "abcd":
        graph.add_module(module)
    for importer, imported in ("ab", "bc", "ca", "ad"):
        graph.add_import(importer=importer, imported=imported)
    assert circles(graph) == [("a", "b", "c", "a"), ("b", "c", "a", "b"), ("c", "a", "b", "c")]
