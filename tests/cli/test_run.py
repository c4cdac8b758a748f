"""The main job from end to end, in processes of its own: what a run leaves behind, and that it resumes exactly."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from safetensors.numpy import load_file

from tests.cli import wandb_file

SHORT = ("trainer.max_steps=4", "schedule.points=2", "suite.max_images=12", "attack.pgd.steps=2")
RUN_DIR = "multirun/default/digits/glyph_vit/bitfit/seed-0,max_images-12,max_steps-4,points-2,steps-2"
MEASURED = ("step", "epoch", "split", "condition", "norm", "eps", "attack", "correct", "total", "forward_passes")


def records_of(run_dir: Path) -> list[dict]:
    return [json.loads(line) for line in (run_dir / "records.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def finished(tmp_path_factory, robustft):
    """The directory that a short default run was made in, and what it said."""
    cwd = tmp_path_factory.mktemp("finished")
    done = robustft(*SHORT, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return cwd, done


def test_it_prints_the_table_and_where_the_picture_is(finished):
    _, done = finished
    assert "area under the frontier" in done.stdout
    assert f"trade-off curve: {RUN_DIR}/tradeoff.png" in done.stdout
    assert done.stderr == ""


def test_it_leaves_behind_what_the_design_says(finished):
    cwd, _ = finished
    run_dir = cwd / RUN_DIR
    assert {path.name for path in run_dir.iterdir()} == {
        ".hydra",
        "run.json",
        "records.jsonl",
        "outcomes",
        "states",
        "last.ckpt",
        "tradeoff.png",
        "wandb",
    }
    assert {path.name for path in (run_dir / ".hydra").iterdir()} == {"config.yaml", "hydra.yaml", "overrides.yaml"}
    assert yaml.safe_load((run_dir / ".hydra/overrides.yaml").read_text()) == list(SHORT)
    content = json.loads((run_dir / "run.json").read_text())
    assert content["status"] == "finished"
    assert (content["dataset"], content["method"], content["seed"]) == ("digits", "bitfit", 0)
    assert (content["summary"]["best/step"], content["summary"]["last/step"]) == (4, 4)
    assert content["parameters"]["head"] == 97 * 10
    assert content["versions"]["torch"]
    assert len(content["validation_rows"]) == round(0.1 * 1347)
    with Image.open(run_dir / "tradeoff.png") as picture:
        assert picture.width > 1000


def test_records_have_every_condition_at_every_evaluated_step_and_an_outcome_each(finished):
    cwd, _ = finished
    records = records_of(cwd / RUN_DIR)
    conditions = [
        ("validation", "clean"),
        ("validation", "pgd"),
        ("test", "clean"),
        ("test", "pgd"),
        ("test", "ood:mnist"),
    ]
    assert [(record["step"], record["split"], record["condition"]) for record in records] == [
        (step, *condition) for step in (0, 1, 4) for condition in conditions
    ]
    assert {record["eps_255"] for record in records if record["condition"] == "pgd"} == {8}
    for record in records:
        packed = np.load(cwd / RUN_DIR / "outcomes" / record["split"] / f"{record['key']}.npy", allow_pickle=False)
        assert np.unpackbits(packed).sum() == record["correct"]
        assert record["total"] == 12


def test_it_says_what_it_was_made_with(finished):
    cwd, _ = finished
    content = json.loads((cwd / RUN_DIR / "run.json").read_text())
    (start,) = content["starts"]
    assert {key: start[key] for key in ("started", "versions", "git_commit")} == {
        key: content[key] for key in ("started", "versions", "git_commit")
    }
    assert (start["threads"], start["precision"]) == (1, "float32" if not torch.cuda.is_available() else "bf16")
    assert start["device"]
    assert content["effective"] == {"trainer.warmup_steps": 0}


def test_a_resume_with_other_versions_says_so_in_one_line_and_keeps_both(finished, robustft, tmp_path):
    cwd, _ = finished
    run_dir = tmp_path / RUN_DIR
    shutil.copytree(cwd / RUN_DIR, run_dir)
    content = json.loads((run_dir / "run.json").read_text())
    begun = content["starts"][0] | {"threads": 7}
    begun["versions"] = begun["versions"] | {"torch": "2.6.0"}
    here = content["versions"]["torch"]
    content |= {"status": "running", "starts": [begun], "versions": begun["versions"]}
    (run_dir / "run.json").write_text(json.dumps(content))
    done = robustft(*SHORT, "tracker.mode=disabled", cwd=tmp_path)
    assert done.returncode == 0
    expected = f"robustft: this run was begun with torch 2.6.0, threads 7, goes on with torch {here}, threads 1\n"
    assert done.stderr == expected
    after = json.loads((run_dir / "run.json").read_text())
    assert after["status"] == "finished"
    assert after["starts"][0] == begun
    assert [start["versions"]["torch"] for start in after["starts"]] == ["2.6.0", here]
    assert (after["versions"]["torch"], after["started"]) == ("2.6.0", begun["started"])
    assert after["run_id"] == content["run_id"]


def test_a_finished_run_says_so_and_does_nothing(finished, words, monkeypatch):
    cwd, _ = finished
    run_dir = cwd / RUN_DIR
    before = {path: path.stat().st_mtime_ns for path in run_dir.rglob("*")}
    monkeypatch.chdir(cwd)
    code, out, err = words(*SHORT)
    assert (code, err) == (0, "")
    assert out.startswith(f"finished before: {RUN_DIR}")
    assert {path: path.stat().st_mtime_ns for path in run_dir.rglob("*")} == before


def test_another_configuration_in_the_same_directory_is_refused_with_what_differs(finished, words, monkeypatch):
    cwd, _ = finished
    monkeypatch.chdir(cwd)
    before = (cwd / RUN_DIR / "run.json").read_bytes()
    code, _, err = words(*SHORT, "trainer.learning_rate=0.1", f"hydra.run.dir={RUN_DIR}")
    assert code == 2
    assert "hydra.run.dir belongs to another run" in err
    assert "trainer.learning_rate is 0.005 there and 0.1 here" in err
    assert (cwd / RUN_DIR / "run.json").read_bytes() == before


def test_evaluate_agrees_with_the_records_to_the_sample(finished, words, monkeypatch):
    cwd, _ = finished
    monkeypatch.chdir(cwd)
    code, out, err = words("evaluate", f"run={RUN_DIR}", "states=all", "accelerator=cpu")
    assert code == 0, err
    assert out.count("agrees") == 15
    assert "differ" not in out


def test_evaluate_notices_a_state_that_is_another(finished, words, monkeypatch, tmp_path):
    cwd, _ = finished
    copy = tmp_path / "copy"
    shutil.copytree(cwd / RUN_DIR, copy)
    shutil.copy(copy / "states/step-000000.safetensors", copy / "states/step-000004.safetensors")
    code, out, _ = words("evaluate", f"run={copy}", "states=4", "accelerator=cpu")
    assert code == 1
    assert "differ" in out


def test_evaluate_runs_no_code_that_a_configuration_names(finished, words, tmp_path):
    cwd, _ = finished
    copy = tmp_path / "copy"
    shutil.copytree(cwd / RUN_DIR, copy)
    config = copy / ".hydra/config.yaml"
    config.write_text(config.read_text().replace("robustft.attacks.pgd.Pgd", "os.system"))
    code, _, err = words("evaluate", f"run={copy}")
    assert code == 2
    assert "run has a _target_ outside robustft" in err


def test_report_prints_the_same_table_and_draws_the_picture(finished, words, monkeypatch, tmp_path):
    cwd, done = finished
    monkeypatch.chdir(cwd)
    code, out, _ = words("report", f"run={RUN_DIR}", f"output={tmp_path}/curve.png")
    assert code == 0
    table = out[out.index("pgd (") : out.index("trade-off curve")]
    assert table in done.stdout
    assert (tmp_path / "curve.png").stat().st_size > 10_000


def test_the_wandb_mirror_has_the_metrics_the_points_and_the_picture(finished):
    from wandb.proto import wandb_internal_pb2

    cwd, _ = finished
    (offline,) = (cwd / RUN_DIR / "wandb").glob("offline-run-*/run-*.wandb")
    logged: dict[str, list] = {}
    config = set()
    for data in wandb_file.records(offline):
        entry = wandb_internal_pb2.Record()
        entry.ParseFromString(data)
        config |= {update.key for update in entry.run.config.update}
        values = {item.key or item.nested_key[0]: json.loads(item.value_json) for item in entry.history.item}
        for name, value in values.items():
            logged.setdefault(name, []).append((values.get("step"), value))
    records = records_of(cwd / RUN_DIR)
    for condition in ("clean", "pgd", "ood:mnist"):
        expected = [
            (record["step"], record["correct"] / record["total"])
            for record in records
            if (record["split"], record["condition"]) == ("test", condition)
        ]
        assert logged[f"test/{condition}"] == expected
    assert "tradeoff/points" in logged
    assert "tradeoff/curve" in logged
    assert "train/loss" in logged
    assert {"method", "trainer", "threat_model"} <= config


RESUMED = (
    "method=lora",
    "method.dropout=0.2",
    "+backbone.options.proj_drop_rate=0.1",
    "trainer.batch_size=16",
    "trainer.max_steps=90",  # an epoch of 76 updates and a bit
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


def test_a_run_killed_mid_epoch_and_mid_evaluation_ends_like_the_unbroken_one(tmp_path, robustft):
    directories = {}
    for name, kills in {"unbroken": [], "killed": [("step", 60), ("record", 3), ("record", 1)]}.items():
        cwd = tmp_path / name
        cwd.mkdir()
        for kill in kills:
            killed = robustft(*RESUMED, cwd=cwd, kill=kill)
            assert killed.returncode == -9, killed.stderr
            assert json.loads((cwd / "run/run.json").read_text())["status"] == "running"
        done = robustft(*RESUMED, cwd=cwd)
        assert done.returncode == 0, done.stderr
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
    words = ("-m", "method=linear_probe,bitfit", "seed=0,1", "trainer.max_steps=1", "suite.max_images=4")
    # A file where one run's directory should be: that run fails.
    blocked = tmp_path / "multirun/default/digits/glyph_vit/bitfit"
    blocked.mkdir(parents=True)
    directory = "seed-0,max_images-4,max_steps-1"
    (blocked / directory).mkdir()
    (blocked / directory / "notes.txt").write_text("somebody's")
    done = robustft(*words, "tracker.mode=disabled", cwd=tmp_path)
    assert done.returncode != 0
    assert "hydra.run.dir must be new, empty or this run's own" in done.stderr
    statuses = {
        path.parent.relative_to(tmp_path / "multirun/default/digits/glyph_vit").as_posix(): json.loads(
            path.read_text()
        )["status"]
        for path in tmp_path.rglob("run.json")
    }
    assert statuses == {
        "linear_probe/seed-0,max_images-4,max_steps-1": "finished",
        "linear_probe/seed-1,max_images-4,max_steps-1": "finished",
        "bitfit/seed-1,max_images-4,max_steps-1": "finished",
    }
