from __future__ import annotations

from typing import Any

import pytest

from robustft.data.corruptions.names import COMMON, CORRUPTIONS, EXTRA
from robustft.study.records.condition import Condition
from tests.condition_names import ODD, UNUSABLE

PGD: dict[str, Any] = {"attack": "pgd", "norm": "linf", "eps": 8 / 255, "settings": "5e77145a"}
NAMED: list[tuple[dict[str, Any], str]] = [
    ({}, "clean"),
    (PGD, "pgd"),
    ({"shift": "art painting"}, "ood:art painting"),
    ({"shift": "sketch", **PGD}, "ood:sketch/pgd"),
    ({"shift": "svhn", "unknown": True}, "unknown:svhn"),
    ({"corruption": "fog", "severity": 3}, "ood:fog-3"),
    ({"corruption": CORRUPTIONS}, "ood:corruptions"),
]


def read_again(condition: Condition) -> Condition:
    return Condition.recorded(
        split=condition.split,
        name=condition.name,
        norm=condition.norm,
        eps=condition.eps,
        settings=condition.settings,
    )


@pytest.mark.parametrize(("parts", "name"), NAMED)
def test_a_name_is_derived_and_read_again_as_an_equal_condition(parts: dict[str, Any], name: str) -> None:
    condition = Condition(split="test", **parts)
    assert condition.name == name
    assert read_again(condition) == condition
    assert hash(read_again(condition)) == hash(condition)
    assert read_again(condition).ood == condition.ood
    assert condition != Condition(split="validation", **parts)


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_read_again(name: str) -> None:
    condition = Condition(split="test", shift=name, **PGD | {"attack": name})
    assert (read_again(condition).shift, read_again(condition).attack) == (name, name)


@pytest.mark.parametrize("corruption", [*COMMON, *EXTRA])
def test_the_parts_of_a_sum_are_read_as_corruptions(corruption: str) -> None:
    part = Condition.recorded_part(split="test", name=f"ood:{corruption}-5")
    assert (part.corruption, part.severity, part.shift) == (corruption, 5, None)
    assert Condition.recorded_part(split="test", name="ood:sketch").shift == "sketch"
    assert Condition.recorded_part(split="test", name="ood:imagenet-6").shift == "imagenet-6"


def test_the_clean_condition_has_the_same_images() -> None:
    attacked = Condition(split="test", shift="sketch", **PGD)
    assert attacked.clean == Condition(split="test", shift="sketch")
    assert attacked.clean.clean == attacked.clean


def test_keys_and_digests_stay_what_they_are_in_files_already_written() -> None:
    pgd = Condition(split="test", **PGD)
    assert (Condition(split="test").key(40), pgd.key(40)) == ("b7455e9e98ae735e", "fe16ef528a3fb12e")
    assert Condition(split="test", attack="pgd", norm="linf", eps=0.1, settings="abc").digest == "d474aee6958e2cd7"


@pytest.mark.parametrize("name", UNUSABLE, ids=ascii)
def test_names_that_could_not_be_read_again_are_refused(name: str) -> None:
    for condition in (f"ood:{name}/pgd", f"ood:sketch/{name}", *([] if "/" in name else [f"ood:{name}"])):
        with pytest.raises(ValueError, match=r"^condition must be clean, <attack>"):
            Condition.recorded(split="test", name=condition, norm="linf", eps=0.1, settings="abc")
    for parts in ({"shift": name}, {"corruption": name}, PGD | {"attack": name}):
        with pytest.raises(ValueError, match=r"^(shift|corruption|attack) must be a text of 1 to 100 characters"):
            Condition(split="test", **parts)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"split": "val"}, "split must be one of train, validation, test; got 'val'"),
        ({"corruption": "fog", "severity": 6}, "severity must be a whole number of at least 1 and at most 5, got 6"),
        ({"shift": "sketch", "corruption": "fog"}, "corruption must be None where there is a shift, got 'fog'"),
        ({"unknown": True}, "unknown must be False without a shift and under an attack, got True"),
        (
            PGD | {"shift": "svhn", "unknown": True},
            "unknown must be False without a shift and under an attack, got True",
        ),
        (PGD | {"eps": None}, "eps must be given for the attack in condition pgd, got None"),
        ({"norm": "linf"}, "norm must be None for condition clean, which has no attack; got 'linf'"),
        (PGD | {"settings": ""}, "attack must be a string, got ''"),
        (PGD | {"eps": 1e307}, "eps must be a number of pixel units, got 1e+307"),
    ],
)
def test_what_cannot_be_is_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as error:
        Condition(**{"split": "test"} | parts)
    assert str(error.value) == message
