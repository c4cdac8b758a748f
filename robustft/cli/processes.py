"""Several processes of one command, as `torchrun` starts them: they share the work, the first prints and writes."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from robustft.cli.user_errors import Mistake

VARIABLE = "WORLD_SIZE"
"""Set by torchrun: the number of processes."""


def is_shared() -> bool:
    """Whether this process is one of several."""
    return os.environ.get(VARIABLE, "1") != "1"


def refuse_several(command: str) -> None:
    """Raises a Mistake for a command whose processes would only repeat each other's work."""
    if is_shared():
        raise Mistake(
            f"{VARIABLE} must be 1 for {command}, got {os.environ[VARIABLE]}: torchrun is for `evaluate`, which shares "
            "its images out; runs go to several devices as a sweep"
        )


@contextmanager
def together() -> Iterator[bool]:
    """Joins the process group and yields whether this process is the first; the others print nothing."""
    if not is_shared():
        yield True
        return
    from robustft.evaluation.shards import Shards  # imports torch

    with Shards.joined() as shards:
        if shards.rank == 0:
            yield True
            return
        with open(os.devnull, "w") as devnull, redirect_stdout(devnull):
            yield False
