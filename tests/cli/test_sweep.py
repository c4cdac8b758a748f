"""A mistake in a sweep: said once, stops no other run, and leaves nothing behind where there was nothing."""

from __future__ import annotations

import pytest

FAST = ("trainer.max_steps=1", "suite.max_images=4", "attack.pgd.steps=1", "tracker.mode=disabled")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["seed=-1,-2"], ["seed must be a whole number of", "seed must be a whole number of"]),
        (["method=LoRA,full", "trainer.max_steps=0"], ["trainer.max_steps must be a whole number"] * 2),
        (["attack=fgsm,pgd", "seed=-1"], ["seed must be a whole number of"] * 2),
        (["seed=${nosuch}"], ["seed cannot be resolved: it refers to nosuch, which is no key"]),
        (["seed=${nosuch},-1"], ["seed cannot be resolved: it refers to nosuch", "seed must be a whole number of"]),
        (
            ["dataset=folder", "dataset.path=/a=b/c,d"],
            ["dataset.path must be a directory, but /a=b/c,d does not exist"],
        ),
        (
            ["dataset=folder", "dataset.path=/a x,/b"],
            ["dataset.path must be a directory, but /a x does not", "dataset"],
        ),
        (["dataset=folder", "dataset.path=/a", "dataset.name='a b','c d'"], ["dataset.name must be letters"] * 2),
        (["method=lora,lroa"], ["method must be one of adapter, bitfit"]),
        (["method=lora,full", "trainer.max_step=1"], ["trainer.max_step is no key; did you mean trainer.max_steps?"]),
        (["seed=0,1", "attack=[]"], ["attack must be at least one of apgd_ce"] * 2),
        (["evaluate", "run=a=1,b c"], ["run must be the directory of a run", "run must be the directory of a run"]),
        (["report", "run=nowhere"], ["run must be the directory of a run, with run.json in it; got nowhere"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_every_mistake_is_a_line_and_nothing_is_left(words, tmp_path, given, said):
    code, out, err = words("-m", *given)
    assert (code, out) == (2, "")
    lines = err.splitlines()
    assert len(lines) == len(said), err
    for line, start in zip(lines, said, strict=True):
        assert line.startswith(f"robustft: {start}")
    assert list(tmp_path.iterdir()) == []


def test_it_says_in_which_run(words):
    _, _, err = words("-m", "method=lora,full", "seed=-1")
    assert [line.rpartition(" (")[2] for line in err.splitlines()] == ["method=lora seed=-1)", "method=full seed=-1)"]


def test_a_mistake_stops_no_other_run(robustft, tmp_path):
    done = robustft("-m", "seed=-1,0", "method=linear_probe", *FAST, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("robustft: seed must be a whole number")
    assert len(list(tmp_path.rglob("run.json"))) == 1


def test_what_an_earlier_sweep_left_stays(words, tmp_path):
    kept = tmp_path / "multirun" / "multirun.yaml"
    kept.parent.mkdir()
    kept.touch()
    words("-m", "seed=-1")
    assert kept.is_file()
