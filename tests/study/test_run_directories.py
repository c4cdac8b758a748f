"""A study's runs are those that it lists and all others below it, each once."""

from __future__ import annotations

from pathlib import Path

import pytest

from robustft.study.plain_file import DamagedFile
from robustft.study.run_directories import run_directories
from robustft.study.study_file import FILE, StudyRun, write_study


def begin(*directories: Path) -> None:
    for directory in directories:
        directory.mkdir(parents=True)
        (directory / "run.json").touch()


@pytest.fixture
def study(tmp_path: Path, monkeypatch) -> Path:
    """Runs `a/0` and `a/1`, of which the first was begun, and `b/0`, which is not in the list; as a relative path."""
    monkeypatch.chdir(tmp_path)
    study = Path("multirun/mine")
    write_study(study, [StudyRun(study / "a/1", ()), StudyRun(study / "a/0", ())])
    begin(study / "a/0", study / "b/0")
    return study


def test_listed_runs_and_others_are_found_once(study: Path) -> None:
    found = run_directories(study)
    assert found.runs == (study / "a/0", study / "a/1", study / "b/0")
    assert found.studies == (study,)


def test_a_directory_of_several_studies_has_the_runs_of_all(study: Path) -> None:
    other = study.with_name("other")
    write_study(other, [StudyRun(other / "c", ())])
    begin(study.with_name("alone"))
    found = run_directories(study.parent)
    assert found.runs == (study.with_name("alone"), study / "a/0", study / "a/1", study / "b/0", other / "c")
    assert found.studies == (study, other)


@pytest.mark.parametrize("absolute", [False, True])
def test_a_part_of_a_study_has_its_runs_begun_or_not(study: Path, absolute: bool) -> None:
    root = (study / "a").absolute() if absolute else study / "a"
    assert run_directories(root).runs == (root / "0", root / "1")
    assert run_directories(root / "1").runs == (root / "1",)
    assert [path.absolute() for path in run_directories(root).studies] == [study.absolute()]
    assert run_directories(study / "c").runs == ()


def test_a_run_s_own_directory_is_not_searched_nor_what_launchers_leave(study: Path) -> None:
    begin(study / "a/0/inside", study / ".submitit/4711")
    assert run_directories(study).runs == (study / "a/0", study / "a/1", study / "b/0")


def test_a_run_may_lie_elsewhere(study: Path) -> None:
    write_study(study, [StudyRun(Path("elsewhere/0"), ())])
    assert run_directories(study).runs == (Path("elsewhere/0"), study / "a/0", study / "b/0")


@pytest.mark.parametrize("root", ["multirun/mine", "multirun", "multirun/mine/a"])
def test_a_damaged_list_is_an_error_wherever_it_is_looked_from(study: Path, root: str) -> None:
    (study / FILE).write_text("{")
    with pytest.raises(DamagedFile, match=r"mine/study\.json is no list of runs: "):
        run_directories(Path(root))
