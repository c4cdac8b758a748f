"""The table says at a glance what needs somebody, for one run and for thousands, in any width."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from robustft.report.status_table import NARROWEST, status_table
from robustft.study.job_queue import Job, Queue
from robustft.study.progress import Progress
from robustft.study.run_state import STATES, RunState
from tests.benchmarks.made_up_study import NOW, utc

LORA = RunState(
    directory=Path("digits/vit/lora/seed-0"), state="waiting", dataset="digits", backbone="vit", method="lora"
)
DONE = replace(LORA, state="finished", step=9000, steps=9000, seconds=5400, since=utc(NOW - 600), attempts=1)
RUNNING = replace(LORA, state="running", step=1200, steps=9000, seconds=600, since=utc(NOW - 600), host="gpu07")
FAILED = replace(
    LORA, state="failed", step=0, steps=9000, since=utc(NOW - 86400), reason="OSError: full", attempts=3, host="gpu08"
)


def named(state: RunState, name: str) -> RunState:
    return replace(state, directory=Path(name))


def shown(*states: RunState, **words) -> list[str]:
    words = {"title": "multirun/lab", "name_of": str, "now": NOW} | words
    return status_table(Progress(states), **words).splitlines()


def test_a_table_of_a_study_reads_like_this() -> None:
    states = [
        named(FAILED, "a/0"),
        replace(named(LORA, "a/1"), state="damaged", reason="run.json is not JSON: it ends too early"),
        replace(named(RUNNING, "a/2"), state="interrupted", reason="killed", step=10),
        replace(named(RUNNING, "a/3"), job="4711_3"),
        named(LORA, "a/4"),
        named(DONE, "a/5"),
    ]
    queue = Queue(
        by_run={
            Path("a/2"): Job("4711_2", "PENDING", "BeginTime", "lab"),
            Path("a/3"): Job("4711_3", "RUNNING", "None", "lab/a/3"),
            Path("a/4"): Job("4711_4", "RUNNING", "None", "lab"),
        },
        jobs=[Job("", "PENDING", "BeginTime", ""), Job("", "RUNNING", "None", ""), Job("", "RUNNING", "None", "")],
    )

    assert shown(*states, queue=queue) == [
        "multirun/lab: 6 runs: 1 finished, 1 running, 1 interrupted, 1 failed, 1 damaged, 1 waiting",
        "device hours: 1.8 spent, about 5.7 left, by finished runs of the same data set, backbone, method and",
        "  settings (for 4)",
        "SLURM jobs: 2 running, 1 pending (BeginTime)",
        "",
        "              step     for",
        "failed: 1",
        "  a/0      0/9,000  24.0 h  OSError: full; 3 starts; gpu08",
        "damaged: 1",
        "  a/1                       run.json is not JSON: it ends too early",
        "interrupted: 1",
        "  a/2     10/9,000  10 min  killed; gpu07; queued as 4711_2 (BeginTime)",
        "running: 1",
        "  a/3  1,200/9,000  10 min  gpu07, job 4711_3",
        "waiting: 1",
        "  a/4                       to run in job 4711_4",
        "finished: 1",
        "  a/5        9,000  10 min  took 1.5 h",
    ]


def test_runs_made_with_several_commits_or_versions_are_pointed_out_in_one_line_each() -> None:
    old = replace(DONE, commits=("1a2b3c4d5e",), versions=(("numpy", "2"), ("torch", "2.14.1")))
    dirty = replace(DONE, commits=("1a2b3c4d5e-dirty",), versions=(("numpy", "2"), ("torch", "2.14.0")))
    assert not any("several" in line for line in shown(old, old))
    lines = shown(old, old, dirty)
    assert "started with several commits: 1a2b3c4 (2 runs), 1a2b3c4-dirty (1)" in lines
    assert "started with several versions: torch 2.14.1 (2 runs), 2.14.0 (1)" in lines


def test_hours_left_are_unknown_or_none_where_they_are() -> None:
    assert "device hours: 0.17 spent, unknown left, since none is finished" in shown(RUNNING)
    assert "device hours: 1.5 spent, none left" in shown(DONE)
    assert "hours" not in "".join(shown(LORA))


def test_many_runs_are_listed_if_they_are_neither_finished_nor_waiting() -> None:
    states = [named(each, f"{each.state}/{index}") for each in (DONE, LORA, RUNNING, FAILED) for index in range(5)]
    text = "\n".join(shown(*states, most=4))
    assert [line for line in text.splitlines() if "more" in line] == ["  ... and 1 more; lines=null lists all"] * 2
    assert {name: text.count(f"{name}/") for name in STATES} == dict.fromkeys(STATES, 0) | {"running": 4, "failed": 4}
    assert text.startswith("multirun/lab: 20 runs: 5 finished, 5 running, 5 failed, 5 waiting\n")
    whole = "\n".join(shown(*states, most=None))
    assert all(f"{each.directory}\n" in whole or f"{each.directory} " in whole for each in states)
    assert whole == "\n".join(shown(*states, most=20))


def test_many_runs_are_counted_by_data_set_and_backbone() -> None:
    states = [replace(each, dataset=name) for name in ("cub", "caltech256") for each in (DONE, DONE, FAILED)]
    assert shown(*states, LORA, most=3)[4:8] == [
        "data set    finished  failed  waiting",
        "caltech256         2       1        0",
        "cub                2       1        0",
        "digits             0       0        1",
    ]
    assert "cub         deit         1  " in "\n".join(
        shown(*states, replace(DONE, dataset="cub", backbone="deit"), most=3)
    )
    assert not any("data set  " in line for line in shown(DONE, DONE, FAILED, most=2))


@pytest.mark.parametrize("width", [10, NARROWEST, 80, 120])
def test_lines_are_as_wide_as_the_terminal_and_names_stay_whole(width: int) -> None:
    states = [
        named(replace(each, log="multirun/log.out", reason="word " * 40), f"{'long-' * length}/{each.state}")
        for each in (RUNNING, FAILED, DONE, LORA)
        for length in (1, 8)
    ]
    lines = shown(*states, width=width, queue=Queue(by_run={}, note="word " * 40))
    assert max(map(len, lines)) <= max(width, NARROWEST)
    assert all(str(each.directory) in "\n".join(lines) for each in states)
    assert sum("multirun/log.out" in line for line in lines) == 2


def test_a_name_moves_no_cursor() -> None:
    assert all(line.isprintable() for line in shown(named(FAILED, "a\x1b[2J\nb")))
