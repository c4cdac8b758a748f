from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from robustft.study.run_command import command_line, run_command


def written(run_dir: Path, text: str) -> Path:
    (run_dir / ".hydra").mkdir()
    (run_dir / ".hydra/overrides.yaml").write_text(text)
    return run_dir


def test_the_words_of_the_run_are_quoted_for_a_shell(tmp_path: Path) -> None:
    run_dir = written(tmp_path, "- method=lora\n- dataset.path=\"a b\"\n- '$(rm -r ~)'\n")
    command = run_command(run_dir)
    assert command == "python -m robustft method=lora 'dataset.path=\"a b\"' '$(rm -r ~)'"
    assert shlex.split(command)[3:] == ["method=lora", 'dataset.path="a b"', "$(rm -r ~)"]


def test_a_run_without_words_is_the_plain_command(tmp_path: Path) -> None:
    assert run_command(written(tmp_path, "[]\n")) == "python -m robustft" == command_line([])


@pytest.mark.parametrize(
    "text", ["method: lora", "- {a: 1}", "- [", "", "- !!python/object/apply:os.system [true]", "[" * 3000, "\x00"]
)
def test_a_damaged_file_has_no_command(text: str, tmp_path: Path) -> None:
    assert run_command(written(tmp_path, text)) is None


def test_no_file_and_a_long_one_have_none(tmp_path: Path) -> None:
    assert run_command(tmp_path) is None
    assert run_command(written(tmp_path, "- a\n" * 20_000)) is None
