from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from robustft.planning.cluster import Cluster
from robustft.planning.cost import run_cost
from robustft.planning.disk import run_disk
from robustft.planning.plan import Plan, PlannedRun, refuse_full_disk
from robustft.planning.plan_table import plan_table
from robustft.planning.rates import Rates

RATES = Rates(forward=0.01, backward=0.02, training=0.1, start_up=7, exit=3, source="made up")
QUIET = Cluster(jobs=1, slice_minutes=None, preempted_every_hours=None)


@pytest.fixture
def make_plan(make_work, clean, attacked):
    """(share that is done of each run, settings) -> a plan of runs of two methods."""

    def make(*done: float, known: bool = True, free: int = 10**12, cluster: Cluster = QUIET) -> Plan:
        runs = []
        for number, share in enumerate(done):
            work = make_work(method=("full", "lora")[number % 2], seed=number, measurements=(clean, attacked))
            cost = run_cost(work, RATES) if known else None
            disk = run_disk(work) if known else run_disk(replace(work, parameters=None))
            runs.append(PlannedRun(work=work, cost=cost, disk=disk, done=share, source="made up" if known else ""))
        return Plan(runs=tuple(runs), cluster=cluster, directory=Path("multirun"), free=free)

    return make


def test_totals_are_sums_and_groups_add_up(make_plan):
    plan = make_plan(0, 0, 0)
    totals = plan.totals
    assert (totals.runs, totals.steps, totals.measured.expected) == (3, 9, 18)
    assert totals.attacked.expected == 3 * 300
    by_method = plan.by(lambda work: work.method)
    assert list(by_method) == ["full", "lora"]
    assert sum(group.hours.expected for group in by_method.values()) == pytest.approx(totals.hours.expected)


def test_on_one_device_the_wall_clock_is_the_device_hours(make_plan):
    plan = make_plan(0, 0)
    assert plan.forecast["expected"].wall_clock == pytest.approx(plan.totals.hours.expected)
    assert plan.forecast["high"].wall_clock == pytest.approx(plan.totals.hours.high)


def test_what_is_done_is_not_left(make_plan):
    whole, begun, over = make_plan(0, 0), make_plan(1, 0.5), make_plan(1, 1)
    assert begun.totals.hours == whole.totals.hours
    assert begun.totals.finished == 1
    assert 0 < begun.totals.hours_left.expected < whole.totals.hours.expected / 2
    assert (over.totals.hours_left.expected, over.forecast["expected"].wall_clock) == (0, 0)
    assert over.bytes_left == 0 < begun.bytes_left < whole.bytes_left


def test_what_is_not_known_is_said_with_what_would_tell(make_plan):
    text = plan_table(make_plan(0, known=False))
    assert "hours: unknown: plan.measure=true or plan.images_per_second=N" in text
    assert "disk: unknown" in text
    assert make_plan(0, known=False).forecast is None


def test_a_table_has_a_row_for_each_data_set_and_method_and_the_sum(make_plan):
    lines = plan_table(make_plan(0, 0, 1)).splitlines()
    assert [line.split()[0] for line in lines if line[:1].isalpha()][:6] == [
        "data", "digits", "method", "full", "lora", "together",
    ]  # fmt: skip
    rows = [line for line in lines if line.startswith(("data set", "digits", "full", "lora", "together"))]
    assert len({len(row) for row in rows}) == 1  # aligned
    assert "left: 2 runs" in "\n".join(lines)


def test_json_has_the_same_numbers(make_plan):
    plan = make_plan(0, 1)
    content = json.loads(json.dumps(plan.to_json(), allow_nan=False))
    assert content["device_hours"]["expected"] == pytest.approx(plan.totals.hours.expected, abs=1e-6)
    assert (content["runs"], content["finished"], content["by_method"]["lora"]["finished"]) == (2, 1, 1)


def test_a_disk_too_small_for_the_plan_is_refused(make_plan):
    refuse_full_disk(make_plan(0, 0))
    refuse_full_disk(make_plan(0, known=False, free=0))
    with pytest.raises(ValueError, match=r"hydra.sweep.dir must be on a disk with .* free"):
        refuse_full_disk(make_plan(0, 0, free=1000))


def test_a_slice_too_short_for_a_run_is_refused_with_its_name(make_plan):
    plan = make_plan(0, cluster=Cluster(slice_minutes=0.1))
    with pytest.raises(ValueError, match=r"slice_minutes .* digits/glyph_vit/full/seed-0"):
        _ = plan.forecast
