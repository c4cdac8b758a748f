"""Weights & Biases mirrors a run: metrics against the step, the trade-off points, the picture, the configuration."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustft import checks
from robustft.canonical_hash import canonical_hash

LONGEST_TAG, LONGEST_NAME = 64, 128
"""Characters that W&B accepts; a longer tag would make it fail."""

MODES = ("online", "offline", "disabled")

NOT_IN_A_PROJECT = "/\\#?%:"
"""Characters that W&B refuses in the name of a project."""


@dataclass(frozen=True, kw_only=True)
class Tracker:
    """Settings of the Weights & Biases mirror of a run.

    mode: `offline` (files under the run directory, for `wandb sync`; no account needed), `online` or `disabled`.
    project, entity: W&B's; log_every: updates between two logged training losses.

    >>> Tracker(mode="disabled").project
    'robustft'
    """

    mode: str = "offline"
    project: str = "robustft"
    entity: str | None = None
    log_every: int = 10

    def __post_init__(self) -> None:
        checks.keep(
            self,
            mode=checks.one_of("mode", self.mode, MODES),
            log_every=checks.whole_number("log_every", self.log_every, at_least=1),
        )
        if not isinstance(self.project, str) or not self.project:
            raise ValueError(f"project must be a name, got {self.project!r}")
        if len(self.project) > LONGEST_NAME or any(character in self.project for character in NOT_IN_A_PROJECT):
            raise ValueError(
                f"project must have at most {LONGEST_NAME} characters, none of {NOT_IN_A_PROJECT}, got {self.project!r}"
            )


class TrackedRun:
    """The W&B mirror of one run; does nothing if the tracker is disabled."""

    def __init__(self, run: Any, log_every: int) -> None:
        self._run = run
        self.log_every = log_every

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Logs values against `step`, completed optimiser updates."""
        self._send(lambda run: run.log({"step": step, **values}))

    def finish(
        self, *, columns: Sequence[str], rows: Sequence[Sequence[Any]], picture: Path | None, summary: dict
    ) -> None:
        """Logs the trade-off points as a table, the curve as a picture, the summary as single values."""

        def results(run: Any) -> None:
            import wandb

            table = wandb.Table(columns=list(columns), data=[list(row) for row in rows])
            pictures = {} if picture is None else {"tradeoff/curve": wandb.Image(str(picture))}
            run.log({"tradeoff/points": table, **pictures})
            run.summary.update(summary)

        self._send(results)

    def close(self, exit_code: int = 0) -> None:
        """Ends the W&B run."""
        self._send(lambda run: run.finish(exit_code=exit_code))

    def _send(self, message: Callable[[Any], None]) -> None:
        """Sends `message`; an error disables the mirror and does not affect the run, whose records are complete."""
        if self._run is None:
            return
        try:
            message(self._run)
        except Exception as error:
            self._run = None
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            print(f"robustft: the run continues without W&B, which failed: {reason[:200]}", file=sys.stderr, flush=True)


@contextmanager
def tracked_run(
    tracker: Tracker, *, run_dir: Path, run_id: str, name: str, group: str, tags: Sequence[str], config: dict[str, Any]
) -> Iterator[TrackedRun]:
    """Opens the mirror of the run; a resumed run has the same id and continues the run in W&B.

    Raises:
        ValueError: if W&B refuses the run (not logged in, no network in mode online).
    """
    if tracker.mode == "disabled":
        yield TrackedRun(None, tracker.log_every)
        return
    if tracker.mode == "offline":
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # offline means no network request at all
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
    except Exception as error:  # its service also raises errors outside wandb.errors
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise ValueError(f"mode {tracker.mode} failed: {reason} (offline and disabled need no account)") from error
    run.define_metric("step")
    run.define_metric("*", step_metric="step")
    tracked = TrackedRun(run, tracker.log_every)
    try:
        yield tracked
    except BaseException:
        tracked.close(exit_code=1)
        raise
    tracked.close()


def _cut(text: str, longest: int) -> str:
    """`text`, cut to at most `longest` characters; a hash of the whole keeps different texts apart."""
    return text if len(text) <= longest else f"{text[: longest - 9]}-{canonical_hash(text, characters=8)}"
