"""Daemons of a directory: started in the foreground as children of the tests, and gone with them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path


class Daemons:
    """Daemons that log into `directory`.

    environment: of all of them.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self.directory = directory
        self.environment = environment
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *arguments: str, **environment: str) -> None:
        """Start a daemon, which must stay in the foreground."""
        with (self.directory / f"{name}.out.log").open("ab") as output:
            self._running[name] = subprocess.Popen(
                [shutil.which(name) or name, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**self.environment, **environment},
                cwd=self.directory,
                start_new_session=True,
            )

    def run(self, *names: str) -> bool:
        """Whether the daemons of these names were started and not ended."""
        return self._running.keys() >= set(names)

    def end(self, name: str) -> None:
        """End the daemon of that name, if need be by force."""
        daemon = self._running.pop(name)
        daemon.terminate()
        try:
            daemon.wait(20)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def end_all(self) -> None:
        """End all of them, the last first."""
        for name in reversed(list(self._running)):
            self.end(name)

    def wait_for(self, holds: Callable[[], object], what: str, seconds: float = 60, every: float = 0.2) -> None:
        """Return as soon as it holds.

        Raises:
            TimeoutError: with the daemons' last words, if it does not within that time or a daemon has died.
        """
        end = time.monotonic() + seconds
        while not holds():
            dead = [name for name, daemon in self._running.items() if daemon.poll() is not None]
            if dead or time.monotonic() > end:
                died = f"{', '.join(dead)} died; " if dead else ""
                raise TimeoutError(f"{died}waited {seconds:.0f} s at most for {what}\n{self._last_words()}")
            time.sleep(every)

    def _last_words(self) -> str:
        logs = {log.name: log.read_text(errors="replace") for log in sorted(self.directory.glob("*.log"))}
        return "\n".join("\n".join([f"--- {name}", *text.splitlines()[-12:]]) for name, text in logs.items())


@contextlib.contextmanager
def nothing_left(directory: Path, variable: str) -> Iterator[None]:
    """After the block, however this process ends, those processes are killed and the directory is removed."""
    guardian = subprocess.Popen(
        [sys.executable, __file__, str(directory), variable], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield
    finally:
        guardian.communicate(timeout=60)


def end_processes_with(variable: str) -> None:
    """Kill every process that has `NAME=VALUE` in its environment."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if variable.encode() in (process / "environ").read_bytes().split(b"\0"):
                os.kill(int(process.name), signal.SIGKILL)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


if __name__ == "__main__":
    sys.stdin.read()  # comes to its end when the tests close it, or are gone
    end_processes_with(sys.argv[2])
    shutil.rmtree(sys.argv[1], ignore_errors=True)
