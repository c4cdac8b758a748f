"""Which state of a run an argument means: `best`, `last`, `peak` or a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from robustft.study.run import Run
from robustft.study.tradeoff import TradeoffPoint, best_step, peak_step

_BY_NAME: dict[str, Callable[[Sequence[TradeoffPoint]], int]] = {
    "best": best_step,
    "last": lambda points: points[-1].step,
    "peak": peak_step,
}


def chosen_state(run: Run, state: Any, *, on_disk: Sequence[int], names: Sequence[str] = tuple(_BY_NAME)) -> int:
    """The step that `state` means, whose state is on disk and was measured completely.

    on_disk: steps whose state is there; names: words that are allowed beside steps.

    Raises:
        ValueError: in one line that begins with `state must be`.
    """
    points = run.points
    measured = [point.step for point in points]
    steps = [step for step in on_disk if step in measured]
    there, words = ", ".join(map(str, steps)) or "none", f"{', '.join(names[:-1])} or {names[-1]}"
    if isinstance(state, str) and state in names:
        if not run.is_finished or not points:
            raise ValueError(
                f"state must be the step of a kept state ({there}) of a run that is not finished ({run.state}); "
                f"got {state}"
            )
        step = _BY_NAME[state](points)
        if step not in steps:
            raise ValueError(f"state must be one that was kept ({there}), got {state}, which is step {step}")
        return step
    if isinstance(state, bool) or not isinstance(state, int):
        raise ValueError(f"state must be {', '.join(names)} or the step of a kept state ({there}); got {state!r}")
    if state not in steps:
        raise ValueError(f"state must be the step of a kept state ({there}), {words}; got {state}")
    return state
