"""run.json of a run while a process works on it: the step that it would resume from, and how the work ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from robustft import interruption
from robustft.cli.runs import run_directory
from robustft.cli.runs.starts import now
from robustft.interruption import Interrupted
from robustft.study.run import Run


class OngoingRun:
    """A run that this process works on.

    run: what run.json says.
    seconds: what this start has taken up to now.
    """

    def __init__(self, run: Run, seconds: Callable[[], Mapping[str, Any]]) -> None:
        self.run = run
        self._seconds = seconds

    def saved(self, step: int) -> None:
        """The run resumes at `step` from now on."""
        self.run = self.run.write(step=step)

    def finished(self, summary: Mapping[str, Any]) -> None:
        """The run is complete; said again once nothing is left to do, it has taken a little longer."""
        changes = {"step": self.run.content["steps"], "finished": now(), "summary": summary}
        self.run = run_directory.write_end(self.run, "finished", seconds=self._seconds(), **changes)

    @contextmanager
    def ending(self) -> Iterator[None]:
        """If the block raises, run.json says how the run ended.

        Raises:
            Interrupted: of the block, with the step.
        """
        try:
            yield
        except Interrupted as stop:
            self._ended_by(stop)
            step, steps = self.run.content.get("step") or 0, self.run.content["steps"]
            raise Interrupted(stop.signal, f" at step {step} of {steps}") from stop
        except (Exception, KeyboardInterrupt) as error:
            self._ended_by(error)
            raise

    def interrupted(self) -> None:
        """The process ends where it is."""
        self._ended_by(KeyboardInterrupt())

    def _ended_by(self, error: BaseException) -> None:
        step = self.run.content.get("step")
        run_directory.write_end_of_failed(self.run, error, step=step, seconds=self._seconds())


@contextmanager
def ongoing(run: Run, seconds: Callable[[], Mapping[str, Any]]) -> Iterator[OngoingRun]:
    """While the block runs, run.json has the status `running`; then that of how the block ended, if it raises."""
    ongoing = OngoingRun(run_directory.write_status(run, "running"), seconds)
    with ongoing.ending(), interruption.last_words(ongoing.interrupted), interruption.deadline(None):
        yield ongoing
