from __future__ import annotations

import random
from collections.abc import Callable

from robustft.study.eps_curve import eps_curve, eps_curves
from robustft.study.records.record import Record
from robustft.study.tradeoff import Count, tradeoff_points

MakeRecord = Callable[..., Record]


def grid(make_record: MakeRecord, step: int, correct: dict[float, int], **changes: object) -> list[Record]:
    """Clean and one record for each size, on both splits; validation has one more correct."""
    return [
        make_record(
            step=step,
            split=split,
            correct=count + (split == "validation"),
            total=100,
            **({"condition": "pgd", "eps": size / 255} | changes if size else {}),
        )
        for split in ("validation", "test")
        for size, count in correct.items()
    ]


def counts(**by_size: int) -> dict[float, Count]:
    return {float(size.removeprefix("at_")): Count(correct=count, total=100) for size, count in by_size.items()}


def test_a_curve_is_clean_then_every_size_rising(make_record: MakeRecord) -> None:
    records = grid(make_record, 7, {0: 90, 8: 20, 1: 80, 4: 50}) + grid(make_record, 9, {0: 95, 8: 10})
    curve = eps_curve(records, 7)
    assert list(curve.counts) == [0, 1, 4, 8]
    assert curve.counts == counts(at_0=90, at_1=80, at_4=50, at_8=20)
    assert eps_curve(random.Random(0).sample(records, len(records)), 7) == curve
    assert eps_curve(records, 7, split="validation").counts == counts(at_0=91, at_1=81, at_4=51, at_8=21)
    assert eps_curve(records, 8).counts == {}


def test_a_curve_never_mixes_norms_or_settings_and_the_first_ones_are_the_run_s(make_record: MakeRecord) -> None:
    own = grid(make_record, 7, {0: 90, 8: 20, 1: 80})
    longer = grid(make_record, 7, {8: 15, 4: 40}, attack="longer")
    other_norm = grid(make_record, 7, {8: 5}, norm="l2")
    records = own + longer + other_norm
    assert eps_curve(records, 7) == eps_curve(own, 7)
    assert eps_curve(records, 7, settings="longer").counts == counts(at_0=90, at_4=40, at_8=15)
    assert eps_curve(records, 7, norm="l2").counts == counts(at_0=90, at_8=5)
    assert eps_curve(records, 7, "autoattack").counts == counts(at_0=90)


def test_other_sizes_leave_the_trade_off_curve_alone(make_record: MakeRecord) -> None:
    own = grid(make_record, 7, {0: 90, 8: 20}) + grid(make_record, 9, {0: 95, 8: 10})
    assert tradeoff_points(own + grid(make_record, 7, {4: 50})) == tradeoff_points(own)


def test_curves_are_there_for_attacks_with_more_than_one_size(make_record: MakeRecord) -> None:
    records = grid(make_record, 7, {0: 90, 8: 20}) + grid(make_record, 9, {0: 95, 8: 10})
    assert eps_curves(records, (7, 9)) == []
    records += grid(make_record, 9, {4: 30})
    assert eps_curves(records, (7, 7)) == []
    found = eps_curves(records, (7, 9))
    assert [(curve.attack, curve.step, list(curve.counts)) for curve in found] == [
        ("pgd", 7, [0, 8]),
        ("pgd", 9, [0, 4, 8]),
    ]
    records += grid(make_record, 9, {8: 9, 4: 25}, condition="autoattack")
    assert [(curve.attack, curve.step) for curve in eps_curves(records, (7, 9))] == [
        ("pgd", 7),
        ("pgd", 9),
        ("autoattack", 9),
    ]
