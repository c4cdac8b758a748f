"""A run directory belongs to one run: refused to others, held against a second process, written in a safe order."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from robustft import interruption
from robustft.atomic_write import is_temporary, remove_temporaries, write_whole
from robustft.cli.run_argument import shown
from robustft.cli.runs.starts import earlier_starts, now
from robustft.cli.user_errors import Mistake, naming
from robustft.interruption import Interrupted
from robustft.lease import Lease, LeaseLost, guard
from robustft.study.plain_file import DamagedFile
from robustft.study.run import Run
from robustft.study.run_file import LEASE, identity_differences


class InUse(Mistake):
    """Another process is at work on the run."""


def earlier(run_dir: Path) -> Run:
    """The run in the directory, its run.json read; one that does not exist if there is none yet."""
    run = Run(run_dir)
    with naming("hydra.run.dir: "):
        _ = run.content
    return run


def refuse_another(run: Run, identity: Mapping[str, Any]) -> None:
    """Mistake if the directory of `run` belongs to a run of another identity, or to something else."""
    directory = run.directory
    if not run.exists:
        # A run killed before its first run.json has left a temporary file at most, and starts again.
        others = (
            sorted(path.name for path in directory.iterdir() if not _is_passing(path)) if directory.is_dir() else []
        )
        if others:
            names = ", ".join(others[:3])
            raise Mistake(f"hydra.run.dir must be new, empty or this run's own, got {directory} with {names} in it")
        return
    differences = identity_differences(run.identity, identity)
    if differences:
        more = f" (and {len(differences) - 1} more)" if len(differences) > 1 else ""
        raise Mistake(f"hydra.run.dir belongs to another run, {directory}: {differences[0]}{more}")


def refuse_unwritable(run_dir: Path, key: str = "hydra.run.dir") -> None:
    """Mistake if nothing can be written into the directory, which `key` names."""
    if not os.access(run_dir, os.W_OK | os.X_OK):
        raise Mistake(f"{key} must be a directory that can be written, got {run_dir}")


@contextmanager
def claimed(run_dir: Path, key: str = "hydra.run.dir") -> Iterator[None]:
    """Holds the lease of the directory, which `key` names: no other process works on the run, on any host.

    What killed processes left of their writes is deleted, since nobody else can be at work on them.

    Raises:
        InUse: if another process holds it.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    refuse_unwritable(run_dir, key)
    lease = Lease(run_dir / LEASE)
    if not lease.acquire():
        raise InUse(f"{shown(run_dir)} is being worked on by {Run(run_dir).holder or 'another process'}")
    with lease, interruption.last_words(lease.release):
        remove_temporaries(run_dir)
        yield


def leave_no_empty(run_dir: Path) -> None:
    """Removes the directory that Hydra made if nothing was written into it, and the empty ones between it and here."""
    here = Path.cwd()
    directory = run_dir.resolve()
    with suppress(OSError):  # the reason why the run did not start is what counts
        while directory != here and directory.is_dir() and not any(directory.iterdir()):
            directory.rmdir()
            directory = directory.parent
            if here not in directory.parents:
                return


def write_config(run_dir: Path, config: DictConfig, hydra: DictConfig) -> None:
    """`.hydra/` as Hydra has it: the configuration as composed, Hydra's own, the overrides; each file whole or not."""
    contents = {
        "config": OmegaConf.to_container(config, resolve=True),
        "hydra": {"hydra": OmegaConf.to_container(hydra, resolve=False)},
        "overrides": hydra.overrides.task,
    }
    directory = run_dir / ".hydra"
    if directory.is_symlink() or not directory.is_dir():  # never through a link from an untrusted source
        directory.unlink(missing_ok=True)
    for name, content in contents.items():
        write_whole(directory / f"{name}.yaml", OmegaConf.to_yaml(OmegaConf.create(content)).encode())


@contextmanager
def begun(run: Run, before: Run, attempt: Mapping[str, Any]) -> Iterator[Run]:
    """While heavy parts load in the block, run.json already says who is at work; yields the run that it describes.

    If the block raises, run.json says how the run ended. After a mistake it is as before, or absent: that is no start.

    run: as far as it is known without heavy parts; before: what is in the directory already.
    attempt: the new entry of `starts`.
    """
    file = run.directory / "run.json"
    content = file.read_bytes() if before.exists else None
    starts = [*earlier_starts(before.content), dict(attempt)]
    known = {"validation_rows": None, **run.content, **before.content, "starts": starts, "attempts": len(starts)}
    run = write_status(Run(run.directory, known), "running")
    try:
        with interruption.last_words(lambda: write_end_of_failed(run, KeyboardInterrupt())):
            yield run
    except (Mistake, DamagedFile, HydraException, OmegaConfBaseException, OSError):
        if content is None:
            guard(file)
            file.unlink()
        else:
            write_whole(file, content)
        raise
    except (Exception, KeyboardInterrupt) as error:
        write_end_of_failed(run, error)
        raise


def write_status(run: Run, status: str, reason: str | None = None, **changes: Any) -> Run:
    """Writes run.json with its status: running, finished, interrupted, or failed with the reason."""
    return run.write(**changes, status=status, reason=reason)


def write_end(
    run: Run,
    status: str,
    reason: str | None = None,
    *,
    step: int | None = None,
    seconds: Mapping[str, Any] | None = None,
    **changes: Any,
) -> Run:
    """Writes run.json at the end of a start, whose own entry says the same.

    step: the last one that is on disk; None: not known, and what run.json says stays.
    seconds: what the start took, by part.
    """
    starts = earlier_starts(run.content)
    if starts:
        own = {"ended": now(), "status": status, "step": step, "seconds": None if seconds is None else {**seconds}}
        starts[-1] |= own
        changes["starts"] = starts
    if step is not None:
        changes["step"] = step
    return write_status(run, status, reason, **changes)


def write_end_of_failed(
    run: Run, error: BaseException, *, step: int | None = None, seconds: Mapping[str, Any] | None = None
) -> None:
    """run.json of a run that `error` ended, as far as it can be written: the user must hear of `error` itself."""
    interrupted = isinstance(error, KeyboardInterrupt | Interrupted)
    reason = None if interrupted else " ".join(f"{type(error).__name__}: {error}".split())[:2000]
    with suppress(OSError, LeaseLost):  # the run may be another process's by now
        write_end(run, "interrupted" if interrupted else "failed", reason, step=step, seconds=seconds)


def _is_passing(path: Path) -> bool:
    """Whether a file belongs to no run: a temporary one, or a lease with what taking one may have left."""
    return is_temporary(path) or path.name == LEASE or path.name.startswith(f"{LEASE}.")
