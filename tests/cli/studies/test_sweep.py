"""A mistake in a sweep: said once, before any run starts, and leaves nothing behind where there was nothing."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["seed=-1,-2"], "seed must be a whole number of "),
        (["seed=0,-2"], "seed must be a whole number of "),
        (["method=LoRA,full", "trainer.max_steps=0"], "trainer.max_steps must be a whole number"),
        (["attack=fgsm,pgd", "seed=-1"], "seed must be a whole number of"),
        (["seed=${nosuch}"], "seed cannot be resolved: it refers to nosuch, which is no key"),
        (["seed=${nosuch},-1"], "seed cannot be resolved: it refers to nosuch"),
        (["dataset=folder", "dataset.path=/a=b/c,d"], "dataset.path must be a directory, but /a=b/c,d does not exist"),
        (["dataset=folder", "dataset.path=/a x,/b"], "dataset.path must be a directory, but /a x does not"),
        (["dataset=folder", "dataset.path=/a", "dataset.name='a b','c d'"], "dataset.name must be letters"),
        (["method=lora,lroa"], "method must be one of adapter, bitfit"),
        (["method=lora,full", "trainer.max_step=1"], "trainer.max_step is no key; did you mean trainer.max_steps?"),
        (["seed=0,1", "attack=[]"], "attack must be at least one of apgd_ce"),
        (["seed=0,1", "study.goal=[speed]"], "study.goal must be a list of area, best/step, "),
        (["seed=0,1", "study.wait=false"], "study.wait must be true where no SLURM runs the jobs"),
        (["seed=0,1", "study.runs_per_job=0"], "study.runs_per_job must be a whole number of at least 1, got 0"),
        (["seed=0,1", "hydra/launcher=joblib", "hydra.launcher.n_jobs=0"], "hydra.launcher.n_jobs must be null, at "),
        (["seed=0,1", "hydra/launcher=nosuch"], "hydra/launcher must be one of basic, joblib, slurm"),
        (["report", "run=nowhere"], "run must be the directory of a run, with run.json in it; got nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_mistake_is_one_line_and_nothing_is_left(words, tmp_path, given, said):
    code, out, err = words("-m", *given)
    assert (code, out) == (2, "")
    assert err.count("\n") == 1, err
    assert err.startswith(f"robustft: {said}")
    assert list(tmp_path.iterdir()) == []


def test_each_run_of_another_command_says_its_mistake(words, tmp_path):
    code, out, err = words("-m", "evaluate", "run=a=1,b c")
    assert (code, out, err.count("robustft: run must be the directory of a run")) == (2, "", 2)
    assert list(tmp_path.iterdir()) == []


def test_it_says_in_which_run_and_in_how_many(words):
    _, _, err = words("-m", "method=lora,full,bitfit", "seed=0,-1")
    assert "(method=lora seed=-1)" in err
    assert "3 of 6 runs have a mistake" in err


def test_a_directory_that_cannot_be_written_is_a_mistake(words, tmp_path):
    (tmp_path / "multirun").write_text("a file")
    code, _, err = words("-m", "seed=0,1")
    assert (code, err.count("\n")) == (2, 1)
    assert "multirun" in err


def test_a_study_file_that_is_no_json_is_a_mistake(words, tmp_path):
    (tmp_path / "multirun/default").mkdir(parents=True)
    (tmp_path / "multirun/default/study.json").write_text("{")
    code, _, err = words("-m", "seed=0,1")
    assert (code, err.count("\n")) == (2, 1)
    assert "study.json" in err


def test_what_an_earlier_sweep_left_stays(words, tmp_path):
    kept = tmp_path / "multirun" / "multirun.yaml"
    kept.parent.mkdir()
    kept.touch()
    words("-m", "seed=-1")
    assert kept.is_file()
