from __future__ import annotations

from collections.abc import Callable

import pytest

from robustft.study.records.condition_names import ConditionNames, condition_names, exactly
from robustft.study.records.record import Record

MakeRecord = Callable[..., Record]
PGD = {"attack": "Pgd", "steps": 15, "opening": [2, 1.0], "loss": "cross_entropy", "step_size_255": None, "warm": False}
CONFIGURED = {"pgd": {"_target_": "robustft.attacks.pgd.Pgd", "when": "every", **PGD}}
del CONFIGURED["pgd"]["attack"], CONFIGURED["pgd"]["warm"]  # what is off leaves no trace


def names(make_record: MakeRecord, *hashes: str, attack: str = "pgd", **known: object) -> ConditionNames:
    records = [make_record(condition=attack, attack=settings) for settings in ("0wn0", *hashes)]
    return condition_names(records, norm="linf", eps=8 / 255, **{"configured": CONFIGURED} | known)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"steps": 5}, "pgd steps=5"),
        ({"steps": 5, "loss": "margin"}, "pgd steps=5 loss=margin"),
        ({"opening": []}, "pgd opening=[]"),
        ({"opening": [2, 0.5]}, "pgd opening=[2,0.5]"),
        ({"step_size_255": 0.5}, "pgd step_size_255=0.5"),
        ({"loss": None}, "pgd loss=null"),
        ({"warm": True}, "pgd warm=true"),
        ({"attack": "Fgsm"}, "pgd attack=Fgsm"),
        ({"steps": 15.0, "opening": (2, 1)}, "pgd-5e77"),  # the same: only the hash differs
    ],
    ids=str,
)
def test_other_settings_are_called_by_what_differs_from_the_run_s_own(
    make_record: MakeRecord, changes: dict, expected: str
) -> None:
    other = {"5e77145a": PGD | changes}
    for settings in (other, {"0wn0": PGD} | other):  # a run of before has its own in its identity alone
        named = names(make_record, "5e77145a", settings=settings)
        assert named.of_attack("pgd", "5e77145a") == expected
        assert named.of_attack("pgd", "0wn0") == "pgd"


def test_without_their_settings_they_have_the_beginning_of_the_hash(make_record: MakeRecord) -> None:
    assert names(make_record, "5e77145a").of_attack("pgd", "5e77145a") == "pgd-5e77"
    assert names(make_record, "5e77145a", settings={"5e77145a": 3}).of_attack("pgd", "5e77145a") == "pgd-5e77"
    assert names(make_record).of_attack("pgd", "5e77145a") == "pgd-5e77"


def test_no_two_are_called_the_same(make_record: MakeRecord) -> None:
    alike = ("5e77aaaa", "5e77bbbb", "5e77cccc")
    for settings in ({}, {one: PGD | {"steps": 5} for one in alike}, {alike[1]: PGD | {"steps": 5}}):
        named = names(make_record, *alike, settings=settings)
        assert len({named.of_attack("pgd", one) for one in ("0wn0", *alike)}) == 4


def test_the_run_s_own_are_those_of_its_configuration_even_if_measured_later(make_record: MakeRecord) -> None:
    settings = {"0wn0": PGD | {"steps": 50}, "5e77145a": PGD}
    named = names(make_record, "5e77145a", settings=settings)
    assert named.of_attack("pgd", "5e77145a") == "pgd"
    assert named.of_attack("pgd", "0wn0") == "pgd steps=50"


def test_an_attack_that_the_run_did_not_make_goes_by_its_first_settings(make_record: MakeRecord) -> None:
    square = {"0wn0": {"attack": "Square", "queries": 10}, "5e77": {"attack": "Square", "queries": 99}}
    named = names(make_record, "5e77", attack="square", settings=square)
    assert [named.of_attack("square", one) for one in square] == ["square", "square queries=99"]


def test_size_and_norm_stand_behind_where_they_are_not_the_run_s_own(make_record: MakeRecord) -> None:
    named = names(make_record, "5e77", settings={"5e77": PGD | {"steps": 5}})

    def name(condition: str, **changes: object) -> str:
        return named.of(make_record(condition=condition, **{"attack": "0wn0"} | changes))

    assert named.of(make_record(condition="clean")) == "clean"
    assert named.of(make_record(condition="ood:a b")) == "ood:a b"
    assert name("pgd") == "pgd"
    assert name("pgd", eps=2 / 255) == "pgd@2"
    assert name("ood:a b/pgd", eps=7 / 255) == "ood:a b/pgd@7"
    assert name("pgd", norm="l1") == "pgd@l1-8"
    assert name("ood:a b/pgd", eps=2 / 255, attack="5e77") == "ood:a b/pgd steps=5@2"


def test_a_size_is_short_but_no_other_s() -> None:
    assert [exactly(size) for size in (2.0, 0.5, 127.5, 0.666666667, 1234567.0)] == [
        *("2", "0.5", "127.5", "0.666666667", "1234567.0"),
    ]
