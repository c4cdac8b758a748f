"""Runs that start from another run's state, hold another run's model beside their own, or look at further images."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from robustft.study.run import Run
from tests.cli.test_light_imports import loaded_by

SHORT = (
    "trainer.max_steps=2",
    "schedule.points=1",
    "suite.max_images=12",
    "attack.pgd.steps=2",
    "tracker.mode=disabled",
)


@pytest.fixture(scope="module")
def probe(tmp_path_factory, robustft) -> Path:
    """A short linear probe, in an empty directory of its own."""
    cwd = tmp_path_factory.mktemp("start")
    done = robustft("method=linear_probe", "hydra.run.dir=probe", *SHORT, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return cwd


def outcomes(run_dir: Path, step: int) -> dict[str, bytes]:
    return {
        f"{record.split} {record.condition.name}": (
            run_dir / "outcomes" / record.split / f"{record.key}.npy"
        ).read_bytes()
        for record in Run(run_dir).records
        if record.step == step
    }


def test_without_training_it_measures_what_its_source_measured_and_evaluates_again(probe, robustft):
    words = ("method=full", "start.run=probe", "trainer.learning_rate=0", "hydra.run.dir=full")
    done = robustft(*words, *SHORT, cwd=probe)
    assert done.returncode == 0, done.stderr
    assert outcomes(probe / "full", 0) == outcomes(probe / "full", 2) == outcomes(probe / "probe", 2)
    assert "start" in json.loads((probe / "full/run.json").read_text())["identity"]
    shutil.move(probe / "probe", probe / "elsewhere")
    try:
        again = robustft("evaluate", "run=full", "states=all", cwd=probe)
    finally:
        shutil.move(probe / "elsewhere", probe / "probe")
    assert again.returncode == 0, again.stderr


def test_the_frozen_weights_of_a_method_come_from_the_start_too(probe, robustft):
    """Their values are in no state of the run: evaluate needs the copy of the start."""
    first = robustft("method=full", "start.run=probe", "hydra.run.dir=tuned", *SHORT, cwd=probe)
    assert first.returncode == 0, first.stderr
    words = ("method=lora", "start.run=tuned", "trainer.learning_rate=0", "hydra.run.dir=lora")
    done = robustft(*words, *SHORT, cwd=probe)
    assert done.returncode == 0, done.stderr
    assert outcomes(probe / "lora", 0) == outcomes(probe / "tuned", 2)
    again = robustft("evaluate", "run=lora", "states=last", cwd=probe)
    assert again.returncode == 0, again.stderr


def test_what_a_start_is_decides_the_name_and_the_identity(probe, robustft):
    done = robustft("method=bitfit", "start.run=probe", *SHORT, cwd=probe)
    assert done.returncode == 0, done.stderr
    (name,) = [path.name for path in (probe / "multirun/default/digits/glyph_vit/bitfit").iterdir()]
    assert f"start-{Run(probe / 'probe').run_id}-2" in name
    state = load_file(probe / "probe/states/step-000002.safetensors")
    kept = load_file(next(probe.glob("multirun/default/digits/glyph_vit/bitfit/*/start.safetensors")))
    assert all((state[key] == kept[key]).all() for key in state)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("start.run=nowhere",), "start.run must be the directory of a run"),
        (
            ("start.run=probe", "start.state=1"),
            "start.state must be the step of a kept state (0, 2), best or last; got 1",
        ),
        (("start.run=probe", "start.state=peak"), "start.state must be best, last or the step of a kept state (0, 2)"),
        (("start.run=unfinished",), "start.run must be the directory of a finished run"),
        (("start.run=probe", "backbone.resolution=32"), "start.run must be of the same backbone"),
        (("start.run=adapted",), "start.run must be of a method without parameters of its own"),
        (("objective=dcm",), "objective.uncertain must be given: it has no default"),
        (("objective=dcm", "objective.uncertain=mnst"), "objective.uncertain must be one of misclassified, "),
        (("objective=dcm", "objective.uncertain=folder"), "objective.uncertain_set.path must be given"),
        (("objective=dcm", "objective.uncertain=digits"), "objective.uncertain must be another data set than dataset"),
        (("objective=fare", "method=linear_probe"), "method must be one that trains more than the head, "),
        (("objective=trads",), "objective must be one of act, dcm, "),
        (("objective=trades", "objective.beta=-1"), "objective.beta must be"),
        (("objective=trades", "objective.inner.steps=0"), "objective.inner.steps must be"),
        (("objective=trades", "objective.inner.ramp=[0.8,0.2]"), "objective.inner.ramp must be two parts of the run"),
        (("objective=trades", "objective.inner.share=2"), "objective.inner.share must be"),
        (("objective=pmg_aft", "objective.reference.run=nowhere"), "objective.reference.run must be the directory"),
        (
            ("objective=pmg_aft", "objective.reference.run=turned"),
            "objective.reference.run must be of the same 10 classes",
        ),
        (
            ("objective=pmg_aft", "objective.reference.run=probe", "backbone.resolution=32"),
            "objective.reference.run must have images of 32 pixels, got probe, which has 28",
        ),
    ],
)
def test_a_mistake_is_one_line_before_anything_heavy(probe, robustft, words, line):
    if not (probe / "unfinished").exists():
        others = {"unfinished": {"status": "interrupted"}, "adapted": {}, "turned": {"classes": ["up", "down"]}}
        for name, change in others.items():
            shutil.copytree(probe / "probe", probe / name)
            content = json.loads((probe / name / "run.json").read_text()) | change
            if name == "adapted":
                content["identity"]["method"] = {"_target_": "robustft.methods.Lora", "rank": 8}
            (probe / name / "run.json").write_text(json.dumps(content))
    done = robustft("method=full", "hydra.run.dir=refused", *SHORT, *words, cwd=probe)
    assert done.returncode == 2
    assert done.stderr.startswith(f"robustft: {line}"), done.stderr
    assert done.stderr.count("\n") == 1
    assert not (probe / "refused").exists()
    assert loaded_by("method=full", "hydra.run.dir=refused", *SHORT, *words, cwd=probe) == "loaded:"


@pytest.mark.parametrize(
    "words",
    [
        ("objective=pmg_aft", "objective.reference.run=probe", "method=full"),
        ("objective=fare", "method=lora"),
        ("objective=act", "objective.inner.steps=1", "method=bitfit"),
        ("objective=dcm", "objective.uncertain=misclassified", "method=bitfit"),
        ("objective=l2_sp", "method=full", "trainer.average=0.9", "trainer.weight_perturbation=0.01"),
    ],
    ids=" ".join,
)
def test_objectives_with_companions_train_from_the_command_line(probe, robustft, words):
    name = words[0].partition("=")[2]
    done = robustft(*words, f"hydra.run.dir={name}", *SHORT, cwd=probe)
    assert done.returncode == 0, done.stderr
    again = robustft("evaluate", f"run={name}", "states=last", cwd=probe)
    assert again.returncode == 0, again.stderr
