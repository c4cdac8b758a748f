"""What is left is estimated from the finished runs that are closest to each unfinished one."""

from __future__ import annotations

from pathlib import Path

import pytest

from robustft.study.progress import ANY, SIMILARITY, Progress
from robustft.study.run_state import STATES, RunState


def state(name: str, of: str = "digits vit lora", *, seconds: float = 0, settings: str = "", **changes) -> RunState:
    dataset, backbone, method = of.split()
    return RunState(
        directory=Path(name),
        state=name,
        dataset=dataset,
        backbone=backbone,
        method=method,
        settings=settings,
        seconds=seconds,
        **changes,
    )


DONE = [
    state("finished", seconds=100),
    state("finished", seconds=300),
    state("finished", settings="+eps-4", seconds=1000),
    state("finished", "digits vit full", seconds=2600),
    state("finished", "cub vit lora", seconds=6000),
]


def test_every_state_is_counted() -> None:
    progress = Progress([*DONE, state("failed")])
    assert progress.counts == {name: {"finished": 5, "failed": 1}.get(name, 0) for name in STATES}
    assert progress.seconds_spent == 10_000


@pytest.mark.parametrize(
    ("of", "settings", "seconds", "by"),
    [
        ("digits vit lora", "", 200, SIMILARITY[0]),
        ("digits vit lora", "+eps-4", 1000, SIMILARITY[0]),
        ("digits vit lora", "+eps-8", 1400 / 3, SIMILARITY[1]),
        ("digits vit ia3", "", 1000, SIMILARITY[2]),
        ("digits deit lora", "", 1000, SIMILARITY[2]),
        ("dogs vit lora", "", 2000, ANY),
    ],
)
@pytest.mark.parametrize("name", ["waiting", "running", "interrupted", "failed"])
def test_an_unfinished_run_takes_what_the_closest_finished_ones_took(of, settings, seconds, by, name) -> None:
    progress = Progress([*DONE, state(name, of, settings=settings)])
    assert progress.seconds_left == pytest.approx(seconds)
    assert progress.estimated_by == {by: 1}
    begun = Progress([*DONE, state(name, of, settings=settings, seconds=50)])
    assert begun.seconds_left == pytest.approx(seconds - 50)
    longer = Progress([*DONE, state(name, of, settings=settings, seconds=7000)])
    assert longer.seconds_left == 0


def test_it_is_unknown_before_the_first_end_and_nothing_behind_the_last() -> None:
    assert Progress([state("running", seconds=10), state("waiting")]).seconds_left is None
    assert Progress([state("finished"), state("waiting")]).seconds_left is None  # nobody knows what that one took
    assert Progress([state("finished"), state("damaged")]).seconds_left == 0


def test_commits_and_versions_are_counted_by_runs() -> None:
    old = {"commits": ("a",), "versions": (("torch", "2.6"), ("numpy", "2"))}
    both = {"commits": ("a", "b"), "versions": (("torch", "2.6"), ("torch", "2.7"), ("numpy", "2"))}
    progress = Progress([state("finished", **old), state("running", **both), state("waiting")])
    assert progress.commits == {"a": 2, "b": 1}
    assert progress.versions == {"numpy": {"2": 2}, "torch": {"2.6": 2, "2.7": 1}}
