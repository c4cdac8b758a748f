"""Command lines that are sweeps though they have no -m."""

from __future__ import annotations

import pytest

from robustft.cli.command_line.arguments import parsed
from robustft.cli.command_line.groups import choices
from robustft.cli.studies.implied_sweep import a_job_a_run, is_study
from tests.cli.made_up_run import write_made_up_run


@pytest.mark.parametrize("study", choices("study"))
def test_each_study_of_the_package_but_the_default_is_a_list_of_runs(study):
    assert is_study(parsed([f"study={study}"])) == (study != "default")


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["seed=0"], False),
        (["study=nosuch"], False),
        (["-m", "study=lab"], False),
        (["study=lab", "--cfg", "job"], False),
        (["study=lab", "--help"], False),
        (["study=lab", "hydra.mode=RUN"], False),
        (["hydra.mode=MULTIRUN"], True),
    ],
)
def test_what_is_shown_or_has_a_mode_of_its_own_is_none(words, expected):
    assert is_study(parsed(words)) is expected


def test_a_study_of_the_user_s_is_found(tmp_path):
    (tmp_path / "study").mkdir()
    (tmp_path / "study/mine.yaml").write_text("# @package _global_\nhydra: {mode: MULTIRUN}\n")
    assert is_study(parsed([f"--config-dir={tmp_path}", "study=mine"]))


@pytest.mark.parametrize("launcher", ["hydra/launcher=basic", "seed=0"])
def test_runs_are_evaluated_in_this_process_without_a_launcher(tmp_path, launcher):
    write_made_up_run(tmp_path / "a")
    assert a_job_a_run([f"run={tmp_path}", launcher]) is None


def test_a_launcher_evaluates_each_run_in_a_job(tmp_path):
    for name in ("a", "b, c"):
        write_made_up_run(tmp_path / name)
    words = a_job_a_run([f'run="{tmp_path}"', "hydra/launcher=slurm", "states=best"])
    assert words == [f'run="{tmp_path}/a","{tmp_path}/b, c"', "hydra/launcher=slurm", "states=best"]
