from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from robustft.report.tradeoff_rows import run_summary
from robustft.study.frontier import frontier_steps
from robustft.study.records.record import Record
from robustft.study.tradeoff import Count, TradeoffPoint, best_step, peak_step, tradeoff_points

MakeRecord = Callable[..., Record]


def records_of_a_step(make_record: MakeRecord, step: int, validation_clean: int = 5) -> list[Record]:
    return [
        make_record(step=step, split="validation", condition="clean", correct=validation_clean),
        make_record(step=step, split="validation", condition="pgd", correct=2),
        make_record(step=step, split="test", condition="clean", correct=60 + step, total=100, epoch=step / 10),
        make_record(step=step, split="test", condition="pgd", correct=30, total=100),
        make_record(step=step, split="test", condition="ood:mnist", correct=25, total=50),
        make_record(step=step, split="test", condition="ood:mnist/pgd", correct=1, total=50),
    ]


def test_a_point_puts_each_count_in_its_place(make_record: MakeRecord) -> None:
    (point,) = tradeoff_points(records_of_a_step(make_record, 4))

    assert (point.step, point.epoch) == (4, 0.4)
    assert point.clean == Count(correct=64, total=100)
    assert point.robust == Count(correct=30, total=100)
    assert point.ood == {"mnist": Count(correct=25, total=50)}
    assert point.validation_clean == Count(correct=5, total=10)
    assert point.validation_robust == Count(correct=2, total=10)
    assert (point.attack, point.norm, point.eps_255) == ("pgd", "linf", 8)


def test_points_are_by_step_whatever_the_order_of_the_records(make_record: MakeRecord) -> None:
    records = [record for step in (0, 1, 2, 10) for record in records_of_a_step(make_record, step)]
    shuffled = random.Random(0).sample(records, len(records))

    assert tradeoff_points(shuffled) == tradeoff_points(records)
    assert [point.step for point in tradeoff_points(shuffled)] == [0, 1, 2, 10]


def test_a_step_that_lacks_a_measurement_is_not_a_point(make_record: MakeRecord) -> None:
    whole, interrupted = records_of_a_step(make_record, 0), records_of_a_step(make_record, 1)
    for missing in range(4):
        records = whole + interrupted[:missing] + interrupted[missing + 1 :]
        assert [point.step for point in tradeoff_points(records)] == [0]
    for missing in (4, 5):  # a domain that was not looked at is no reason to drop the state
        records = whole + interrupted[:missing] + interrupted[missing + 1 :]
        assert [point.step for point in tradeoff_points(records)] == [0, 1]


def test_an_empty_split_is_not_a_measurement(make_record: MakeRecord) -> None:
    records = records_of_a_step(make_record, 0)
    records[0] = make_record(step=0, split="validation", correct=0, total=0)

    assert tradeoff_points(records) == []


def test_other_attacks_make_no_points_and_are_chosen_by_name(make_record: MakeRecord) -> None:
    records = records_of_a_step(make_record, 0)
    for split in ("validation", "test"):
        records.append(make_record(step=0, split=split, condition="autoattack", correct=0))

    assert tradeoff_points(records)[0].robust.correct == 30
    assert tradeoff_points(records, "autoattack")[0].robust.correct == 0
    assert tradeoff_points(records, "square") == []


def test_one_curve_never_mixes_two_threat_models(make_record: MakeRecord) -> None:
    first = records_of_a_step(make_record, 0) + records_of_a_step(make_record, 1)
    later = [
        make_record(step=step, split=split, condition="pgd", correct=9, **other)
        for other in ({"eps": 4 / 255}, {"attack": "more steps"}, {"norm": "l2"})
        for step in (0, 2)
        for split in ("validation", "test")
    ]
    later += records_of_a_step(make_record, 2)[::2]  # step 2 has no attack with the first threat model

    assert tradeoff_points(first + later) == tradeoff_points(first)
    for other in ({"eps": 4 / 255}, {"settings": "more steps"}, {"norm": "l2"}):
        points = tradeoff_points(first + later, **other)
        assert [(point.step, point.robust.correct) for point in points] == [(0, 9), (2, 9)]


