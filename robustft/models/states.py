"""The states of a run: trainable parameters and persistent buffers, at all evaluated steps or the selected ones."""

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
from robustft.study.records.record import Record
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
        """The file of the state after `step` updates."""
        return state_path(self.run_dir / "states", step)

    def steps(self) -> list[int]:
        """The steps whose state is on disk, ascending."""
        return kept_steps(self.run_dir / "states")

    def save(self, model: nn.Module, step: int) -> None:
        """Writes the state, unless `keep` is `none`."""
        if self.keep != "none":
            path = self.path(step)
            path.parent.mkdir(parents=True, exist_ok=True)
            save_tuned(model, path)

    def load(self, model: nn.Module, step: int) -> None:
        """Loads the state after `step` updates into `model`.

        Raises:
            MissingFile: if the state is not on disk.
            DamagedFile: if its file is damaged or of another model.
        """
        if not self.path(step).is_file():
            steps = ", ".join(map(str, self.steps())) or "none"
            raise MissingFile("states", f"must be the step of a kept state ({steps}), best or last; got {step}")
        try:
            load_tuned(model, self.path(step))
        except ValueError as error:
            raise DamagedFile("", error, "restore it from a copy") from error

    def prune(self, model: nn.Module, records: Sequence[Record], *, attack: str) -> None:
        """Deletes the states that `keep` does not select, by the records so far; `attack` is the main attack's name.

        Can run during training: a point that is dominated once stays so.
        """
        if self._policy(model) != "selected":
            return
        points = tradeoff_points(records, attack)
        if not points:
            return
        selected = {points[-1].step, *frontier_steps(points)}  # best is on the frontier
        for step in self.steps():
            if step not in selected and step < points[-1].step:
                self.path(step).unlink()

    def restored_into(self, model: nn.Module, *, holds: int | None = None) -> Callable[[int], nn.Module]:
        """A function: step -> `model` with the state of that step, which is loaded unless `model` has it already.

        holds: the step whose state `model` has now; None: unknown.
        """

        def restored(step: int) -> nn.Module:
            nonlocal holds
            if step != holds:
                holds = None  # after a failed load the state is unknown
                self.load(model, step)
                holds = step
            return model

        return restored

    def check_space(self, model: nn.Module, evaluated_steps: int, *, checkpoint: int = 3) -> None:
        """Raises OSError if the states and checkpoints of the run will not fit on the disk; before training starts.

        checkpoint: size of a checkpoint, in states: the model's own and AdamW's two moments, or more.
        """
        size = _state_bytes(model)
        policy = self._policy(model)
        count = {"all": evaluated_steps, "selected": min(evaluated_steps, 8), "none": 0}[policy]
        # A new checkpoint is written while the last two still exist.
        needed = count * size + 3 * checkpoint * size - self._bytes_on_disk()
        free = shutil.disk_usage(self.run_dir).free
        if free < needed:
            raise OSError(
                f"not enough disk for the run's states: {needed / 1e9:.1f} GB needed under {self.run_dir}, "
                f"{free / 1e9:.1f} GB free (states.keep={policy}; selected or none need less)"
            )

    def _bytes_on_disk(self) -> int:
        """Size of the states and checkpoints that a resumed run has already."""
        files = (*(self.run_dir / "states").glob("*"), *self.run_dir.glob("last*.ckpt"))
        return sum(path.stat().st_size for path in files)

    def _policy(self, model: nn.Module) -> str:
        return keep_policy(self.keep, _state_bytes(model))


def _state_bytes(model: nn.Module) -> int:
    return sum(value.numel() * value.element_size() for value in tuned_state(model).values())
