"""The state of a run is what its few small files say, whoever wrote them and whenever they are looked at."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from robustft.study import run_state as module
from robustft.study.run_state import STATES, run_state
from tests.benchmarks.made_up_study import COMMIT, NOW, VERSIONS, start, utc, write_lease, write_run

BEFORE = Path(__file__).parents[1] / "before"
HOUR = 3600.0


@pytest.fixture
def run(tmp_path: Path) -> Path:
    return tmp_path / "paper/digits/glyph_vit/lora/seed-3+max_steps-50"


def change(run: Path, **changes: Any) -> None:
    content = json.loads((run / "run.json").read_text()) | changes
    (run / "run.json").write_text(json.dumps(content))


def test_a_run_that_nobody_began_waits_and_is_known_by_its_name(run: Path) -> None:
    state = run_state(run)

    assert (state.state, state.step, state.attempts, state.seconds) == ("waiting", None, 0, 0)
    assert (state.dataset, state.backbone, state.method) == ("digits", "glyph_vit", "lora")
    assert state.settings == "+max_steps-50"


def test_another_seed_is_the_same_but_for_the_seed(run: Path) -> None:
    assert run_state(run).settings == run_state(run.with_name("seed-12+max_steps-50")).settings


def test_a_run_that_is_held_runs_since_its_start(run: Path) -> None:
    write_run(run, "running", starts=[start(NOW - 2 * HOUR)], step=1200)
    write_lease(run, host="gpu09")

    state = run_state(run, now=NOW)

    assert (state.state, state.step, state.steps) == ("running", 1200, 9000)
    assert (state.host, state.job) == ("gpu09", "4711_3")
    assert state.since == utc(NOW - 2 * HOUR)
    assert state.seconds == 2 * HOUR
    assert (state.attempts, state.commits) == (1, (COMMIT,))
    assert dict(state.versions) == VERSIONS


@pytest.mark.parametrize("age", [None, 1000.0])
def test_a_run_that_nobody_holds_was_killed_and_ended_at_its_last_sign_of_life(run: Path, age: float | None) -> None:
    write_run(run, "running", starts=[start(NOW - 2 * HOUR)], step=100)
    if age is not None:
        write_lease(run, age=age)
    lines = (run / "records.jsonl").read_text().replace(utc(NOW - 2 * HOUR), utc(NOW - HOUR))
    (run / "records.jsonl").write_text(lines)

    state = run_state(run, now=NOW)

    assert (state.state, state.reason) == ("interrupted", "killed")
    assert state.since == utc(NOW - HOUR)
    assert state.seconds == HOUR


def test_a_run_that_ends_or_begins_while_it_is_looked_at_was_not_killed(run: Path, monkeypatch) -> None:
    write_run(run, "running", starts=[start(NOW)])
    real = module.read_run

    def begun_before(directory: Path, *, whole: bool) -> object:
        write_lease(run)  # after the lease was looked for
        return real(directory, whole=whole)

    monkeypatch.setattr(module, "read_run", begun_before)
    assert run_state(run, now=NOW).state == "running"

    def ended_before(directory: Path, *, whole: bool) -> object:
        (run / "run.lease").unlink()
        write_run(run, "finished", starts=[start(NOW, NOW + 5)])
        return real(directory, whole=whole)

    monkeypatch.setattr(module, "read_run", ended_before)
    assert run_state(run, now=NOW).state == "finished"


@pytest.mark.parametrize("status", ["failed", "interrupted"])
def test_a_run_that_is_held_again_runs_before_it_has_written_so(run: Path, status: str) -> None:
    write_run(run, status, starts=[start(NOW - HOUR, NOW - HOUR + 60)], reason="OSError: full")
    assert run_state(run, now=NOW).reason == "OSError: full"
    write_lease(run, host="gpu09")

    state = run_state(run, now=NOW)

    assert (state.state, state.reason, state.host, state.job, state.log) == ("running", None, "gpu09", None, None)
    assert state.seconds == 60


def test_a_run_that_is_held_before_its_first_file_runs(run: Path) -> None:
    write_lease(run, host="gpu09")
    state = run_state(run)
    assert (state.state, state.host, state.step) == ("running", "gpu09", None)
    assert state.since == utc(NOW)


def test_a_finished_run_is_finished_even_while_it_is_evaluated_again(run: Path) -> None:
    write_run(run, "finished", starts=[start(NOW - 5 * HOUR, NOW - 3 * HOUR)], step=4000)
    write_lease(run)
    state = run_state(run, now=NOW)
    assert (state.state, state.step, state.seconds) == ("finished", 9000, 2 * HOUR)
    assert state.since == utc(NOW - 3 * HOUR)


def test_time_is_that_of_all_starts_as_far_as_it_is_known(run: Path) -> None:
    starts = [
        start(NOW - 9 * HOUR, NOW - 8 * HOUR),
        start(NOW - 7 * HOUR),  # killed, and nobody knows when
        start(NOW - 6 * HOUR, NOW - 5 * HOUR, seconds={"total": "long"}),
        start(NOW - 4 * HOUR, NOW - 3 * HOUR, seconds={"total": HOUR / 2}),
    ]
    write_run(run, "interrupted", reason="SIGTERM", starts=starts)
    state = run_state(run, now=NOW)
    assert state.seconds == 2.5 * HOUR
    assert (state.attempts, state.since) == (4, utc(NOW - 3 * HOUR))


def test_the_step_is_that_of_the_last_save_or_of_a_later_record(run: Path) -> None:
    write_run(run, "interrupted", starts=[start(NOW)], step=100)
    for saved, step in ((70, 100), (170, 170), (None, 100), ("x", 100), (-1, 100)):
        change(run, step=saved)
        assert run_state(run).step == step
    with open(run / "records.jsonl", "a") as file:
        file.write('{"key": "torn by a kill')
    assert run_state(run).step == 100


def test_commits_and_versions_are_those_of_all_starts(run: Path) -> None:
    other = start(NOW, git_commit="feed" * 10, versions=VERSIONS | {"torch": "2.14.0"})
    write_run(run, "interrupted", starts=[start(NOW), other, start(NOW)])
    state = run_state(run)
    assert state.commits == (COMMIT, "feed" * 10)
    assert [version for package, version in state.versions if package == "torch"] == ["2.14.1", "2.14.0"]
    assert len(state.versions) == len(VERSIONS) + 1


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("run.json", '{"torn', "run.json is not JSON: "),
        ("run.json", "{}", "run.json must have identity, "),
        ("records.jsonl", "x\n", "records.jsonl, last line: "),
        ("records.jsonl", "{}\n", "records.jsonl, last line: a record must have step"),
    ],
)
def test_a_run_with_a_damaged_file_is_damaged_and_says_which(run: Path, name: str, text: str, reason: str) -> None:
    write_run(run, "finished", starts=[start(NOW)])
    (run / name).write_text(text)
    state = run_state(run)
    assert (state.state, state.method) == ("damaged", "lora")
    assert (state.reason or "").startswith(reason)
    assert "\n" not in (state.reason or "")


def test_a_pipe_in_place_of_a_file_is_not_waited_for(run: Path) -> None:
    run.mkdir(parents=True)
    os.mkfifo(run / "run.json")
    assert run_state(run).state == "damaged"


@pytest.mark.parametrize("value", [None, 1, [], {}, "\x1b[2J\n", [1], {"a": 1}, float("1e300"), -1, True])
def test_whatever_a_file_holds_can_be_shown(run: Path, value: object) -> None:
    names = ("starts", "attempts", "steps", "step", "finished", "effective", "job")
    inside = ("started", "ended", "seconds", "versions", "git_commit", "host", "job", "log")
    for changes in [{name: value} for name in names] + [{"starts": [start(NOW) | {name: value}]} for name in inside]:
        write_run(run, "running", starts=[start(NOW)])
        change(run, **changes)
        state = run_state(run, now=NOW)
        assert state.state in STATES
        texts = [state.host, state.job, state.log, state.reason, *state.commits, *sum(state.versions, ())]
        assert all(text is None or (text.isprintable() and text) for text in texts)
        assert state.seconds >= 0


def test_names_that_move_the_cursor_do_not(tmp_path: Path) -> None:
    run = tmp_path / "di\x1b[2Jgits/vit/lora/seed-0"
    write_run(run, "failed", dataset="digits", reason="no\x1b[2J\nspace", starts=[start(NOW, host="a\x07")])
    state = run_state(run)
    assert (state.dataset, state.reason, state.host) == ("di\\x1b[2Jgits", "no\\x1b[2J space", "a\\x07")


def test_runs_of_the_first_version_are_read_too() -> None:
    finished, killed = run_state(BEFORE / "finished"), run_state(BEFORE / "killed")
    assert (finished.state, finished.step, finished.seconds, finished.attempts) == ("finished", 12, 8, 1)
    assert (finished.dataset, finished.backbone, finished.method) == ("digits", "glyph_vit", "bitfit")
    assert (killed.state, killed.reason, killed.steps) == ("interrupted", "killed", 12)
