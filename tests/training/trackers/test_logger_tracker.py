"""The loggers of Lightning's behind `tracker=...`: what each keeps of a run that was resumed, read back."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hydra import compose, initialize_config_dir

from robustft.cli.app import conf_dir
from robustft.cli.build import build
from robustft.cli.command_line.groups import choices
from robustft.training.trackers.logger_tracker import LoggerTracker
from robustft.training.trackers.tracked_run import tracked_run

LOGGERS = [name for name in choices("tracker") if name != "wandb"]
NAMES = ("train/loss", "test/ood:mnist", "test/ood:mnist/pgd@2")
LOW = "summary/area/low"
CONFIG: Mapping[str, Any] = {"attack": {"pgd": {"steps": 15}}, "classes": ["a", "b"], "nothing": None}


def tracker_of(name: str) -> LoggerTracker:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return build(compose("train", overrides=[f"tracker={name}"]), "tracker")


def start(tracker: LoggerTracker, run_dir: Path, steps: range, *, changes: Mapping[str, Any] | None = None) -> None:
    """One start of a run, which logs a half of each step; the last one ends it."""
    opening = {"run_id": "this", "name": "digits/lora/seed-0", "group": "lab", "tags": ["digits", "lora"]}
    with tracked_run(tracker, run_dir=run_dir, config={**CONFIG, **(changes or {})}, **opening) as tracked:
        for step in steps:
            tracked.log(step, dict.fromkeys(NAMES, step / 2))
        if steps.stop == 9:
            rows = [[0, 0.5, None], [8, 0.75, 0.5]]
            summary = {"area": 0.25, "area/low": 0.125}
            tracked.finish(columns=["step", "clean", "ood:mnist"], rows=rows, picture=None, summary=summary, step=8)


@pytest.fixture
def read_back(tmp_path, monkeypatch):
    """(tracker) -> what it has of a run in `run`: name -> (step, value), in order."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def csv_rows() -> dict[str, list[tuple[int, float]]]:
        with Path("run/csv/metrics.csv").open(newline="") as lines:
            rows = [*csv.DictReader(lines)]
        names = rows[0].keys() - {"step"}
        return {name: [(int(row["step"]), float(row[name])) for row in rows if row[name]] for name in names}

    def events() -> dict[str, list[tuple[int, float]]]:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        kept = EventAccumulator("run/tensorboard").Reload()
        return {name: [(each.step, each.value) for each in kept.Scalars(name)] for name in kept.Tags()["scalars"]}

    def metrics() -> dict[str, list[tuple[int, float]]]:
        from mlflow.tracking import MlflowClient

        client = MlflowClient("file:mlruns")
        (experiment,) = [each for each in client.search_experiments() if each.name == "lab"]
        (run,) = client.search_runs([experiment.experiment_id])
        assert (run.info.status, run.info.run_name) == ("FINISHED", "digits/lora/seed-0")
        assert run.data.params["attack/pgd/steps"] == "15"
        kept = {}
        for name in run.data.metrics:
            theirs = {"test/ood.mnist": NAMES[1], "test/ood.mnist.pgd at 2": NAMES[2], "summary/area.low": LOW}
            own = theirs.get(name, name)
            kept[own] = [(each.step, each.value) for each in client.get_metric_history(run.info.run_id, name)]
        return kept

    return {"csv": csv_rows, "tensorboard": events, "mlflow": metrics}


@pytest.mark.parametrize("name", LOGGERS)
def test_a_resumed_run_is_one_run_in_which_no_step_is_twice(name, read_back):
    tracker = tracker_of(name)
    start(tracker, Path("run"), range(6))
    start(tracker, Path("run"), range(4, 9), changes={"classes": ["a", "b", "c"]})  # resumed from step 4
    kept = read_back[name]()
    for each in NAMES:
        assert kept[each] == [(step, step / 2) for step in range(9)], each
    assert (kept["summary/area"], kept[LOW]) == ([(8, 0.25)], [(8, 0.125)])


@pytest.mark.parametrize("name", LOGGERS)
def test_nothing_is_written_where_it_is_disabled(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start(LoggerTracker(**{**vars(tracker_of(name)), "mode": "disabled"}), Path("run"), range(9))
    assert list(tmp_path.iterdir()) == []


def test_half_a_line_of_a_killed_run_is_left_out(read_back):
    tracker = tracker_of("csv")
    start(tracker, Path("run"), range(3))
    file = Path("run/csv/metrics.csv")
    file.write_text(file.read_text()[:-3])
    start(tracker, Path("run"), range(3, 5))
    assert [step for step, _ in read_back["csv"]()["train/loss"]][-2:] == [3, 4]


def test_any_logger_of_lightnings_takes_its_arguments_from_the_run(tmp_path):
    tracker = LoggerTracker(
        logger="pytorch_lightning.loggers.CSVLogger",
        settings={"save_dir": "{run_dir}", "name": "{study}", "version": "{run_id}"},
    )
    start(tracker, tmp_path, range(9))
    assert (tmp_path / "lab/this/metrics.csv").is_file()


def test_a_missing_package_is_a_line_with_the_extra():
    tracker = LoggerTracker(logger="nosuch.Logger", package="nosuch", extra="more")
    with pytest.raises(ValueError, match=r"nosuch, which is not installed: pip install 'robustft\[more\]'"):
        tracker.check_installed()
    LoggerTracker(logger="nosuch.Logger", package="nosuch", mode="disabled").check_installed()


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"logger": "CSVLogger"}, "logger must be the full name of a class, got 'CSVLogger'"),
        ({"logger": "a.b", "mode": "online"}, "mode must be one of on, disabled; got 'online'"),
        ({"logger": "a.b", "settings": [1]}, "settings must be arguments by name"),
        ({"logger": "a.b", "log_every": 0}, "log_every must be a whole number of at least 1"),
    ],
)
def test_a_setting_that_is_none_is_named(settings, said):
    with pytest.raises(ValueError, match=said):
        LoggerTracker(**settings)
