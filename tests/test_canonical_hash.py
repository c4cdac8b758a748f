from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from robustft.canonical_hash import canonical_hash, canonical_json


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ((1, 2), [1, 2]),
        ({"a": {"b": 1.0}}, {"a": {"b": 1}}),
        ([-0.0], [0]),
        (MappingProxyType({"a": 1}), {"a": 1}),
    ],
)
def test_what_means_the_same_is_the_same_text(one: Any, other: Any) -> None:
    assert canonical_json(one) == canonical_json(other)


@pytest.mark.parametrize(
    ("one", "other"), [(1, True), (0, None), (1, "1"), ([1, 2], [2, 1]), ([], {}), (1.5, 1), ("a", ["a"]), (1e-9, 0)]
)
def test_what_differs_is_not_the_same_text(one: Any, other: Any) -> None:
    assert canonical_json(one) != canonical_json(other)


@pytest.mark.parametrize("value", [{1: "a"}, {"a": object()}, {"a": b"bytes"}])
def test_what_json_cannot_hold_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        canonical_json(value)


def test_a_hash_has_the_length_asked_for() -> None:
    assert len(canonical_hash({"a": 1}, characters=16)) == 16
    assert canonical_hash({"a": 1}, characters=16) != canonical_hash({"a": 2}, characters=16)
