"""The mirror of a run, in a thread of its own: the run never waits for it, and ends as it would without."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from robustft import interruption
from robustft.training.patience import LOOK_SECONDS, PATIENCE, Failed, Patience, reason_of, within
from robustft.training.trackers.tracker import Mirror, MirroredRun, Results, RunTracker

Message = Callable[[Mirror], object]


class TrackedRun:
    """What a run tells its tracker; does nothing without one, or once it has failed.

    Messages wait in a queue, which a thread sends in order; what any of them raises disables the mirror, and so does
    one that does not return. The run waits for the rest only when it closes the mirror: as long as an answering service
    needs, but where opening took long at most a small share of the run's time.
    """

    def __init__(
        self,
        tracker: RunTracker | None,
        log_every: int,
        *,
        run: MirroredRun | None = None,
        patience: Patience = PATIENCE,
    ) -> None:
        """tracker: None, or without a run: nothing is mirrored."""
        self.log_every = log_every
        self._tracker, self._patience = tracker, patience
        self._began = time.monotonic()
        self._opening_began: float | None = None
        self._opened: float | None = None
        self._busy_since: float | None = self._began
        self._messages: deque[Message | None] = deque()
        self._wake, self._done, self._left = threading.Event(), threading.Event(), threading.Event()
        self._ending = threading.Lock()
        self._is_over = tracker is None or run is None
        if tracker is not None and run is not None:
            threading.Thread(target=self._work, args=(tracker, run), name="tracker", daemon=True).start()

    def log(self, step: int, values: Mapping[str, Any]) -> None:
        """Sends values against `step`, completed optimiser updates."""
        self._send(lambda mirror: mirror.log(step, values))

    def finish(
        self,
        *,
        columns: Sequence[str],
        rows: Sequence[Sequence[Any]],
        picture: Path | None,
        summary: Mapping[str, Any],
        step: int = 0,
    ) -> None:
        """Sends the trade-off points as a table, the curve as a picture, the summary as single values."""
        results = Results(columns=columns, rows=rows, picture=picture, summary=summary, step=step)
        self._send(lambda mirror: mirror.finish(results))

    def close(self, exit_code: int = 0) -> None:
        """Ends the mirror, with what it has been told so far."""
        self._send(lambda mirror: mirror.close(exit_code))
        if not self._is_over:
            self._messages.append(None)
            self._wake.set()
            try:
                self._wait()
            except Failed as error:
                self._fail(error)
            else:
                self._end()
        if self._tracker is not None:  # where it failed before, its service may be about to end
            self._left.wait(self._patience.signalled)

    def _wait(self) -> None:
        """Returns when everything was sent; Failed if that takes too long."""
        asked = time.monotonic()
        signalled: float | None = None
        while not self._done.wait(LOOK_SECONDS):
            now = time.monotonic()
            if signalled is None and interruption.requested():
                signalled = now
            allowed = self._allowance(asked)
            if now - asked >= allowed:
                raise Failed(f"no answer in {allowed:.2g} s")
            if signalled is not None and now - signalled >= self._patience.signalled:
                raise Failed(f"no answer in {self._patience.signalled:g} s")

    def _allowance(self, asked: float) -> float:
        """Seconds that may pass after `asked`, when the mirror was told to close."""
        patience = self._patience
        if self._tracker is None or not self._tracker.is_remote:
            return patience.close
        opened = time.monotonic() if self._opened is None else self._opened
        if self._opening_began is None or opened - self._opening_began < patience.prompt:
            return patience.answering
        return max(patience.least, patience.share * (asked - self._began))

    def _send(self, message: Message) -> None:
        if self._is_over:
            return
        self._messages.append(message)
        self._wake.set()
        limit = self._patience.open if self._opened is None else self._patience.log
        busy_since = self._busy_since
        if busy_since is not None and time.monotonic() - busy_since > limit:
            self._fail(Failed(f"no answer in {limit:g} s"))

    def _work(self, tracker: RunTracker, run: MirroredRun) -> None:
        """Opens the mirror and sends what comes, until it fails or is told that there is no more."""
        try:
            tracker.prepare()
            self._opening_began = time.monotonic()
            mirror = tracker.opened(run)
            self._opened = time.monotonic()
            while not self._is_over:
                self._busy_since = None
                if not self._messages:
                    self._wake.wait()
                    self._wake.clear()
                    continue
                self._busy_since = time.monotonic()
                message = self._messages.popleft()
                if message is None:
                    break
                message(mirror)
        except BaseException as error:  # SystemExit and KeyboardInterrupt would end the thread alone
            self._fail(Failed(reason_of(error)), hint=tracker.hint if self._opened is None else "")
        finally:
            self._done.set()

    def _fail(self, error: Failed, hint: str = "") -> None:
        """Disables the mirror, with one warning; the run is not affected, and its records are complete."""
        label = "" if self._tracker is None else self._tracker.label
        self._end(lambda: _warn(label, error, hint))

    def _end(self, warn: Callable[[], None] | None = None) -> None:
        """No more is sent. Left to Python's exit, a service that is dead would print a traceback, one that hangs would
        be waited for."""
        with self._ending:
            if self._is_over or self._tracker is None:
                return
            self._is_over = True
            if warn is not None:
                warn()
        leave = self._tracker.leave if warn is None else self._tracker.abandon
        self._messages.clear()
        self._wake.set()
        with suppress(Failed):  # what it had to say was said before
            within(self._patience.signalled, leave, signalled=self._patience.signalled)
        self._left.set()


@contextmanager
def tracked_run(
    tracker: RunTracker,
    *,
    run_dir: Path,
    run_id: str,
    name: str,
    group: str,
    tags: Sequence[str],
    config: Mapping[str, Any],
    patience: Patience = PATIENCE,
) -> Iterator[TrackedRun]:
    """Opens the mirror of the run; a resumed run has the same id and continues the run in the tracker.

    Where the tracker fails (not logged in, no network in mode online) there is a warning, and nothing is mirrored.
    """
    if not tracker.is_on:
        yield TrackedRun(None, tracker.log_every)
        return
    run = MirroredRun(directory=run_dir, run_id=run_id, name=name, group=group, tags=tags, config=config)
    tracked = TrackedRun(tracker, tracker.log_every, run=run, patience=patience)
    try:
        yield tracked
    except BaseException as error:
        tracked.close(exit_code=getattr(error, "exit_code", 1))
        raise
    tracked.close()


def _warn(label: str, error: BaseException, hint: str = "") -> None:
    reason = " ".join(str(error).split())
    print(
        f"robustft: the run continues without {label}, which failed: {reason[:200]}{hint}", file=sys.stderr, flush=True
    )
