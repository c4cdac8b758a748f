"""A run directory belongs to one run: refused to others, held against a second process, written in a safe order."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from robustft.cli.mistakes import Mistake
from robustft.study.run_file import identity_differences, read_run, write_run


def earlier(run_dir: Path) -> dict[str, Any]:
    """run.json of the directory; {} if there is no run yet."""
    try:
        return read_run(run_dir, whole=True) or {}
    except ValueError as error:
        raise Mistake(f"hydra.run.dir: {error}") from error


def refuse_another(run_dir: Path, content: dict[str, Any], identity: dict[str, Any]) -> None:
    """Mistake if the directory belongs to a run of another identity."""
    if not content:
        if run_dir.is_dir() and any(run_dir.iterdir()):
            found = ", ".join(sorted(path.name for path in run_dir.iterdir())[:3])
            raise Mistake(f"hydra.run.dir must be new, empty or this run's own, got {run_dir} with {found} in it")
        return
    differences = identity_differences(content["identity"], identity)
    if differences:
        more = f" (and {len(differences) - 1} more)" if len(differences) > 1 else ""
        raise Mistake(f"hydra.run.dir belongs to another run, {run_dir}: {differences[0]}{more}")


@contextmanager
def claimed(run_dir: Path, key: str = "hydra.run.dir") -> Iterator[None]:
    """Holds the directory, which `key` names, against a second process that would write the run at the same time."""
    run_dir.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(run_dir, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Mistake(f"{key} is in use: another process is writing the run in {run_dir}") from error
        except OSError:
            pass  # a file system without locks: better unguarded than not at all
        yield
    finally:
        os.close(descriptor)


def leave_no_empty(run_dir: Path) -> None:
    """Removes the directory that Hydra made if nothing was written into it, and the empty ones between it and here."""
    here = Path.cwd()
    directory = run_dir.resolve()
    while directory != here and directory.is_dir() and not any(directory.iterdir()):
        directory.rmdir()
        directory = directory.parent
        if here not in directory.parents:
            return


def write_config(run_dir: Path, config: DictConfig, hydra: DictConfig) -> None:
    """`.hydra/` as Hydra has it: the configuration as composed, Hydra's own, the overrides; whole or not at all."""
    target = run_dir / ".hydra"
    temporary = run_dir / ".hydra.part"
    _remove(temporary)
    temporary.mkdir()
    OmegaConf.save(OmegaConf.create(OmegaConf.to_container(config, resolve=True)), temporary / "config.yaml")
    OmegaConf.save(OmegaConf.create({"hydra": OmegaConf.to_container(hydra, resolve=False)}), temporary / "hydra.yaml")
    OmegaConf.save(hydra.overrides.task, temporary / "overrides.yaml")
    _remove(target)
    os.replace(temporary, target)


def _remove(path: Path) -> None:
    """A directory with what is in it, or what lies in its place; a link, not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_status(run_dir: Path, content: dict[str, Any], status: str, reason: str | None = None) -> None:
    """run.json with its status: running, finished, or failed with the reason."""
    content["status"] = status
    content["reason"] = reason
    write_run(run_dir, content)
