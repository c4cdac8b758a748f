"""Runs that are killed, that fail and that diverge, in processes of their own."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from robustft.atomic_write import is_temporary


def records_of(run_dir: Path) -> list[dict]:
    return [json.loads(line) for line in (run_dir / "records.jsonl").read_text().splitlines()]


MEASURED = ("step", "epoch", "split", "condition", "norm", "eps", "attack", "correct", "total", "forward_passes")

RESUMED = (
    "method=lora",
    "method.dropout=0.2",
    "+backbone.options.proj_drop_rate=0.1",
    "trainer.batch_size=16",
    "trainer.drop_last=false",
    "trainer.gradient_clip=0.5",
    "trainer.weight_decay_on=matrices",
    "trainer.decay=cosine",
    "trainer.augment=[flip,crop,randaugment]",
    "schedule.points=4",
    "suite.max_images=16",
    "attack.pgd.steps=2",
    "attack.pgd.warm_start=true",
    "tracker.mode=disabled",
    "trainer.accelerator=cpu",
    "hydra.run.dir=run",
)


LENGTHS = {
    "short": (("trainer.validation_fraction=0.9", "trainer.max_steps=12"), 7),  # an epoch of 9 updates and a bit
    "long": (("trainer.max_steps=90",), 60),  # of 76
}
"""The settings, and the update before which the run is killed for the first time."""


def flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("length", ["short", pytest.param("long", marks=pytest.mark.soak)])
def test_a_run_killed_at_its_start_mid_epoch_and_mid_evaluation_and_damaged_ends_like_the_unbroken_one(
    length, tmp_path, robustft
):
    directories = {}
    of_this_length, step = LENGTHS[length]
    words = (*RESUMED, *of_this_length)
    kinds = {"unbroken": [], "killed": [("rename", 0), ("step", step), ("record", 3), ("record", 1)]}
    for name, kills in kinds.items():
        cwd = tmp_path / name
        cwd.mkdir()
        for kill in kills:
            killed = robustft(*words, cwd=cwd, kill=kill)
            assert killed.returncode == -9, killed.stderr
            if kill == ("rename", 0):  # what would have become run.json, and nothing else
                left = sorted((cwd / "run").iterdir())
                assert [path.name for path in left if not is_temporary(path)] == ["run.lease"]
                assert len(left) == 2
            else:
                assert json.loads((cwd / "run/run.json").read_text())["status"] == "running"
        if kills:
            flip_a_bit(cwd / "run/last.ckpt")
        done = robustft(*words, cwd=cwd)
        assert done.returncode == 0, done.stderr
        said = [line for line in done.stderr.splitlines() if "last.ckpt" in line]
        assert [line.endswith("the run resumes from the checkpoint before it") for line in said] == [True] * bool(kills)
        assert not any(map(is_temporary, (cwd / "run").rglob("*")))
        directories[name] = cwd / "run"
    one, other = directories["unbroken"], directories["killed"]
    measured = [[{key: record[key] for key in MEASURED} for record in records_of(run)] for run in (one, other)]
    assert measured[0] == measured[1]
    for part in ("outcomes", "states", "warm"):
        files = [sorted(path.relative_to(run) for path in (run / part).rglob("*.*")) for run in (one, other)]
        assert files[0] == files[1]
    for path in (one / "outcomes").rglob("*.npy"):
        assert path.read_bytes() == (other / path.relative_to(one)).read_bytes()
    for path in (one / "states").glob("*.safetensors"):
        expected, found = load_file(path), load_file(other / path.relative_to(one))
        assert all(np.array_equal(expected[name], found[name]) for name in expected)
    for path in (one / "warm").rglob("*.npz"):
        expected, found = np.load(path), np.load(other / path.relative_to(one))
        assert all(np.array_equal(expected[name], found[name]) for name in expected)


def test_in_a_sweep_every_run_has_its_directory_and_a_failing_one_stops_no_other(tmp_path, robustft):
    words = ("-m", "method=linear_probe", "seed=0,1", "trainer.learning_rate=1e38,0.01", "trainer.max_steps=1")
    done = robustft(*words, "suite.max_images=4", "tracker.mode=disabled", cwd=tmp_path)
    assert done.returncode == 1
    runs = tmp_path / "multirun/default/digits/glyph_vit/linear_probe"
    statuses = sorted((path.parent.name[:6], json.loads(path.read_text())["status"]) for path in runs.rglob("run.json"))
    assert statuses == [(f"seed-{seed}", status) for seed in (0, 1) for status in ("failed", "finished")]
    last = done.stderr.splitlines()[-2:]
    assert all("failed Diverged: training diverged at step 1" in line for line in last)


def test_a_run_that_diverges_fails_with_its_step_and_rate_and_the_sweep_goes_on(tmp_path, robustft):
    words = ("method=full", "trainer.max_steps=2", "suite.max_images=4", "attack.pgd.steps=1", "tracker.mode=disabled")
    done = robustft("-m", "trainer.learning_rate=1e30,0.001", *words, cwd=tmp_path)
    assert done.returncode == 1
    assert "robustft: training diverged at step 1: logits are not finite; the learning rate was 1e+30" in done.stderr
    assert "Traceback" not in done.stderr
    runs = {json.loads(path.read_text())["status"]: path.parent for path in tmp_path.rglob("run.json")}
    assert runs.keys() == {"failed", "finished"}
    failed = runs["failed"]
    assert json.loads((failed / "run.json").read_text())["reason"].startswith("Diverged: training diverged at step 1")
    assert {record["step"] for record in records_of(failed)} == {0}
    assert [path.name for path in (failed / "states").iterdir()] == ["step-000000.safetensors"]
    again = robustft(*words, "trainer.learning_rate=1e30", f"hydra.run.dir={failed}", cwd=tmp_path)
    assert again.returncode == 1
    assert done.stderr.startswith(again.stderr.rstrip("\n") + " (")  # the sweep's line also says of which job it is
    assert json.loads((failed / "run.json").read_text())["status"] == "failed"
