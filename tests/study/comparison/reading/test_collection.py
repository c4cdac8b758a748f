"""Where runs are and what they are called."""

from __future__ import annotations

from pathlib import Path

import pytest

from robustft.study.comparison.reading.collection import collect
from robustft.study.study_file import StudyRun, write_study


@pytest.fixture
def studies(tmp_path: Path) -> Path:
    """Two studies of one run each, and a run that only its study knows."""
    for study in ("first", "second"):
        run = tmp_path / study / "digits/lora/seed-0"
        run.mkdir(parents=True)
        (run / "run.json").write_text("{}")
        write_study(tmp_path / study, [StudyRun(run, (f"study={study}",)), StudyRun(run.with_name("seed-1"), ())])
    return tmp_path


def test_a_run_is_called_by_its_directory_below_the_study(studies: Path) -> None:
    whole, part, one = (
        collect([studies / "first"]),
        collect([studies / "first/digits/lora"]),
        collect([studies / "first/digits/lora/seed-0"]),
    )

    assert [place.name for place in whole.places] == ["digits/lora/seed-0", "digits/lora/seed-1"]
    assert whole.places == part.places
    assert one.places == whole.places[:1]
    assert whole.title == part.title == one.title == "first"
    assert whole.places[0].overrides == ("study=first",)


def test_runs_of_two_studies_that_are_called_the_same_have_the_studies_before_them(studies: Path) -> None:
    collection = collect([studies / "first", studies / "second"])

    assert [place.name for place in collection.places] == [
        f"{study}/digits/lora/seed-{seed}" for study in ("first", "second") for seed in (0, 1)
    ]
    assert collection.title == "first, second"


def test_a_directory_in_two_roots_or_behind_a_link_is_one(studies: Path) -> None:
    (studies / "link").symlink_to(studies / "first")

    collection = collect([studies / "first", studies, studies / "link", studies / "first/digits"])

    assert len(collection.places) == 4


def test_relative_roots_stay_as_they_were_given(studies: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(studies)

    assert [place.directory for place in collect([Path("first")]).places] == [
        Path(f"first/digits/lora/seed-{seed}") for seed in (0, 1)
    ]
    assert collect([Path()]).places[0].name == "first/digits/lora/seed-0"
