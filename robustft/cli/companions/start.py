"""Another run's state as the start of this one: `start.run=DIR start.state=best|last|STEP`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from robustft import checks
from robustft.atomic_write import write_whole
from robustft.cli.runs.chosen_state import chosen_state
from robustft.cli.user_errors import Mistake, naming
from robustft.models.keep_policy import kept_steps, state_path
from robustft.study.run import Run

START_FILE = "start.safetensors"
"""In the directory of a run that starts from another one's state: a copy of that state."""

_STATES = ("best", "last")


@dataclass(frozen=True, kw_only=True)
class OtherState:
    """A kept state of a finished run.

    asked: `best`, `last` or its step, as the user said.
    """

    run: Run
    step: int
    asked: str

    @property
    def path(self) -> Path:
        """Its file."""
        return state_path(self.run.directory / "states", self.step)

    @property
    def label(self) -> str:
        """A name by content, for directories: `0c7c0d3b1931-200`."""
        return f"{self.run.run_id}-{self.step}"


def other_state(node: DictConfig | None, key: str) -> OtherState | None:
    """The state that `KEY.run` and `KEY.state` name; None if they name none. Reads run.json and records only.

    A Mistake if the directory is not that of a finished run, or the state was not kept.
    """
    if node is None or node.get("run") is None:
        return None
    with naming(f"{key}."):
        run = Run(checks.path("run", node.run))
        if not run.exists:
            raise ValueError(f"run must be the directory of a run, with run.json in it; got {run.directory}")
        if not run.is_finished:
            raise ValueError(f"run must be the directory of a finished run, got {run.directory}, which is {run.state}")
        step = chosen_state(run, node.state, on_disk=kept_steps(run.directory / "states"), names=_STATES)
    return OtherState(run=run, step=step, asked=str(node.state))


def keep_start(start: OtherState, run_dir: Path) -> Path:
    """A copy of the state in the directory of the run that starts from it, so that it can always be measured again."""
    path = run_dir / START_FILE
    if not path.is_file():
        write_whole(path, start.path.read_bytes())
    return path


def kept_start(run_dir: Path) -> Path | None:
    """The copy of `keep_start`; None for a run that started from the backbone's own weights."""
    path = run_dir / START_FILE
    return path if path.is_file() else None


def check_start(start: OtherState | None, identity: dict[str, Any]) -> None:
    """A Mistake if the state is of another backbone, or of a method whose parameters the new one lacks.

    identity: of the new run; the backbone's weights are not compared as long as their hash is not known.
    """
    if start is None:
        return
    theirs, ours = start.run.identity["backbone"], identity["backbone"]
    unknown = {"weights"} if ours.get("weights") is None else set()
    differing = sorted(key for key in theirs.keys() | ours.keys() - unknown if theirs.get(key) != ours.get(key))
    if differing:
        raise Mistake(
            f"start.run must be of the same backbone, got {start.run.directory}, whose {differing[0]} is "
            f"{theirs.get(differing[0])!r}, not {ours.get(differing[0])!r}"
        )
    target = start.run.identity["method"]["_target_"]
    if _adds_parameters(target) and target != identity["method"]["_target_"]:
        raise Mistake(
            f"start.run must be of a method without parameters of its own, or of the same one, got "
            f"{start.run.directory}, which is of {start.run.method}"
        )


def _adds_parameters(target: str) -> bool:
    from robustft.cli.targets import OURS, known_class

    method = known_class(target, (OURS,))
    return bool(getattr(method, "adds_parameters", True))
