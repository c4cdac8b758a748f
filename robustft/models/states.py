"""The states of a run: trainable parameters and persistent buffers, at every evaluated step or those that matter."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from robustft import checks
from robustft.models.keep_policy import KEEP, keep_policy, kept_steps, state_path
from robustft.models.tuned_state import load_tuned, save_tuned, tuned_state
from robustft.study.frontier import frontier_steps
from robustft.study.plain_file import DamagedFile, MissingFile
from robustft.study.record import Record
from robustft.study.tradeoff import tradeoff_points


@dataclass(frozen=True, kw_only=True)
class States:
    """`<run dir>/states/step-<n>.safetensors`: trainable parameters, head included, and persistent buffers.

    keep: `all`; `selected` (best, last and the validation frontier's); `none`; or None: `all` while a state is under
        50 MB, else `selected`.
    """

    run_dir: Path
    keep: str | None = None

    def __post_init__(self) -> None:
        checks.one_of("keep", self.keep, (*KEEP, None))

    def path(self, step: int) -> Path:
        """Where the state after `step` updates is kept."""
        return state_path(self.run_dir / "states", step)

    def steps(self) -> list[int]:
        """The steps whose state is on disk, ascending."""
        return kept_steps(self.run_dir / "states")

    def save(self, model: nn.Module, step: int) -> None:
        """Writes the state unless none are kept."""
        if self.keep != "none":
            path = self.path(step)
            path.parent.mkdir(parents=True, exist_ok=True)
            save_tuned(model, path)

    def load(self, model: nn.Module, step: int) -> None:
        """Puts the state after `step` updates into `model`; DamagedFile if it was not kept or is another model's."""
        if not self.path(step).is_file():
            kept = ", ".join(map(str, self.steps())) or "none"
            raise MissingFile("states", f"must be the step of a kept state ({kept}), best or last; got {step}")
        try:
            load_tuned(model, self.path(step))
        except ValueError as error:
            raise DamagedFile("", error, "restore it from a copy") from error

    def prune(self, model: nn.Module, records: Sequence[Record], *, attack: str) -> None:
        """Deletes the states that `keep` does not ask for, given everything on record so far; `attack` is the name of
        the one that the frontier is about.

        Safe to do along the way: a point that is dominated or beaten once stays so.
        """
        if self._policy(model) != "selected":
            return
        points = tradeoff_points(records, attack)
        if not points:
            return
        wanted = {points[-1].step, *frontier_steps(points)}  # best is on the frontier
        for step in self.steps():
            if step not in wanted and step < points[-1].step:
                self.path(step).unlink()

    def restored_into(self, model: nn.Module, *, holds: int | None = None) -> Callable[[int], nn.Module]:
        """Step -> `model` with the state after that many updates, loaded unless it holds that state already.

        holds: the step whose state `model` has now; None: none of these.
        """

        def restored(step: int) -> nn.Module:
            nonlocal holds
            if step != holds:
                holds = None  # a load that fails may leave anything
                self.load(model, step)
                holds = step
            return model

        return restored

    def check_space(self, model: nn.Module, evaluated_steps: int) -> None:
        """OSError before training starts if the states and the resume file of the run will not fit on the disk."""
        size = _state_bytes(model)
        policy = self._policy(model)
        kept = {"all": evaluated_steps, "selected": min(evaluated_steps, 8), "none": 0}[policy]
        # A checkpoint has the two moments of AdamW too; the next one is written beside the last and the one before it.
        needed = kept * size + 3 * 3 * size - self._bytes_there()
        free = shutil.disk_usage(self.run_dir).free
        if free < needed:
            raise OSError(
                f"not enough disk for the run's states: {needed / 1e9:.1f} GB needed under {self.run_dir}, "
                f"{free / 1e9:.1f} GB free (states.keep={policy}; selected or none need less)"
            )

    def _bytes_there(self) -> int:
        """How much of that a run that goes on has on the disk already."""
        files = (*(self.run_dir / "states").glob("*"), *self.run_dir.glob("last*.ckpt"))
        return sum(path.stat().st_size for path in files)

    def _policy(self, model: nn.Module) -> str:
        return keep_policy(self.keep, _state_bytes(model))


def _state_bytes(model: nn.Module) -> int:
    return sum(value.numel() * value.element_size() for value in tuned_state(model).values())
