"""What broke images at the states of a run, kept so that attacks on later states can try it first."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from robustft.attacks.perturbations import Perturbations
from robustft.canonical_hash import canonical_hash
from robustft.evaluation.measurement import Condition
from robustft.study.whole_file import written_whole

DIRECTORY = "warm"


class WarmStarts:
    """Files `<run dir>/warm/<condition>/<step>.npz`: the perturbations that were new at that step.

    Most of what breaks a state has broken the one before it, so all files together are little larger than the first.
    Each names the steps whose perturbations its state was attacked with: measured again, it is attacked with the same,
    whatever has been measured since, and a run that was cut off goes on as if it had not been.
    """

    def __init__(self, run_dir: Path) -> None:
        self._directory = run_dir / DIRECTORY

    def before(self, condition: Condition, step: int) -> Perturbations | None:
        """What to try first on the state after `step` updates; None if there is nothing."""
        if condition.norm is None:
            return None
        parts = []
        for earlier in self._sources(condition, step):
            with np.load(self._path(condition, earlier), allow_pickle=False) as file:
                arrays = (file["rows"], file["codes"], file["scales"])
            parts.append(Perturbations.from_arrays(condition.norm, *arrays))
        return Perturbations.together(condition.norm, parts) if parts else None

    def keep(self, condition: Condition, step: int, new: Perturbations) -> None:
        """Writes what broke the state after `step` updates and was not tried first."""
        path = self._path(condition, step)
        arrays = {"sources": np.array(self._sources(condition, step), dtype=np.int64), **new.arrays()}
        with written_whole(path) as temporary, temporary.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    def _sources(self, condition: Condition, step: int) -> list[int]:
        """The steps whose perturbations are tried on the state after `step` updates, rising."""
        own = self._path(condition, step)
        if own.is_file():
            with np.load(own, allow_pickle=False) as file:
                return [int(earlier) for earlier in file["sources"]]
        return sorted(int(path.stem) for path in own.parent.glob("[0-9]*.npz") if int(path.stem) < step)

    def _path(self, condition: Condition, step: int) -> Path:
        return self._directory / canonical_hash(asdict(condition), characters=16) / f"{step}.npz"
