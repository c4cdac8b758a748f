"""Weights & Biases: metrics against the step, the trade-off points, the picture, the configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustft import checks
from robustft.canonical_hash import canonical_hash
from robustft.training.trackers.tracker import MirroredRun, Results, RunTracker

LONGEST_TAG, LONGEST_NAME = 64, 128
"""Characters that W&B accepts; a longer tag would make it fail."""

MODES = ("online", "offline", "disabled")

NOT_IN_A_PROJECT = "/\\#?%:"
"""Characters that W&B refuses in the name of a project."""


@dataclass(frozen=True, kw_only=True)
class Tracker(RunTracker):
    """Settings of the Weights & Biases mirror of a run.

    mode: `offline` (files under the run directory, for `robustft sync`; no account needed), `online` or `disabled`.
    project, entity: W&B's; log_every: updates between two logged training losses.

    >>> Tracker(mode="disabled").project
    'robustft'
    """

    mode: str = "offline"
    project: str = "robustft"
    entity: str | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        checks.keep(self, mode=checks.one_of("mode", self.mode, MODES))
        if not isinstance(self.project, str) or not self.project:
            raise ValueError(f"project must be a name, got {self.project!r}")
        if len(self.project) > LONGEST_NAME or any(character in self.project for character in NOT_IN_A_PROJECT):
            raise ValueError(
                f"project must have at most {LONGEST_NAME} characters, none of {NOT_IN_A_PROJECT}, got {self.project!r}"
            )

    @property
    def label(self) -> str:
        return "W&B"

    @property
    def is_on(self) -> bool:
        return self.mode != "disabled"

    @property
    def is_remote(self) -> bool:
        return self.mode == "online"

    @property
    def hint(self) -> str:
        return f" (mode {self.mode}; offline and disabled need no account)"

    def prepare(self) -> None:
        if self.mode == "offline":
            os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # offline means no network request at all
        import wandb  # noqa: F401

    def opened(self, run: MirroredRun) -> WandbMirror:
        opened = open_run(
            self,
            directory=run.directory,
            run_id=run.run_id,
            name=run.name,
            group=run.group,
            job_type="train",
            tags=run.tags,
            config=run.config,
        )
        opened.define_metric("step")
        opened.define_metric("*", step_metric="step")
        return WandbMirror(opened)

    def leave(self) -> None:
        end_service(at_once=False)

    def abandon(self) -> None:
        end_service(at_once=True)


def open_run(
    tracker: Tracker,
    *,
    directory: Path,
    run_id: str,
    name: str,
    group: str,
    job_type: str,
    tags: Sequence[str],
    config: Mapping[str, Any],
) -> Any:
    """A run of W&B's, or the same one again: what is sent is added to it."""
    import wandb

    return wandb.init(
        project=tracker.project,
        entity=tracker.entity,
        mode="online" if tracker.mode == "online" else "offline",
        dir=directory,
        id=run_id,
        resume="allow" if tracker.mode == "online" else None,
        name=_cut(name, LONGEST_NAME),
        group=_cut(group, LONGEST_NAME),
        job_type=job_type,
        tags=list(dict.fromkeys(_cut(tag, LONGEST_TAG) for tag in tags)),
        config=dict(config),
        settings=wandb.Settings(console="off", silent=True),
    )


def end_service(*, at_once: bool) -> None:
    """Ends W&B's service, if it is this process's own.

    at_once: kill it; while it is still asking a server it would be waited for, for minutes.
    """
    from wandb.sdk import wandb_setup

    import wandb

    with suppress(AttributeError):  # W&B promises none of these names; without them, it is asked to end
        connection: Any = wandb_setup.singleton()._connection
        if connection is None or connection._proc is None:
            return
        if at_once:
            connection._proc._process.kill()
    wandb.teardown()


class WandbMirror:
    """A run of W&B's as the mirror of a run."""

    def __init__(self, run: Any) -> None:
        self._run = run

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Values against `step`."""
        self._run.log({"step": step, **values})

    def finish(self, results: Results) -> None:
        """The points as a table, the curve as a picture, the summary as single values."""
        import wandb

        table = wandb.Table(columns=list(results.columns), data=[list(row) for row in results.rows])
        pictures = {} if results.picture is None else {"tradeoff/curve": wandb.Image(str(results.picture))}
        self._run.log({"tradeoff/points": table, **pictures})
        self._run.summary.update({name: value for name, value in results.summary.items() if value is not None})

    def close(self, exit_code: int) -> None:
        """Ends the run."""
        self._run.finish(exit_code=exit_code)


def _cut(text: str, longest: int) -> str:
    """`text`, cut to at most `longest` characters; a hash of the whole keeps different texts apart."""
    return text if len(text) <= longest else f"{text[: longest - 9]}-{canonical_hash(text, characters=8)}"
