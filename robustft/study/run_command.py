"""The command that makes a run again."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

import yaml

from robustft.study.plain_file import DamagedFile, plain_bytes

OVERRIDES = ".hydra/overrides.yaml"
_MOST_BYTES = 1 << 16


def run_command(run_dir: Path) -> str | None:
    """`python -m robustft method=lora seed=0`, from what the run keeps of its command line; None if that is not there,
    or would move a cursor.

    >>> run_command(Path("nowhere")) is None
    True
    """
    try:
        overrides = yaml.safe_load(plain_bytes(run_dir / OVERRIDES, "", at_most=_MOST_BYTES).decode())
    except (DamagedFile, ValueError, RecursionError, yaml.YAMLError):
        return None
    if not isinstance(overrides, list) or not all(isinstance(word, str) for word in overrides):
        return None
    return printable_command(overrides)


def printable_command(words: Sequence[str]) -> str | None:
    """As `command_line`; None for words that would move a cursor."""
    command = command_line(words)
    return command if command.isprintable() else None


def command_line(words: Sequence[str]) -> str:
    """`words` behind `python -m robustft`, as a shell takes them.

    >>> print(command_line(["run=a b"]))
    python -m robustft 'run=a b'
    """
    return shlex.join(["python", "-m", "robustft", *words])
