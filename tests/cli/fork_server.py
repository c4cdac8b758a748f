"""Processes of `python -m robustft` that are forks of one that has imported what takes longest.

Each is a process like any other: with a directory, a memory, a signal that kills it and an exit code of its own.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PRELOADED = (
    "torch",
    "timm",
    "adapters",
    "pytorch_lightning",
    "wandb",
    "matplotlib.figure",
    "hydra",
    "safetensors.numpy",
)
"""Libraries alone: what robustft itself imports, and when, stays what it is."""

LIMIT = 300
"""Seconds for one process."""


class ForkServer:
    """Starts processes in the environment that it is given; libraries have read their variables before the fork."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._server = subprocess.Popen(
            [sys.executable, __file__],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, words: tuple[str, ...], *, cwd: Path, code: str | None, output: Path) -> subprocess.CompletedProcess:
        """The finished process of `python -m robustft words`, or of `python -c code words`.

        output: a directory for what it writes to its standard output and standard error.
        """
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        said, failed = output / "stdout", output / "stderr"
        request = {"words": words, "cwd": str(cwd), "code": code, "stdout": str(said), "stderr": str(failed)}
        print(json.dumps(request), file=self._server.stdin, flush=True)
        status = int(self._server.stdout.readline())
        return subprocess.CompletedProcess(words, status, said.read_text(), failed.read_text())

    def stop(self) -> None:
        self._server.communicate()  # it ends when it can read no more


def serve() -> None:
    """Forks a process for every line of standard input and answers with its exit code; returns in each of the forks."""
    for name in PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if child == 0:
            become(request)
            return
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def become(request: dict[str, Any]) -> None:
    """Runs what is asked for in this process; it ends as its code lets it."""
    from wandb.sdk.data_types._private import MEDIA_TMP

    signal.alarm(LIMIT)
    # wandb's directory for media, made at its import, is the server's: the first fork to end would remove it for all.
    atexit.unregister(MEDIA_TMP.cleanup)
    MEDIA_TMP._finalizer.detach()
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), descriptor)
    os.chdir(request["cwd"])
    sys.path[0] = request["cwd"]
    sys.argv = ["robustft", *request["words"]]
    if request["code"] is None:
        runpy.run_module("robustft", run_name="__main__", alter_sys=True)
    else:
        exec(request["code"], {"__name__": "__main__"})


if __name__ == "__main__":
    serve()
