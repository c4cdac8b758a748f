"""Warm starts: what broke images at the states of a run is tried first on later states."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np

from robustft.atomic_write import write_whole
from robustft.attacks.engine.perturbations import KINDS, Perturbations
from robustft.study.plain_file import DamagedFile, plain_bytes
from robustft.study.records.condition import Condition

DIRECTORY = "warm"

_REMEDY = "restore it from a copy, or remove the directory that it is in, and attacks start cold"


class WarmStarts:
    """Files `<run dir>/warm/<condition>/<step>.npz`: the perturbations that were new at that step.

    Most of what breaks a state has broken the one before it, so all files together are little larger than the first.
    Each names the steps whose perturbations its state was attacked with: measured again, it is attacked with the same,
    whatever has been measured since, and a resumed run gives what the unbroken one would.
    """

    def __init__(self, run_dir: Path) -> None:
        self._directory = run_dir / DIRECTORY

    def before(self, condition: Condition, step: int) -> Perturbations | None:
        """What to try first on the state after `step` updates; None if there is nothing."""
        if condition.norm is None:
            return None
        parts = []
        for earlier in self._sources(condition, step):
            file = _read(self._path(condition, earlier))
            parts.append(Perturbations.from_arrays(condition.norm, file["rows"], file["codes"], file["scales"]))
        return Perturbations.together(condition.norm, parts) if parts else None

    def keep(self, condition: Condition, step: int, new: Perturbations) -> None:
        """Writes what broke the state after `step` updates and was not tried first."""
        path = self._path(condition, step)
        arrays = {"sources": np.array(self._sources(condition, step), dtype=np.int64), **new.arrays()}
        content = BytesIO()
        np.savez_compressed(content, allow_pickle=False, **arrays)
        write_whole(path, content.getbuffer())

    def _sources(self, condition: Condition, step: int) -> list[int]:
        """The steps whose perturbations are tried on the state after `step` updates, rising."""
        own = self._path(condition, step)
        if own.is_file():
            return _read(own)["sources"].tolist()
        steps = [int(path.stem) for path in own.parent.glob("*.npz") if path.stem.isdecimal()]
        return sorted(earlier for earlier in steps if earlier < step)

    def _path(self, condition: Condition, step: int) -> Path:
        return self._directory / condition.digest / f"{step}.npz"


def _read(path: Path) -> dict[str, np.ndarray]:
    """The arrays of one file; DamagedFile if they are not what `keep` wrote."""
    try:
        with np.load(BytesIO(plain_bytes(path, _REMEDY)), allow_pickle=False) as file:
            arrays = {name: file[name] for name in ("sources", *KINDS)}
        if arrays["sources"].dtype != np.int64 or arrays["sources"].ndim != 1:
            raise ValueError(f"sources is {arrays['sources'].dtype} of shape {arrays['sources'].shape}")
        Perturbations.from_arrays("linf", arrays["rows"], arrays["codes"], arrays["scales"])  # of any norm
    except DamagedFile:
        raise
    except Exception as error:  # an archive that is damaged fails in every way
        raise DamagedFile(path, f"is not a file of warm starts: {error}", _REMEDY) from error
    return arrays
