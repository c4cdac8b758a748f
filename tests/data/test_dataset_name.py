from __future__ import annotations

import os
from pathlib import Path

import pytest

from robustft.data.dataset_name import dataset_name, path_argument, source_argument


@pytest.mark.parametrize(
    ("name", "fallback", "source", "expected"),
    [
        ("pacs", "x", None, "pacs"),
        (None, "pacs", "photo", "pacs-photo"),
        (None, "my birds (2)", None, "my-birds-2"),
        (None, ".hidden", None, "hidden"),
        ("pacs", "x", "art painting", "pacs-art-painting"),
    ],
)
def test_names_fit_into_directories(name: str | None, fallback: str, source: str | None, expected: str) -> None:
    assert dataset_name(name, fallback, source) == expected


@pytest.mark.parametrize("name", ["a b", "a/b", "", "-a", "..", "ä", 3])
def test_a_given_name_is_not_changed_but_refused(name: object) -> None:
    with pytest.raises(ValueError, match=r"^name must be"):
        dataset_name(name, "x")


def test_a_name_must_be_given_where_the_path_has_none() -> None:
    with pytest.raises(ValueError, match=r"^name must be given"):
        dataset_name(None, path_argument("/").name)


def test_paths_are_made_absolute() -> None:
    assert path_argument("~/x") == Path.home() / "x"
    assert path_argument("x/../y/") == Path(os.getcwd()) / "y"


@pytest.mark.parametrize("path", [None, "", 3])
def test_a_path_must_be_a_path(path: object) -> None:
    with pytest.raises(ValueError, match=r"^path must be given"):
        path_argument(path)


def test_a_number_is_the_name_of_a_domain_without_one() -> None:
    assert source_argument(2) == "2"
    assert source_argument(None) is None
    for value in (True, 1.5, "", ["photo"]):
        with pytest.raises(ValueError, match=r"^source must be"):
            source_argument(value)
