"""The processes of one machine: joblib hands the runs of a study out, each in a process, and a GPU if there are any."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence

from joblib import Parallel, cpu_count, delayed

from robustft import interruption
from robustft.cli.run_argument import shown
from robustft.cli.studies.devices import free_device, visible_devices
from robustft.cli.studies.job import Job, Outcome, Place, file_name
from robustft.cli.user_errors import Mistake

_LOOK_SECONDS = 0.5


class Processes:
    """As many runs at a time as `n_jobs` says; one run's end, however it comes, is no other's.

    n_jobs: null: as many as there are GPUs, or half the cores; -1: all cores.

    A run's output goes to a log of its own, since several print at a time.
    """

    here = True
    waits = True

    def __init__(self, *, n_jobs: int | None) -> None:
        if n_jobs is not None and (isinstance(n_jobs, bool) or not isinstance(n_jobs, int) or n_jobs == 0):
            raise Mistake(f"hydra.launcher.n_jobs must be null, at least 1 or -1, got {n_jobs}")
        self._devices = visible_devices()
        self._n_jobs = n_jobs or len(self._devices) or max(1, cpu_count() // 2)
        self.at_a_time = self._n_jobs if self._n_jobs > 0 else max(1, cpu_count() + 1 + self._n_jobs)
        self._threads = max(1, cpu_count() // self.at_a_time)
        self._printing = threading.Lock()

    def run(self, jobs: Sequence[Job], place: Place) -> list[Outcome]:
        """Raises `Interrupted` once the processes that it had interrupted have ended."""
        place.files.mkdir(parents=True, exist_ok=True)
        with interruption.deadline(None):  # the processes save and end first
            outcomes: list[Outcome] = Parallel(n_jobs=self._n_jobs, backend="threading", batch_size=1)(
                delayed(self._run)(number, len(jobs), job, place) for number, job in enumerate(jobs, 1)
            )
        interruption.check()
        return outcomes

    def queued(self, jobs: Sequence[Job], place: Place) -> list[Job]:
        """There is no queue that outlives a command."""
        return []

    def _run(self, number: int, count: int, job: Job, place: Place) -> Outcome:
        if interruption.requested():
            return Outcome(note="not begun: the study was interrupted")
        log = place.files / f"{file_name(job.name)}.log"
        with free_device(self._devices) as device, log.open("ab") as output:
            self._print(f"{number} of {count} begins: {job.name} (log {shown(log)})")
            process = subprocess.Popen(
                job.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment(device, str(log)),
                start_new_session=True,  # Ctrl-C comes through this process, once
            )
            code = _waited_for(process)
        self._print(f"{number} of {count} ended{'' if code == 0 else f' with code {code}'}: {job.name}")
        return Outcome(code=code, log=log)

    def _environment(self, device: Mapping[str, str], log: str) -> dict[str, str]:
        threads = {"OMP_NUM_THREADS": str(self._threads), "MKL_NUM_THREADS": str(self._threads)}
        return {**threads, **os.environ, **device, "ROBUSTFT_LOG": os.path.abspath(log)}

    def _print(self, line: str) -> None:
        with self._printing:
            print(line, flush=True)


def _waited_for(process: subprocess.Popen[bytes]) -> int:
    """The exit code; what interrupts this process is passed on."""
    told = False
    while True:
        try:
            return process.wait(timeout=_LOOK_SECONDS)
        except subprocess.TimeoutExpired:
            if not told and (name := interruption.requested()):
                told = True
                process.send_signal(getattr(signal, name))