def test_of_two_records_with_one_key_the_first_counts(make_record: MakeRecord) -> None:
    records = records_of_a_step(make_record, 0)

    assert tradeoff_points([*records, make_record(step=0, correct=1)]) == tradeoff_points(records)


@pytest.fixture
def points_of(make_record: MakeRecord) -> Callable[..., list[TradeoffPoint]]:
    """(clean, robust) validation counts of 40, one for each step -> points whose test accuracy rises with the step."""

    def make(*validation: tuple[int, int]) -> list[TradeoffPoint]:
        records = []
        for step, (clean, robust) in enumerate(validation):
            of_step = records_of_a_step(make_record, step)[2:]
            for condition, correct in (("clean", clean), ("pgd", robust)):
                of_step.append(
                    make_record(step=step, split="validation", condition=condition, correct=correct, total=40)
                )
            records += of_step
        return tradeoff_points(records)

    return make


@pytest.mark.parametrize(
    ("validation", "best"),
    [
        ([(3, 2), (9, 2), (5, 2)], 1),  # clean decides first
        ([(9, 1), (8, 8)], 0),
        ([(3, 2), (9, 2), (9, 2)], 1),  # the earliest, if nothing tells them apart
        ([(35, 5), (35, 30)], 1),  # robust decides a tie of clean
        ([(5, 5), (35, 30), (35, 31), (35, 31), (35, 4)], 2),
        ([(0, 0)], 0),
    ],
)
def test_best_is_the_highest_on_validation_clean_then_robust_then_the_earliest(
    points_of: Callable[..., list[TradeoffPoint]], validation: list[tuple[int, int]], best: int
) -> None:
    points = points_of(*validation)
    assert best_step(points) == best_step(points[::-1]) == best
    summary = run_summary(points)
    assert (summary["best/step"], summary["best/clean"]) == (best, points[best].clean.rate)


def test_no_other_state_beats_the_best_whatever_was_measured(points_of: Callable[..., list[TradeoffPoint]]) -> None:
    chance = random.Random(0)
    for _ in range(200):
        clean = [chance.randint(3, 6) for _ in range(5)]
        points = points_of(*((correct, chance.randint(0, correct)) for correct in clean))
        best = best_step(points)
        assert best in frontier_steps(points)
        assert not any(
            (point.validation_clean.correct, point.validation_robust.correct)
            > (points[best].validation_clean.correct, points[best].validation_robust.correct)
            for point in points
        )


def test_no_point_has_no_best() -> None:
    with pytest.raises(ValueError, match=r"^points must hold at least one point"):
        best_step([])


def test_of_many_corruptions_a_point_has_the_sum_only(make_record: MakeRecord) -> None:
    parts = [make_record(step=4, condition=f"ood:fog-{severity}", correct=severity) for severity in (1, 2)]
    total = make_record(
        step=4, condition="ood:corruptions", correct=3, total=20, sum_of=[record.condition.name for record in parts]
    )
    (point,) = tradeoff_points([*records_of_a_step(make_record, 4), *parts, total])
    assert list(point.ood) == ["mnist", "corruptions"]
    assert point.ood["corruptions"] == Count(correct=3, total=20)


@pytest.mark.parametrize(("robust", "peak"), [((1, 4, 4, 2), 10), ((1, 2, 3, 4), 30), ((0, 0, 0, 0), 0)])
def test_the_peak_is_the_earliest_of_the_highest_robust_validation_accuracy(
    make_record: MakeRecord, robust: tuple[int, ...], peak: int
) -> None:
    records = [
        make_record(step=10 * index, split=split, condition=condition, correct=correct)
        for index, count in enumerate(robust)
        for split, attacked in (("validation", count), ("test", 9 - count))
        for condition, correct in (("clean", 9), ("pgd", attacked))
    ]
    points = tradeoff_points(records)
    assert peak_step(points) == peak_step(points[::-1]) == peak
    with pytest.raises(ValueError, match="points must hold at least one point"):
        peak_step([])
