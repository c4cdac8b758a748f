"""Weights & Biases mirrors a run: metrics against the step, the trade-off points, the picture, the configuration."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustft import checks
from robustft.study.canonical import canonical_hash

LONGEST_TAG, LONGEST_NAME = 64, 128
"""Characters that W&B takes; the first longer tag would end the run."""

MODES = ("online", "offline", "disabled")


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
        if not isinstance(self.project, str) or not self.project:
            raise ValueError(f"project must be a name, got {self.project!r}")


class TrackedRun:
    """One run as the tracker sees it; does nothing if the tracker is disabled."""

    def __init__(self, run: Any, log_every: int) -> None:
        self._run = run
        self.log_every = log_every

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Values against `step`, completed optimiser updates."""
        if self._run is not None:
            self._run.log({"step": step, **values})

    def finish(
        self, *, columns: Sequence[str], rows: Sequence[Sequence[Any]], picture: Path | None, summary: dict
    ) -> None:
        """The trade-off points as a table, the curve as a picture if there is one, the summary as single values."""
        if self._run is None:
            return
        import wandb

        table = wandb.Table(columns=list(columns), data=[list(row) for row in rows])
        pictures = {} if picture is None else {"tradeoff/curve": wandb.Image(str(picture))}
        self._run.log({"tradeoff/points": table, **pictures})
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
            name=_cut(name, LONGEST_NAME),
            group=_cut(group, LONGEST_NAME),
            job_type="train",
            tags=list(dict.fromkeys(_cut(tag, LONGEST_TAG) for tag in tags)),
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


def _cut(text: str, longest: int) -> str:
    """A longer text's beginning, and a hash of all of it, so that two texts stay two."""
    return text if len(text) <= longest else f"{text[: longest - 9]}-{canonical_hash(text, characters=8)}"
