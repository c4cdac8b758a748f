"""Self-supervised pre-training and fine-tuning from there, as a user does them: two commands."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from robustft.cli.command_line.groups import choices

TINY = (
    *("trainer.max_steps=2", "trainer.batch_size=16", "schedule=log", "schedule.points=1", "suite.max_images=12"),
    *("attack.pgd.steps=1", "tracker.mode=disabled", "trainer.accelerator=cpu", "method=full"),
)
ADVERSARIAL = ("objective=pgd_at", "objective.inner.share=0.5", "objective.inner.steps=1")
PRETEXTS = [name for name in choices("pretext") if name != "none"]


def content_of(run_dir: Path) -> dict:
    return json.loads((run_dir / "run.json").read_text())


def states_of(run_dir: Path) -> list[dict[str, np.ndarray]]:
    """At step 0 and at the end."""
    return [load_file(path) for path in sorted((run_dir / "states").glob("*.safetensors"))]


@pytest.mark.parametrize("pretext", PRETEXTS)
def test_adversarial_pre_training_and_fine_tuning_from_there_are_two_commands(words, tmp_path, pretext):
    code, out, err = words(*TINY, *ADVERSARIAL, f"pretext={pretext}", "hydra.run.dir=first")
    assert code == 0, err
    assert f"full on digits-{pretext}: " in out
    code, _, err = words(*TINY, "start.run=first", "hydra.run.dir=second")
    assert code == 0, err
    first, second = tmp_path / "first", tmp_path / "second"
    before, begun = states_of(first)[-1], states_of(second)[0]
    heads = {name for name in begun if name not in before or begun[name].shape != before[name].shape}
    assert heads
    assert all("head" in name.split(".") for name in heads)
    assert all(np.array_equal(begun[name], before[name]) for name in begun.keys() - heads)
    untrained = states_of(first)[0]
    assert not all(np.array_equal(begun[name], untrained[name]) for name in begun.keys() - heads)
    versions = len(content_of(first)["classes"])
    held_out = {row // versions for row in content_of(first)["validation_rows"]}
    assert held_out == set(content_of(second)["validation_rows"])  # what measures has never been trained on

    code, out, err = words("evaluate", "run=first", "states=all", "accelerator=cpu")
    assert code == 0, err
    assert out.count("agrees") == len((first / "records.jsonl").read_text().splitlines())
    code, out, err = words(
        "evaluate", "run=first", "suite.corruptions=[fog]", "suite.severities=[1]", "accelerator=cpu"
    )
    assert code == 0, err
    assert "ood:fog-1" in out
    assert words("report", "run=first")[0] == words("status", "run=.")[0] == 0


def test_pre_training_that_was_killed_ends_like_the_unbroken_one(robustft, tmp_path):
    given = (*TINY, *ADVERSARIAL, "pretext=rotation", "trainer.max_steps=4", "schedule.points=2", "hydra.run.dir=run")
    for name, kills in (("unbroken", []), ("killed", [("step", 3)])):
        (tmp_path / name).mkdir()
        for kill in kills:
            assert robustft(*given, cwd=tmp_path / name, kill=kill).returncode == -9
        done = robustft(*given, cwd=tmp_path / name)
        assert done.returncode == 0, done.stderr
    one, other = (tmp_path / name / "run" for name in ("unbroken", "killed"))
    assert content_of(one)["validation_rows"] == content_of(other)["validation_rows"]
    for expected, found in zip(states_of(one), states_of(other), strict=True):
        assert all(np.array_equal(expected[name], found[name]) for name in expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (["pretext=selfie"], "pretext must be one of jigsaw, none, rotation; got selfie"),
        (["pretext=rotation", "pretext.degrees=45"], "pretext.degrees is no key"),
        (
            ["pretext=rotation", "shift=[mnist,stl10]"],
            "shift may have no set with pretext=rotation, whose labels no other set has; got mnist_test, stl10",
        ),
        (
            ["pretext=rotation", "trainer.augment=[crop,flip]"],
            "trainer.augment may have crop with pretext=rotation, whose labels it would make wrong; got flip",
        ),
        (["pretext=jigsaw", "trainer.augment=[crop]"], "trainer.augment may have nothing with pretext=jigsaw"),
        (["+pretext._target_=robustft.data.Digits"], "pretext._target_ must be a class of robustft's own, of the kind"),
    ],
)
def test_mistakes_are_one_line_that_names_the_key(words, tmp_path, given, expected):
    code, _, err = words(*given)
    assert code == 2
    assert err.startswith(f"robustft: {expected}")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
