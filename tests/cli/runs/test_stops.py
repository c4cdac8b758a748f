"""Runs that are asked to stop by signals from outside, in processes of their own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.cli import wandb_file

WORDS = (
    "method=lora",
    "method.dropout=0.2",
    "trainer.max_steps=6",
    "trainer.validation_fraction=0.9",
    "schedule.points=2",
    "suite.max_images=8",
    "attack.pgd.steps=2",
    "trainer.accelerator=cpu",
)
QUIET = (*WORDS, "tracker.mode=disabled", "hydra.run.dir=run")


def content(run_dir: Path) -> dict:
    return json.loads((run_dir / "run.json").read_text())


def measured(run_dir: Path) -> list[tuple]:
    lines = [json.loads(line) for line in (run_dir / "records.jsonl").read_text().splitlines()]
    return [(line["key"], line["correct"], line["total"]) for line in lines]


@pytest.fixture(scope="module")
def unbroken(robustft, tmp_path_factory) -> Path:
    cwd = tmp_path_factory.mktemp("unbroken")
    assert robustft(*QUIET, cwd=cwd).returncode == 0
    return cwd / "run"


@pytest.mark.parametrize(("number", "code"), [("SIGTERM", 143), ("SIGINT", 130), ("SIGUSR2", 143)])
def test_a_signal_is_an_interruption_and_the_same_command_goes_on(number, code, robustft, unbroken, tmp_path):
    stops = [(("step", 3), 4), (("record", 2), 6)]
    for place, step in stops:
        done = robustft(*QUIET, cwd=tmp_path, kill=place, signal=number)
        assert (done.returncode, done.stderr) == (
            code,
            f"robustft: interrupted by {number} at step {step} of 6; `python -m robustft {' '.join(QUIET)}` goes on\n",
        )
        run = content(tmp_path / "run")
        assert (run["status"], run["reason"], run["step"], run["steps"]) == ("interrupted", None, step, 6)
    done = robustft(*QUIET, cwd=tmp_path)
    assert done.returncode == 0
    assert "\ngoing on from step 6\n" in done.stdout
    run = content(tmp_path / "run")
    assert (run["status"], run["step"]) == ("finished", 6)
    assert [start["status"] for start in run["starts"]] == ["interrupted", "interrupted", "finished"]
    first, _, last = (start["seconds"] for start in run["starts"])
    assert 0 < first["to_first_update"] < first["total"]
    assert first["after_last_measurement"] < first["total"]
    assert last["to_first_update"] is None
    assert measured(tmp_path / "run") == measured(unbroken)
    for path in (unbroken / "states").iterdir():
        expected, found = load_file(path), load_file(tmp_path / "run/states" / path.name)
        assert all(np.array_equal(expected[name], found[name]) for name in expected)
    for path in (unbroken / "outcomes").rglob("*.npy"):
        assert path.read_bytes() == (tmp_path / "run" / path.relative_to(unbroken)).read_bytes()


def test_a_signal_while_the_run_loads_leaves_a_run_that_goes_on(robustft, tmp_path):
    done = robustft(*WORDS, cwd=tmp_path, kill=("load", 0), signal="SIGTERM")
    assert done.returncode == 143
    assert done.stderr == f"robustft: interrupted by SIGTERM; `python -m robustft {' '.join(WORDS)}` goes on\n"
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == ["run.json"]
    assert content(next(tmp_path.rglob("run.json")).parent)["status"] == "interrupted"


def test_a_killed_run_loses_the_updates_since_the_last_save(robustft, unbroken, tmp_path):
    saved_often = "trainer.save_minutes=1e-9"
    assert robustft(*QUIET, saved_often, cwd=tmp_path, kill=("step", 4)).returncode == -9
    assert content(tmp_path / "run")["step"] == 4
    done = robustft(*QUIET, cwd=tmp_path)  # how often a run is saved is none of its identity
    assert done.returncode == 0
    assert "\ngoing on from step 4\n" in done.stdout
    assert measured(tmp_path / "run") == measured(unbroken)


def test_a_signal_ends_the_whole_sweep_with_its_command(robustft, tmp_path):
    words = ("-m", "seed=0,1", *WORDS, "tracker.mode=disabled")
    done = robustft(*words, cwd=tmp_path, kill=("step", 3), signal="SIGINT")
    assert done.returncode == 130
    assert done.stderr == (
        f"robustft: interrupted by SIGINT at step 4 of 6; `python -m robustft {' '.join(words)}` goes on\n"
    )
    (run,) = tmp_path.rglob("run.json")
    assert (content(run.parent)["status"], content(run.parent)["seed"]) == ("interrupted", 0)
    assert robustft(*words, cwd=tmp_path).returncode == 0
    assert {content(run.parent)["status"] for run in tmp_path.rglob("run.json")} == {"finished"}


def test_in_wandb_an_interrupted_run_is_one_run(robustft, tmp_path):
    from wandb.proto import wandb_internal_pb2

    words = (*WORDS, "hydra.run.dir=run", "tracker.log_every=1")
    assert robustft(*words, cwd=tmp_path, kill=("step", 3), signal="SIGTERM").returncode == 143
    assert robustft(*words, cwd=tmp_path).returncode == 0
    ids, steps, ends = [], [], []
    for segment in sorted((tmp_path / "run/wandb").glob("offline-run-*/run-*.wandb")):
        for data in wandb_file.records(segment):
            entry = wandb_internal_pb2.Record()
            entry.ParseFromString(data)
            ids += [entry.run.run_id] if entry.HasField("run") else []
            ends += [entry.exit.exit_code] if entry.HasField("exit") else []
            values = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in entry.history.item}
            steps += [values["step"]] if "train/loss" in values else []
    assert set(ids) == {content(tmp_path / "run")["run_id"]}
    assert (steps, ends) == ([1, 2, 3, 4, 5, 6], [143, 0])
