"""Weights & Biases mirrors a run: metrics against the step, the trade-off points, the picture, the configuration."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustft import checks

MODES = ("online", "offline", "disabled")

TAG, NAME = 64, 128
"""Characters that W&B takes at most."""


@dataclass(frozen=True, kw_only=True)
class Tracker:
    """Where a run is mirrored to.

    mode: `offline` (files under the run directory, for `wandb sync`; no account needed), `online` or `disabled`.
    project, entity: W&B's; log_every: updates between two logged training losses.
    """

    mode: str = "offline"
    project: str = "robustft"
    entity: str | None = None
    log_every: int = 10

    def __post_init__(self) -> None:
        checks.one_of("mode", self.mode, MODES)
        checks.whole_number("log_every", self.log_every, at_least=1)
        if not isinstance(self.project, str) or not 0 < len(self.project) <= NAME:
            raise ValueError(f"project must be a name of at most {NAME} characters, got {self.project!r}")


class TrackedRun:
    """One run as the tracker sees it; does nothing if the tracker is disabled."""

    def __init__(self, run: Any, log_every: int) -> None:
        self._run = run
        self.log_every = log_every

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Values against `step`, completed optimiser updates."""
        if self._run is not None:
            self._run.log({"step": step, **values})

    def finish(self, *, columns: Sequence[str], rows: Sequence[Sequence[Any]], picture: Path, summary: dict) -> None:
        """The trade-off points as a table, the curve as a picture, the summary as single values."""
        if self._run is None:
            return
        import wandb

        table = wandb.Table(columns=list(columns), data=[list(row) for row in rows])
        self._run.log({"tradeoff/points": table, "tradeoff/curve": wandb.Image(str(picture))})
        self._run.summary.update(summary)


@contextmanager
def tracked_run(
    tracker: Tracker, *, run_dir: Path, run_id: str, name: str, group: str, tags: Sequence[str], config: dict[str, Any]
) -> Iterator[TrackedRun]:
    """Opens the mirror of the run; a resumed run has the same id and becomes one run with what was there before.

    ValueError if W&B does not take the run (not logged in, no network in mode online).
    """
    if tracker.mode == "disabled":
        yield TrackedRun(None, tracker.log_every)
        return
    if tracker.mode == "offline":
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # offline means that nothing asks the network
    import wandb

    try:
        run = wandb.init(
            project=tracker.project,
            entity=tracker.entity,
            mode="online" if tracker.mode == "online" else "offline",
            dir=run_dir,
            id=run_id,
            resume="allow" if tracker.mode == "online" else None,
            name=_short(name, NAME),
            group=_short(group, NAME),
            tags=[_short(tag, TAG) for tag in tags],
            config=config,
            settings=wandb.Settings(console="off", silent=True),
        )
    except (wandb.errors.Error, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"mode {tracker.mode} failed: {reason} (offline and disabled need no account)") from error
    run.define_metric("step")
    run.define_metric("*", step_metric="step")
    try:
        yield TrackedRun(run, tracker.log_every)
    except BaseException:
        run.finish(exit_code=1)
        raise
    run.finish()


def _short(text: str, limit: int) -> str:
    """`text`, or of a longer one the beginning and a hash of all of it, so that two stay two."""
    if len(text) <= limit:
        return text
    return f"{text[: limit - 13]}-{hashlib.blake2b(text.encode(), digest_size=6).hexdigest()}"
