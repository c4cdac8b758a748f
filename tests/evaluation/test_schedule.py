from __future__ import annotations

from itertools import pairwise

import pytest

from robustft.evaluation.schedule import Intervals, Log

PAPER = Intervals(intervals=[[700, 50], [3000, 1000], [None, 6000]])
RELEASED = Intervals(
    intervals=[[100, 50], [300, 30], [1000, 200], [3000, 2000], [10000, 4000], [30000, 6000], [None, 20000]]
)


def test_the_papers_schedule_means_multiples_of_its_intervals():
    assert PAPER.steps(14_000) == (0, *range(50, 701, 50), 1000, 2000, 3000, 6000, 12_000, 14_000)


def test_the_released_schedule_puts_13_of_17_points_of_the_cifar10_run_into_the_warmup():
    steps = RELEASED.steps(20 * (45_000 // 128))
    assert len(steps) == 17
    assert sum(step <= 800 for step in steps) == 13


@pytest.mark.parametrize("schedule", [PAPER, RELEASED, Log(points=1), Log(points=7), Log(points=60)], ids=repr)
@pytest.mark.parametrize("max_steps", [1, 2, 3, 49, 50, 51, 200, 7020])
def test_first_and_last_step_are_always_there_and_every_step_once(schedule, max_steps):
    steps = schedule.steps(max_steps)
    assert steps[0] == 0
    assert steps[-1] == max_steps
    assert list(steps) == sorted(set(steps))


@pytest.mark.parametrize("points", [1, 2, 5, 7, 16, 40])
@pytest.mark.parametrize("max_steps", [40, 200, 1000, 7020])
def test_log_gives_as_many_unique_steps_as_asked_for(points, max_steps):
    assert len(Log(points=points).steps(max_steps)) == points + 1


def test_log_gives_every_step_of_a_run_that_has_fewer():
    assert Log(points=100).steps(5) == (0, 1, 2, 3, 4, 5)


def test_log_is_geometric():
    steps = Log(points=7).steps(200)[2:]
    ratios = [later / earlier for earlier, later in pairwise(steps)]
    assert max(ratios) / min(ratios) < 1.4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Log(points=0), "points must be a whole number of at least 1, got 0"),
        (lambda: Intervals(intervals=[]), "intervals must have at least one pair"),
        (lambda: Intervals(intervals=[[50]]), r"intervals must be pairs \[up_to, every\], got \[50\]"),
        (lambda: Intervals(intervals=[[50, 0]]), "intervals: every must be a whole number of at least 1, got 0"),
        (lambda: Intervals(intervals=[[50, 5], [40, 5]]), "intervals: up_to must be a whole number of at least 51"),
        (lambda: Intervals(intervals=[[None, 5], [40, 5]]), "intervals may leave up_to open in the last pair only"),
        (lambda: PAPER.steps(0), "max_steps must be a whole number of at least 1, got 0"),
    ],
)
def test_mistakes_name_the_argument_and_what_is_allowed(make, message):
    with pytest.raises(ValueError, match=message):
        make()
