"""Weights of the hub are part of what a run is: by their content, wherever they lie. In processes of their own, as the
hub's client reads where its cache is when it is imported."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file

from robustft.data.cache.fingerprint import fingerprint
from robustft.study.run_file import run_id
from tests.cli.test_light_imports import loaded_by

NAME = "vit_tiny_patch16_224.augreg_in21k_ft_in1k"
RUN = (
    "backbone=timm",
    f"backbone.name={NAME}",
    "backbone.resolution=32",
    "+backbone.options.depth=1",
    "method=linear_probe",
    "trainer.max_steps=1",
    "schedule.points=1",
    "suite.max_images=4",
    "attack.pgd.steps=1",
    "tracker.mode=disabled",
    "trainer.accelerator=cpu",
    "hydra.run.dir=run",
)


def weights(path: Path, *, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(seed)
    save_file(timm.create_model(NAME, depth=1).state_dict(), path)
    return path


@pytest.fixture(scope="module")
def hub_file(tmp_path_factory):
    """The file of the weights in the hub's cache of a machine that has no network."""
    home = tmp_path_factory.mktemp("home")
    repository = home / "hub" / f"models--timm--{NAME}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in {"HF_HOME": home, "HF_HUB_CACHE": home / "hub", "HF_HUB_OFFLINE": 1}.items():
            patch.setenv(variable, str(value))
        yield weights(repository / "snapshots" / "abc" / "model.safetensors", seed=0)


@pytest.fixture(scope="module")
def finished(hub_file, tmp_path_factory, robustft):
    cwd = tmp_path_factory.mktemp("finished")
    done = robustft(*RUN, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return cwd / "run"


@pytest.fixture
def run_dir(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "run")
    return tmp_path / "run"


def read(run_dir: Path) -> dict:
    return json.loads((run_dir / "run.json").read_text())


def rewrite(run_dir: Path, content: dict) -> None:
    (run_dir / "run.json").write_text(json.dumps(content))


def test_the_content_of_the_weights_is_part_of_what_the_run_is(run_dir, hub_file):
    content = read(run_dir)
    assert content["identity"]["backbone"]["weights"] == fingerprint({"checkpoint": hub_file})
    assert content["run_id"] == run_id(content["identity"])


def test_the_same_weights_from_a_local_file_are_the_same_run(run_dir, hub_file, words, tmp_path):
    copy = shutil.copy(hub_file, tmp_path / "copy.safetensors")
    code, out, err = words("evaluate", "run=run", f"backbone.checkpoint={copy}", "accelerator=cpu")
    assert (code, "differ" in out) == (0, False), err
    code, out, _ = words(*RUN, f"backbone.checkpoint={copy}")
    assert (code, out[:15]) == (0, "finished before")
    others = weights(tmp_path / "others.safetensors", seed=1)
    code, _, err = words("evaluate", "run=run", f"backbone.checkpoint={others}", "accelerator=cpu")
    assert code == 2
    assert "backbone.pretrained has another content than the one that the run in run was made with" in err


def test_a_finished_run_asks_neither_the_hub_nor_timm(run_dir, hub_file, tmp_path):
    hub_file.rename(hub_file.with_suffix(".away"))
    try:
        assert loaded_by(*RUN, cwd=tmp_path) == "loaded:"
        assert read(run_dir)["status"] == "finished"
    finally:
        hub_file.with_suffix(".away").rename(hub_file)


def test_other_weights_under_the_same_name_do_not_go_on_with_the_run(run_dir, hub_file, robustft, tmp_path):
    rewrite(run_dir, read(run_dir) | {"status": "running"})
    before = hub_file.read_bytes()
    weights(hub_file, seed=1)
    try:
        refused = robustft(*RUN, cwd=tmp_path)
    finally:
        hub_file.write_bytes(before)
    assert refused.returncode == 2
    assert f"hydra.run.dir belongs to another run, {run_dir}: backbone.weights is " in refused.stderr


def test_a_run_of_before_their_hash_was_known_stays_the_run_that_it_was(run_dir, robustft, words, tmp_path):
    content = read(run_dir)
    content["identity"]["backbone"]["weights"] = None
    del content["contents"]["backbone.pretrained"]
    content["run_id"] = run_id(content["identity"])
    rewrite(run_dir, content)
    code, out, _ = words(*RUN)
    assert (code, out[:15]) == (0, "finished before")
    rewrite(run_dir, content | {"status": "running"})
    done = robustft(*RUN, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (read(run_dir)["identity"], read(run_dir)["run_id"]) == (content["identity"], content["run_id"])
