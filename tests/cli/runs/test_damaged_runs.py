"""Whatever has become of a run's files, a command that reads them ends well or in one line that names the file."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra.core.hydra_config import HydraConfig

from robustft.cli.runs import run_directory
from tests.cli.made_up_run import CONFIG, RECORDS, RUN_JSON, STEPS, WORDS


def test_the_made_up_run_is_one_to_every_command(commands):
    assert [commands.line(name) for name in commands.tasks] == [None] * 3


def replaced(old: str, new: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new))

    return change


def put(**changes: Any) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | changes))

    return change


def without(*names: str) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        content = json.loads(path.read_text())
        path.write_text(json.dumps({name: value for name, value in content.items() if name not in names}))

    return change


def holding(content: bytes) -> Callable[[Path], None]:
    return lambda path: void(path.write_bytes(content))


def void(_: object) -> None: ...


def a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def a_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def forbidden(path: Path) -> None:
    path.chmod(0)


DEEP = b"[" * 100_000
ANY_FILE = {
    "empty": holding(b""),
    "binary": holding(bytes(range(256))),
    "NUL": holding(b"\0" * 4096),
    "deep": holding(DEEP),
    "deep and closed": holding(b"[" * 900 + b"]" * 900),
    "deep mappings": holding(b'{"a":' * 900 + b"1" + b"}" * 900),
    "a list": holding(b"[1, 2]\n"),
    "a number": holding(b"7\n"),
    "null": holding(b"null\n"),
    "BOM": lambda path: holding(b"\xef\xbb\xbf" + path.read_bytes())(path),
    "UTF-16": lambda path: holding(path.read_bytes().decode("latin-1").encode("utf-16"))(path),
    "a directory": a_directory,
    "a pipe": a_pipe,
}


@pytest.mark.parametrize("damage", ANY_FILE)
@pytest.mark.parametrize("command", ["train", "evaluate", "report"])
@pytest.mark.parametrize("file", [RUN_JSON, RECORDS, CONFIG, "outcome"])
def test_what_is_no_such_file_at_all_is_named(commands, outcome, command, file, damage):
    file = outcome if file == "outcome" else file
    ANY_FILE[damage](commands.run_dir / file)
    # A finished run is left alone by `train`, whatever its records are.
    read = file == RUN_JSON or command == "evaluate" or (file, command) == (RECORDS, "report")
    line = commands.line(command)
    if read and (file, damage) != (CONFIG, "BOM"):  # YAML may begin with it
        assert line is not None
        assert str(commands.run_dir / file) in line or "has been measured completely" in line
        assert "\n" not in line
    else:
        assert line is None


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
@pytest.mark.parametrize("file", [RUN_JSON, RECORDS, CONFIG])
def test_what_may_not_be_read_is_named(commands, file):
    forbidden(commands.run_dir / file)
    line = commands.line("evaluate")
    assert line is not None
    assert f"{commands.run_dir / file} cannot be read (Permission denied)" in line


SAID = [
    (RUN_JSON, without("identity"), "must have identity"),
    (RUN_JSON, without("contents", "seed"), "must have contents, seed"),
    (RUN_JSON, put(identity=[]), "identity must be an object, got []"),
    (RUN_JSON, put(identity={"attack": {}}), "identity.attack must have the run's attacks, got none"),
    (RUN_JSON, put(identity={"attack": {"clean": {}}}), "identity.attack must have names of attacks, got 'clean'"),
    (RUN_JSON, put(identity={"attack": {"pgd": 7}}), "identity.attack.pgd must be an object, got 7"),
    (RUN_JSON, put(contents={"dataset": None}), "contents.dataset must be an object, got None"),
    (RUN_JSON, put(contents={"dataset": {}}), "contents.dataset.fingerprint must be a text of one line, got None"),
    (RUN_JSON, put(status="done"), "status must be one of running, interrupted, finished, failed; got 'done'"),
    (RUN_JSON, put(status=None), "status must be one of running, interrupted, finished, failed; got None"),
    (RUN_JSON, put(method="a\x1b[2J"), "method must be a text of one line, got 'a\\x1b[2J'"),
    (RUN_JSON, put(seed="0"), "seed must be a whole number of at least 0 and at most 4294967295, got '0'"),
    (RUN_JSON, put(validation_rows=[]), "validation_rows must be a list of rows, got []"),
    (RUN_JSON, put(validation_rows=[1, -1]), "validation_rows must be whole numbers of at least 0, got -1"),
    (RUN_JSON, put(validation_rows=[1, 1]), "validation_rows must be different rows"),
    (RUN_JSON, put(validation_rows=[True]), "validation_rows must be whole numbers of at least 0, got True"),
    (RUN_JSON, put(validation_rows=[1.5]), "validation_rows must be whole numbers of at least 0, got 1.5"),
    (RUN_JSON, replaced('"seed": 0', '"seed": NaN'), "is not JSON: it holds NaN, which is no number of JSON"),
    (RUN_JSON, replaced('"seed": 0', '"seed": 1e999'), "is not JSON: it holds 1e999, which is no number of JSON"),
    (RUN_JSON, replaced('"seed": 0', f'"seed": {"9" * 5000}'), "is not JSON: it holds the number 99999999999999999999"),
    (RUN_JSON, replaced('"digits"', '"\\ud800"'), "is not JSON: 'utf-8' codec can't encode"),
    (RECORDS, replaced('"correct": 8', '"correct": 13'), "line 1: correct must be a whole number of at least 0"),
    (RECORDS, replaced('"epoch": 0.0', f'"epoch": {"9" * 400}'), "line 1: it holds the number 9999"),
    (RECORDS, replaced('"epoch": 0.1', '"epoch": Infinity'), "line 6: it holds Infinity"),
    (RECORDS, replaced('"eps": 0.03', '"eps": 3e307, "x": 0.03'), "line 2: eps must be a number of pixel units"),
    (RECORDS, replaced('"split": "test"', '"split": ["test"]'), "line 3: split must be one of train, validation"),
    (RECORDS, replaced('"notes": []', '"notes": {"a": 1}'), "line 1: notes"),
    (CONFIG, replaced("seed: 0", "seeds: 0"), "seed must be given"),
    (CONFIG, replaced("seed: 0", "seed: x"), "seed must be a whole number"),
    (CONFIG, replaced("suite:", "suites:"), "suite must be settings by name, got None"),
    (CONFIG, replaced("max_images: 12", "max_pictures: 12"), "is not what a run has (TypeError"),
    (CONFIG, replaced("max_images: 12", "max_images: [12]"), "suite.max_images must be a whole number"),
    (CONFIG, replaced("steps: 15", "stepz: 15"), "attack.pgd.stepz is no key"),
    (CONFIG, replaced("max_steps: 4", "max_steps: ???"), "trainer.max_steps must be given"),
    (CONFIG, replaced("seed: 0", "seed: 0\nseed: 1"), "is not YAML as runs have it"),
    (CONFIG, replaced("seed: 0", "seed: [0"), "is not YAML as runs have it"),
]


@pytest.mark.parametrize(("file", "change", "said"), SAID, ids=[said for *_, said in SAID])
def test_what_a_file_must_hold_is_said(commands, file, change, said):
    change(commands.run_dir / file)
    line = commands.line("evaluate")
    assert line is not None
    assert said in line
    assert str(commands.run_dir / file) in line


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda path: path.unlink(), " is missing; restore it from a copy, or remove its line ("),
        (lambda path: path.write_bytes(path.read_bytes()[:-1]), " is not an array: "),
        (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(50)), " is not an array: "),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"|u1", b"|O1")), " is not an array: "),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"(2,)", b"(9,)")), " is not an array: "),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"|u1", b"|i1")), " does not hold 12 packed bits"),
        (lambda path: path.write_bytes(path.read_bytes()[:-2] + b"\0\0"), " counts 0 correct, the record 12"),
        (lambda path: path.write_bytes(bytes(1 << 20)), " must have 4,098 bytes at most, has 1,048,576"),
    ],
)
def test_outcomes_that_cannot_be_compared_are_named(commands, outcome, damage, said):
    damage(commands.run_dir / outcome)
    line = commands.line("evaluate")
    assert line is not None
    assert f"{commands.run_dir / outcome}{said}" in line


def test_a_last_line_that_was_not_written_to_its_end_does_not_count(commands):
    with (commands.run_dir / RECORDS).open("a") as file:
        file.write('{"key": "12')
    assert [commands.line(name) for name in commands.tasks] == [None] * 3


def test_a_run_that_goes_on_reads_its_records_before_anything_heavy(commands):
    put(status="failed", reason="no power")(commands.run_dir / RUN_JSON)
    assert commands.line("train") is None
    replaced('"correct": 8', '"correct": "8"')(commands.run_dir / RECORDS)
    line = commands.line("train")
    assert line is not None
    assert line.startswith(f"hydra.run.dir: {commands.run_dir / RECORDS}, line 1: correct must be a whole number")


def test_state_files_of_other_names_are_of_no_account(commands, run_dir):
    for name in ("step-abc.safetensors", "step-.safetensors", "step-²³.safetensors", "step-7.safetensors"):
        (run_dir / "states" / name).touch()
    (run_dir / "states" / "step-000009.safetensors").mkdir()
    commands.configs["evaluate"].states = 9
    kept = ", ".join(map(str, STEPS))
    assert commands.line("evaluate") == f"states must be the step of a kept state ({kept}), best or last; got 9"


@pytest.mark.parametrize("planted", ["file", "link", "link to a directory", "directory"])
def test_whatever_lies_in_its_place_the_configuration_is_written(commands, run_dir, tmp_path, planted):
    (tmp_path / "home").mkdir()
    (tmp_path / "home/config.yaml").write_text("mine")
    shutil.rmtree(run_dir / ".hydra")
    if planted == "file":
        (run_dir / ".hydra").touch()
    elif planted == "directory":
        (run_dir / ".hydra" / "inside").mkdir(parents=True)
    else:
        (run_dir / ".hydra").symlink_to(tmp_path / ("home" if "directory" in planted else "home/config.yaml"))
    hydra: Any = HydraConfig.get()
    run_directory.write_config(run_dir, commands.configs["train"], hydra)
    written = {path.name for path in (run_dir / ".hydra").iterdir()} - {"inside"}
    assert written == {"config.yaml", "hydra.yaml", "overrides.yaml"}
    assert not (run_dir / ".hydra").is_symlink()
    assert (tmp_path / "home/config.yaml").read_text() == "mine"


def test_on_the_command_line_it_is_one_line_and_exit_code_2(words, run_dir):
    without("identity")(run_dir / RUN_JSON)
    said = f"run/{RUN_JSON} must have identity; restore it from a copy, or begin the run again in another directory\n"
    for command in (["evaluate", "run=run"], ["report", "run=run"]):
        assert words(*command) == (2, "", f"robustft: run: {said}")
    code, out, err = words("train", *WORDS, "hydra.run.dir=run")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.endswith(said)
