"""Simulations of clusters small enough to be worked out by hand, and properties of larger ones."""

from __future__ import annotations

import pytest

from robustft.planning.cluster import REQUEUE_SECONDS, Cluster, Task

QUIET = {"slice_minutes": None, "preempted_every_hours": None}
HOUR = 3600.0


def task(hours: float, start_up: float = 60, exit: float = 30, block: float = 120) -> Task:
    return Task(start_up=start_up, work=hours * HOUR, exit=exit, block=block)


def test_one_job_without_interruption_takes_the_sum():
    tasks = [task(1), task(2), task(0.5)]
    forecast = Cluster(jobs=1, **QUIET).simulated(tasks)
    assert forecast.wall_clock == pytest.approx(3.5 + 3 * 90 / HOUR)
    assert forecast.device == pytest.approx(forecast.wall_clock)
    assert (forecast.lost, forecast.starts) == (0, 3)
    assert forecast.wall_clock_10 == forecast.wall_clock == forecast.wall_clock_90


def test_tasks_begin_in_their_order_and_not_the_longest_first():
    tasks = [task(1, 0, 0), task(1, 0, 0), task(3, 0, 0)]
    assert Cluster(jobs=2, **QUIET).simulated(tasks).wall_clock == pytest.approx(4)
    assert Cluster(jobs=2, **QUIET).simulated(tasks[::-1]).wall_clock == pytest.approx(3)


def test_a_slice_costs_another_start_up_and_the_wait_for_the_queue():
    """90 s of start-up and exit and 100 minutes of work in slices of an hour, nothing lost in blocks: two starts."""
    forecast = Cluster(jobs=1, slice_minutes=60, preempted_every_hours=None).simulated([task(100 / 60, block=0)])
    seconds = 100 * 60 + 2 * 60 + 30
    assert forecast.device == pytest.approx(seconds / HOUR)
    assert forecast.wall_clock == pytest.approx((seconds + REQUEUE_SECONDS) / HOUR)
    assert (forecast.lost, forecast.starts) == (pytest.approx(60 / HOUR), 2)


def test_a_stop_loses_up_to_a_block():
    cluster = Cluster(jobs=1, slice_minutes=60, preempted_every_hours=None)
    lost = cluster.simulated([task(100 / 60, block=600)]).lost
    assert 60 / HOUR < lost < (60 + 600) / HOUR


def test_another_job_takes_the_device_while_one_waits_in_the_queue_again():
    """Two of 50 minutes, slices of half an hour, one device: it never idles but at the very end."""
    cluster = Cluster(jobs=1, slice_minutes=30, preempted_every_hours=None)
    forecast = cluster.simulated([task(50 / 60, 0, 0, 0), task(50 / 60, 0, 0, 0)])
    assert forecast.device == pytest.approx(100 / 60)
    assert forecast.wall_clock <= (100 + 2) / 60 + 1e-9


@pytest.mark.parametrize("jobs", [1, 7, 64])
def test_nothing_ends_sooner_than_the_devices_allow_and_interruptions_cost_device_hours(jobs: int):
    tasks = [task(1 + number % 5) for number in range(100)]
    quiet = Cluster(jobs=jobs, **QUIET).simulated(tasks)
    rough = Cluster(jobs=jobs, slice_minutes=120, preempted_every_hours=6).simulated(tasks)
    useful = sum(one.start_up + one.work + one.exit for one in tasks) / HOUR
    assert quiet.device == pytest.approx(useful)
    assert rough.device == pytest.approx(useful + rough.lost)
    assert rough.lost > 0
    assert rough.wall_clock_10 >= max(useful / jobs, 5)


def test_a_simulation_is_the_same_every_time():
    tasks = [task(3)] * 10
    assert Cluster(jobs=3).simulated(tasks) == Cluster(jobs=3).simulated(tasks)


def test_preemptions_come_as_often_as_they_are_said_to():
    """1,000 hours of work, a preemption every 5 hours: 200 further starts."""
    cluster = Cluster(jobs=10, slice_minutes=None, preempted_every_hours=5)
    starts = cluster.simulated([task(10, 1, 1, 0)] * 100).starts
    assert starts - 100 == pytest.approx(200, rel=0.1)


def test_nothing_to_do_takes_no_time():
    assert Cluster().simulated([]).wall_clock == 0


@pytest.mark.parametrize(
    ("settings", "key"),
    [
        ({"slice_minutes": 3}, "slice_minutes must be longer than .* 3.5 minutes"),
        ({"preempted_every_hours": 0.05}, "preempted_every_hours must be longer than .* 3.5 minutes"),
    ],
)
def test_a_job_that_never_gets_further_is_refused(settings: dict, key: str):
    with pytest.raises(ValueError, match=key):
        Cluster(**settings).simulated([task(1)])
    with pytest.raises(ValueError, match=r"of digits/full/seed-0 together"):
        Cluster(**settings).check_slice(task(1), "digits/full/seed-0")


@pytest.mark.parametrize("settings", [{"jobs": 0}, {"slice_minutes": 0}, {"preempted_every_hours": -1}])
def test_a_number_out_of_range_is_refused_by_its_name(settings: dict):
    with pytest.raises(ValueError, match=next(iter(settings))):
        Cluster(**settings)
