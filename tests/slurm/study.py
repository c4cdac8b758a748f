"""Studies on a cluster: their commands, what they leave, and faults that happen to their jobs."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.slurm.cluster import Cluster

REPOSITORY = Path(__file__).parents[2]
LABORATORY = Path(__file__).parent / "lab"
MEASURED = ("step", "epoch", "split", "condition", "norm", "eps", "attack", "correct", "total", "forward_passes")
ON_SLURM = (
    "hydra/launcher=slurm",
    "hydra.launcher.cpus_per_task=2",
    "hydra.launcher.gpus_per_node=0",
    "hydra.launcher.mem_gb=1",
)
SMALL = ("suite.max_images=20", "attack.pgd.steps=2")


class Command:
    """`python -m robustft words` in a process that runs beside the tests.

    output: the file of what it prints.
    """

    def __init__(
        self, words: tuple[str, ...], *, directory: Path, environment: Mapping[str, str], python: tuple[str, ...] = ()
    ) -> None:
        self.output = directory / f"command-{len(list(directory.glob('command-*')))}.txt"
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, *python, "-m", "robustft", *words],
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        """What it has printed so far."""
        return self.output.read_text()

    def ended(self, seconds: float = 300) -> int:
        """Waits for its end; its exit code."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the command did not end within {seconds:.0f} s:\n{self.text}") from None


class Place:
    """A working directory for studies on a cluster."""

    def __init__(self, cluster: Cluster, directory: Path) -> None:
        self.cluster, self.directory = cluster, directory
        directory.mkdir(parents=True, exist_ok=True)

    def environment(self, step_seconds: float) -> dict[str, str]:
        """Of a command and of its jobs. One thread, as bits are compared.

        step_seconds: how much longer each training step of method=slow takes.
        """
        return {
            **self.cluster.environment,
            "PYTHONPATH": f"{REPOSITORY}:{LABORATORY}",
            "OMP_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
            "WANDB_SILENT": "true",
            "MYLAB_STEP_SECONDS": str(step_seconds),
        }

    def begin(self, *words: str, step_seconds: float = 0.0, python: tuple[str, ...] = ()) -> Command:
        """Starts `python -m robustft words`, with the methods of lab/; python: options of Python's own."""
        config = () if words[0] == "status" else (f"--config-dir={LABORATORY / 'conf'}",)
        command = words[:1] if words[0] in ("evaluate", "report", "status") else ()
        every = (*command, *config, *words[len(command) :])
        return Command(every, directory=self.directory, environment=self.environment(step_seconds), python=python)

    def run(self, *words: str, step_seconds: float = 0.0, python: tuple[str, ...] = ()) -> tuple[int, str]:
        """(exit code, output) of `python -m robustft words`."""
        command = self.begin(*words, step_seconds=step_seconds, python=python)
        return command.ended(), command.text

    def study(self, name: str) -> dict[str, Trained]:
        """The runs that a study lists, `slow/seed-0` -> the run."""
        directory = self.directory / "multirun" / name
        listed = json.loads((directory / "study.json").read_text())["runs"]
        places = [directory / run["directory"] for run in listed]
        return {f"{place.parent.name}/{place.name.partition('+')[0]}": Trained(place, self.cluster) for place in places}


class Trained:
    """A run's directory, and the job that makes it."""

    def __init__(self, directory: Path, cluster: Cluster) -> None:
        self.directory, self.cluster = directory, cluster

    @property
    def content(self) -> dict[str, Any]:
        """run.json; {} before it is there."""
        path = self.directory / "run.json"
        return json.loads(path.read_text()) if path.is_file() else {}

    @property
    def records(self) -> list[dict[str, Any]]:
        """Every record."""
        path = self.directory / "records.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []

    @property
    def numbers(self) -> dict[str, Any]:
        """All that must not depend on how a run came to its end, to the bit."""
        files = {
            str(path.relative_to(self.directory)): path.read_bytes()
            for part in ("outcomes", "states")
            for path in sorted((self.directory / part).rglob("*.*"))
        }
        return {"records": [[record[key] for key in MEASURED] for record in self.records], **files}

    def is_training(self, steps: int) -> bool:
        """Whether a job is at work on it that has measured so many steps."""
        is_running = self.content.get("status") == "running" and self.job in self.cluster.jobs()
        return is_running and len({record["step"] for record in self.records}) >= steps

    @property
    def job(self) -> str:
        """SLURM's id of the job of its latest start."""
        return str(self.content["starts"][-1]["job"])

    def processes(self, name: str = "") -> list[int]:
        """The processes of its job, all or those whose command line has `name` in it."""
        return processes_of(self.job, self.cluster, name)

    def kill(self, name: str = "") -> None:
        """kill -9 of those processes."""
        processes = self.processes(name)
        assert processes, f"no such process in job {self.job}: {name}"
        for process in processes:
            with contextlib.suppress(ProcessLookupError):  # it went with another
                os.kill(process, signal.SIGKILL)


def processes_of(job: str, cluster: Cluster, name: str = "") -> list[int]:
    """The processes of a job, all or those whose command line, with blanks between its words, has `name` in it."""
    raw = cluster.command("squeue", "--noheader", "--format=%A", f"--jobs={job}")
    mine = {f"SLURM_JOB_ID={raw}".encode(), f"SLURM_CONF={cluster.config}".encode()}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().replace(b"\0", b" ")
            if mine <= set((process / "environ").read_bytes().split(b"\0")) and name.encode() in words:
                found.append(int(process.name))
    return found
