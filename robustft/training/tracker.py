"""Weights & Biases mirrors a run: metrics against the step, the trade-off points, the picture, the configuration."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from robustft import checks
from robustft.canonical_hash import canonical_hash
from robustft.training.patience import PATIENCE, Failed, Patience, within

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
    """The W&B mirror of one run; does nothing if the tracker is disabled, or once W&B has failed."""

    def __init__(
        self, run: Any, log_every: int, patience: Patience = PATIENCE, leave: Callable[[], None] = lambda: None
    ) -> None:
        """patience: with calls of W&B; leave: ends its service, whatever has become of it."""
        self._run = run
        self._patience = patience
        self._leave = leave
        self.log_every = log_every

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Logs values against `step`, completed optimiser updates."""
        self._send(lambda run: run.log({"step": step, **values}), self._patience.log)

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

        self._send(results, self._patience.log)

    def close(self, exit_code: int = 0) -> None:
        """Ends the W&B run."""
        if self._run is not None:
            self._send(lambda run: run.finish(exit_code=exit_code), self._patience.close)
            self._end()

    def _send(self, message: Callable[[Any], None], seconds: float) -> None:
        """Sends `message`; whatever it raises disables the mirror and does not affect the run, whose records are
        complete."""
        if self._run is None:
            return
        run = self._run
        try:
            within(seconds, lambda: message(run), signalled=self._patience.signalled)
        except Failed as error:
            _warn(error)
            self._end()

    def _end(self) -> None:
        """No more is sent. Left to Python's exit, a service that is dead would print a traceback, one that hangs would
        be waited for."""
        if self._run is not None:
            self._run = None
            with suppress(Failed):  # what it had to say was said before
                within(self._patience.signalled, self._leave, signalled=self._patience.signalled)


@contextmanager
def tracked_run(
    tracker: Tracker,
    *,
    run_dir: Path,
    run_id: str,
    name: str,
    group: str,
    tags: Sequence[str],
    config: dict[str, Any],
    patience: Patience = PATIENCE,
) -> Iterator[TrackedRun]:
    """Opens the mirror of the run; a resumed run has the same id and continues the run in W&B.

    Where W&B fails (not logged in, no network in mode online) there is a warning, and nothing is mirrored.
    """
    if tracker.mode == "disabled":
        yield TrackedRun(None, tracker.log_every)
        return

    is_own = "WANDB_SERVICE" not in os.environ

    def leave() -> None:
        if is_own:
            import wandb

            wandb.teardown()

    def opened() -> Any:
        import wandb

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
        run.define_metric("step")
        run.define_metric("*", step_metric="step")
        return run

    if tracker.mode == "offline":
        os.environ.setdefault("WANDB_ERROR_REPORTING", "false")  # offline means no network request at all
    try:
        run = within(patience.open, opened, signalled=patience.signalled)
    except Failed as error:
        run = None
        _warn(error, hint=f" (mode {tracker.mode}; offline and disabled need no account)")
    tracked = TrackedRun(run, tracker.log_every, patience, leave)
    try:
        yield tracked
    except BaseException as error:
        tracked.close(exit_code=getattr(error, "exit_code", 1))
        raise
    tracked.close()


def _warn(error: BaseException, hint: str = "") -> None:
    reason = " ".join(str(error).split())
    print(f"robustft: the run continues without W&B, which failed: {reason[:200]}{hint}", file=sys.stderr, flush=True)


def _cut(text: str, longest: int) -> str:
    """`text`, cut to at most `longest` characters; a hash of the whole keeps different texts apart."""
    return text if len(text) <= longest else f"{text[: longest - 9]}-{canonical_hash(text, characters=8)}"
