"""The main job from end to end, in processes of its own: what a run leaves behind, and that it resumes exactly."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from PIL import Image

from robustft.data.sources.digits import Digits
from robustft.training.module import FineTuning
from tests.cli import wandb_file

SHORT = ("trainer.max_steps=4", "schedule.points=2", "suite.max_images=12", "attack.pgd.steps=2")
RUN_DIR = "multirun/default/digits/glyph_vit/bitfit/seed-0+max_images-12+max_steps-4+points-2+steps-2"
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


@pytest.fixture
def one_thread(one_thread):
    """As in the processes of `robustft`: runs that resume in this process must agree with theirs to the bit."""
    yield
    signal.signal(signal.SIGINT, signal.default_int_handler)  # Lightning has turned it off


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
        "predictions",
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


@pytest.mark.usefixtures("one_thread")
def test_a_resume_with_other_versions_says_so_in_one_line_and_keeps_both(finished, words, tmp_path):
    cwd, _ = finished
    run_dir = tmp_path / RUN_DIR
    shutil.copytree(cwd / RUN_DIR, run_dir)
    content = json.loads((run_dir / "run.json").read_text())
    begun = content["starts"][0] | {"threads": 7}
    begun["versions"] = begun["versions"] | {"torch": "2.6.0"}
    here = content["versions"]["torch"]
    content |= {"status": "running", "starts": [begun], "versions": begun["versions"]}
    (run_dir / "run.json").write_text(json.dumps(content))
    code, _, err = words(*SHORT, "tracker.mode=disabled")
    assert code == 0
    expected = f"robustft: this run was started with torch 2.6.0, threads 7, resumes with torch {here}, threads 1\n"
    assert err == expected
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
    config.write_text(config.read_text().replace("robustft.attacks.Pgd", "os.system"))
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
    run = None
    for data in wandb_file.records(offline):
        entry = wandb_internal_pb2.Record()
        entry.ParseFromString(data)
        config |= {update.key for update in entry.run.config.update}
        run = run or (entry.run if entry.HasField("run") else None)
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
    assert run is not None
    assert run.display_name == f"digits/bitfit/{Path(RUN_DIR).name}"
    assert (set(run.tags), run.job_type, run.run_group) == ({"digits", "glyph_vit", "bitfit"}, "train", "default")


def test_report_of_a_picture_that_cannot_be_drawn_is_the_table_and_one_line(finished, words, monkeypatch, tmp_path):
    cwd, done = finished
    monkeypatch.chdir(cwd)
    (tmp_path / "curve.png").mkdir()
    code, out, err = words("report", f"run={RUN_DIR}", f"output={tmp_path}/curve.png")
    assert code == 2
    table, _, alone = out.rpartition("\n\narea ")
    assert table[table.index("pgd (") :].strip() in done.stdout
    assert "peak: robust accuracy " in alone
    assert err.startswith(f"robustft: output: trade-off curve could not be drawn: {tmp_path}/curve.png: IsADirector")
    assert err.count("\n") == 1


@pytest.mark.usefixtures("one_thread")
def test_a_picture_that_cannot_be_drawn_is_a_warning_and_the_run_is_finished(finished, words, tmp_path):
    run_dir = tmp_path / RUN_DIR
    shutil.copytree(finished[0] / RUN_DIR, run_dir, ignore=shutil.ignore_patterns("wandb", "tradeoff.png"))
    (run_dir / "tradeoff.png").mkdir()
    content = json.loads((run_dir / "run.json").read_text())
    (run_dir / "run.json").write_text(json.dumps(content | {"status": "running"}))
    code, out, err = words(*SHORT, "tracker.mode=disabled")
    assert code == 0, err
    (line,) = err.splitlines()
    assert line.startswith(
        f"robustft: warning: trade-off curve could not be drawn: {RUN_DIR}/tradeoff.png: IsADirectory"
    )
    assert "area under the frontier" in out
    assert json.loads((run_dir / "run.json").read_text())["status"] == "finished"


@pytest.mark.usefixtures("one_thread")
def test_a_run_that_the_disk_and_ctrl_c_stopped_goes_on_and_ends_like_the_unbroken_one(
    finished, words, tmp_path, largest_file, monkeypatch
):
    unbroken = finished[0] / RUN_DIR
    run_dir = tmp_path / RUN_DIR
    # Files up to so many bytes can be written, as on a disk that fills up: run.json, the first last.ckpt, a later one.
    for most, name in ((500, "run.json"), (20_000, "last.ckpt"), (60_000, "last.ckpt")):
        with largest_file(most):
            code, _, err = words(*SHORT, "tracker.mode=disabled")
        assert code == 1
        assert err.startswith(f"robustft: File too large: {run_dir}")
        assert err.endswith(f"{name}; the same command resumes when there is room again\n")
        assert err.count("\n") == 1
        if name == "run.json":
            assert list(tmp_path.iterdir()) == []
        else:
            content = json.loads((run_dir / "run.json").read_text())
            assert content["status"] == "failed"
            assert "File too large" in content["reason"]

    original = FineTuning.training_step

    def interrupted(module, batch, batch_idx):
        if batch_idx == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return original(module, batch, batch_idx)

    with monkeypatch.context() as patch:
        patch.setattr(FineTuning, "training_step", interrupted)
        code, _, err = words(*SHORT, "tracker.mode=disabled")
    again = " ".join(["python", "-m", "robustft", *SHORT, "tracker.mode=disabled"])
    assert (code, err) == (130, f"robustft: interrupted by SIGINT at step 3 of 4; `{again}` goes on\n")
    assert json.loads((run_dir / "run.json").read_text())["status"] == "interrupted"

    code, _, err = words(*SHORT, "tracker.mode=disabled")
    assert (code, err) == (0, "")
    measured = [[{key: record[key] for key in MEASURED} for record in records_of(run)] for run in (unbroken, run_dir)]
    assert measured[0] == measured[1]
    for path in (unbroken / "states").iterdir():
        assert path.read_bytes() == (run_dir / "states" / path.name).read_bytes()
    assert {path.name for path in run_dir.iterdir()} == {path.name for path in unbroken.iterdir()} - {"wandb"}


def test_report_needs_neither_a_reader_nor_letters_nor_the_backend_of_a_notebook(finished, tmp_path):
    copy = tmp_path / "日本"
    shutil.copytree(finished[0] / RUN_DIR, copy, ignore=shutil.ignore_patterns("wandb", "tradeoff.png"))
    bare = {**os.environ, "PYTHONIOENCODING": "ascii", "MPLBACKEND": "no_such_backend"}
    command = [sys.executable, "-m", "robustft", "report", f"run={copy}"]
    done = subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert r"trade-off curve: \u65e5\u672c/tradeoff.png" in done.stdout
    assert (copy / "tradeoff.png").stat().st_size > 10_000


def test_a_run_goes_on_with_the_validation_rows_that_it_was_begun_with(finished, words, tmp_path):
    cwd, _ = finished
    content = json.loads((cwd / RUN_DIR / "run.json").read_text())
    labels = Digits().load(8).train.labels
    held = np.bincount(labels[content["validation_rows"]], minlength=10)
    assert (np.abs(held - 0.1 * np.bincount(labels)) < 1).all()
    (tmp_path / "run").mkdir()
    begun = content | {"status": "running", "validation_rows": list(range(99))}  # as another version drew them
    (tmp_path / "run/run.json").write_text(json.dumps(begun))
    code, out, err = words(*SHORT, "tracker.mode=disabled", "hydra.run.dir=run")
    assert code == 0, err
    assert "1,248 training, 99 validation and 450 test images" in out
    assert json.loads((tmp_path / "run/run.json").read_text())["validation_rows"] == list(range(99))
    _, out, _ = words("evaluate", "run=run", "states=all", "accelerator=cpu")
    assert out.count("agrees") == 15


def test_few_validation_images_are_warned_of_before_and_below_the_table(finished):
    _, done = finished
    assert done.stdout.count("warning: states are selected on 12 validation images: the 95 % interval") == 2


def test_a_training_split_that_cannot_be_split_is_one_line_that_names_the_key(words, tmp_path):
    for split in ("train", "test"):
        for name in ("3", "7"):
            (tmp_path / "pens" / split / name).mkdir(parents=True)
            Image.new("RGB", (16, 16), (9, 9, 9)).save(tmp_path / "pens" / split / name / "0.png")
    lab = ("backbone=glyph_vit", "trainer=lab", "schedule=lab", "tracker.mode=disabled")
    code, _, err = words("dataset=folder", f"dataset.path={tmp_path}/pens", *lab, "hydra.run.dir=run")
    assert code == 2
    assert err == (
        "robustft: trainer.validation_fraction must leave images for validation and for training, "
        "got 0.1 of a training split of 2 without two of one class\n"
    )
    assert not (tmp_path / "run").exists()
