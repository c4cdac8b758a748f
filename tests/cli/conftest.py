"""Running robustft as a user does: in this process where only its words matter, in one of its own where it trains."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra

from robustft.cli.app import main
from tests.cli.fork_server import ForkServer
from tests.cli.made_up_run import RECORDS, write_made_up_run
from tests.cli.run_commands import Commands

KILLING = """
import os, signal, sys
from robustft.evaluation.block_files import MeasurementFiles
import robustft.cli.load
from robustft.training.module import FineTuning
from robustft.study.records.record_file import RecordFile
places = {
    "step": (FineTuning, "training_step"),
    "record": (RecordFile, "append"),
    "rename": (os, "replace"),
    "block": (MeasurementFiles, "keep"),
    "load": (robustft.cli.load, "loaded"),
}
number = getattr(signal, sys.argv.pop(1))
owner, name = places[sys.argv.pop(1)]
calls, original = int(sys.argv.pop(1)), getattr(owner, name)
def counted(*arguments, **options):
    global calls
    calls -= 1
    if calls == -1:
        os.kill(os.getpid(), number)
    return original(*arguments, **options)
setattr(owner, name, counted)
from robustft.cli.app import main
main()
"""


@pytest.fixture
def words(monkeypatch, tmp_path, capsys):
    """(words) -> (exit code, standard output, standard error), in this process and an empty directory."""
    monkeypatch.chdir(tmp_path)

    def run(*given: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["robustft", *given])
        code = 0
        try:
            main()
        except SystemExit as exit:
            code = exit.code if isinstance(exit.code, int) else 1
        finally:
            GlobalHydra.instance().clear()
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture(scope="session")
def robustft(tmp_path_factory):
    """(words, cwd) -> the finished process of `python -m robustft words`.

    kill=(place, n): killed right before the call number n of what the place is; by another `signal`, if one is named.
    """
    servers: dict[tuple, ForkServer] = {}

    def run(
        *given: str, cwd: Path, kill: tuple[str, int] | None = None, signal: str = "SIGKILL"
    ) -> subprocess.CompletedProcess:
        hub = tuple(
            sorted(item for item in os.environ.items() if item[0].startswith("HF_"))
        )  # read when it is imported
        if hub not in servers:
            # One thread: bits are compared, whatever else the machine does. And a W&B service of its own: one that a
            # test in this process left running would hold the id of a run that is killed here.
            mine = {key: value for key, value in os.environ.items() if key != "WANDB_SERVICE"}
            servers[hub] = ForkServer(mine | {"WANDB_SILENT": "true", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"})
        output = tmp_path_factory.mktemp("output")
        if kill is None:
            return servers[hub].run(given, cwd=cwd, code=None, output=output)
        return servers[hub].run((signal, kill[0], str(kill[1]), *given), cwd=cwd, code=KILLING, output=output)

    yield run
    for server in servers.values():
        server.stop()


@pytest.fixture(scope="session")
def made_up_run(tmp_path_factory) -> Path:
    """The directory of a finished run that never ran: files as a run writes them, with numbers that are made up."""
    run_dir = tmp_path_factory.mktemp("made_up") / "run"
    write_made_up_run(run_dir)
    return run_dir


@pytest.fixture(scope="session")
def outcome(made_up_run) -> str:
    """The outcomes of the best state's clean test images, below the run's directory."""
    records = [json.loads(line) for line in (made_up_run / RECORDS).read_text().splitlines()]
    key = next(record["key"] for record in records if (record["step"], record["condition"]) == (4, "clean"))
    return next(str(path.relative_to(made_up_run)) for path in made_up_run.rglob(f"{key}.npy"))


@pytest.fixture
def run_dir(made_up_run, tmp_path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(made_up_run, tmp_path / "run"))


@pytest.fixture
def commands(run_dir, monkeypatch) -> Commands:
    """On that copy."""
    return Commands(run_dir, monkeypatch)
