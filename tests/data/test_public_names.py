"""What holds for every source and archive at the door of data/."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

import robustft.data
from robustft.data import Archive, CifarArchive, Source

NAMES = sorted(inspect.getclosurevars(robustft.data.__getattr__).nonlocals["files"])
CLASSES = {name: getattr(robustft.data, name) for name in NAMES}
SOURCES = [name for name, cls in CLASSES.items() if issubclass(cls, Source) and cls is not Source]
ARCHIVES = [name for name, cls in CLASSES.items() if issubclass(cls, Archive) and cls is not Archive]


def archive(name: str) -> Archive:
    return CLASSES[name](classes=10) if CLASSES[name] is CifarArchive else CLASSES[name]()


def takes_a_path(name: str) -> bool:
    """Of its own, or as an argument that it passes on to the class it extends."""
    return any("path" in inspect.signature(cls).parameters for cls in CLASSES[name].__mro__ if issubclass(cls, Source))


def test_there_are_sources_and_archives() -> None:
    assert SOURCES
    assert ARCHIVES


@pytest.mark.parametrize("name", SOURCES)
def test_sources_take_keyword_arguments_only(name: str) -> None:
    kinds = {parameter.kind for parameter in inspect.signature(CLASSES[name]).parameters.values()}
    assert kinds <= {inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD}


@pytest.mark.parametrize("name", [name for name in SOURCES if takes_a_path(name)])
def test_building_a_source_does_not_access_the_disk(name: str, tmp_path: Path) -> None:
    required = {
        parameter.name: "x"
        for parameter in inspect.signature(CLASSES[name]).parameters.values()
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_KEYWORD
    }
    source = CLASSES[name](**required | {"path": tmp_path / "missing", "resize": "crop"})
    assert (source.name.partition("-")[0], source.resize) == ("missing", "crop")
    with pytest.raises(ValueError, match=r"^path must be a directory, but .*missing does not exist$"):
        source.files()


@pytest.mark.parametrize("name", ARCHIVES)
def test_an_empty_directory_holds_no_archive(name: str, tmp_path: Path) -> None:
    assert archive(name).root_in(tmp_path) is None
    assert archive(name).layout


@pytest.mark.parametrize("name", NAMES)
def test_every_public_class_says_what_it_is(name: str) -> None:
    assert CLASSES[name].__module__.startswith("robustft.data.")
    assert CLASSES[name].__doc__
