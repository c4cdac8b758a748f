"""Finished blocks on disk: what an evaluation that was interrupted need not make again."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from robustft import checks
from robustft.atomic_write import write_whole
from robustft.attacks.engine.perturbations import KINDS, Perturbations
from robustft.attacks.engine.search import SearchResult
from robustft.attacks.threat_model import NORMS
from robustft.canonical_hash import canonical_hash
from robustft.study.plain_file import DamagedFile, MissingFile, plain_bytes, plain_json
from robustft.study.records.condition import Condition

DIRECTORY = "blocks"

_BYTES_PER_IMAGE = 1 << 20
"""More than a compressed perturbation of an image has."""

_PREDICTIONS = {"predicted": np.int64, "confidence": np.float32}
"""Of images without an attack."""

_REMEDY = "these images are measured again"

_log = logging.getLogger(__name__)


class BlockFiles:
    """Files `<run dir>/blocks/<record key>-<origin>/<first>-<last>.npz`, named by the rows of their images.

    A block of another origin, such as another kind of device, lies beside: a run that goes back and forth between two
    kinds of machines gets on on each of them.

    run_dir, step: of the model that is measured.
    """

    def __init__(self, run_dir: Path, step: int) -> None:
        self._directory = run_dir / DIRECTORY
        self._step = step

    def finished(self, condition: Condition, origin: Sequence[str]) -> MeasurementFiles:
        """The finished blocks of one measurement; origin: what decides its numbers beside condition and step."""
        name = f"{condition.key(self._step)}-{canonical_hash(list(origin), characters=16)}"
        return MeasurementFiles(self._directory / name)

    def remove(self, conditions: Iterable[Condition]) -> None:
        """Deletes the blocks of measurements that are on record, and nothing that is not there."""
        if not self._directory.is_dir():
            return
        for condition in conditions:
            for directory in self._directory.glob(f"{condition.key(self._step)}-*"):
                shutil.rmtree(directory, ignore_errors=True)  # what stays does no harm
        with suppress(OSError):  # there are blocks of others
            self._directory.rmdir()


class MeasurementFiles:
    """The finished blocks of one measurement.

    >>> blocks = MeasurementFiles(Path("run/blocks/5e77145ac0ffee00-cpu"))
    >>> rows = torch.tensor([3, 5])
    >>> blocks.keep(rows, SearchResult(broken=torch.tensor([True, False]), forward_passes=7), seconds=0.5)
    >>> result, seconds = blocks.of(rows)
    >>> result.broken, result.forward_passes, seconds
    (tensor([ True, False]), 7, 0.5)
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def of(self, rows: Tensor) -> tuple[SearchResult, float] | None:
        """The result for the images at `rows` (n,) and its seconds; None, with a warning, also if it is damaged."""
        path = self._path(rows)
        try:
            content = plain_bytes(path, _REMEDY, at_most=(len(rows) + 1) * _BYTES_PER_IMAGE)
            return _read(path, content, rows)
        except MissingFile:
            return None
        except DamagedFile as error:
            _log.warning("%s", error)
            return None

    def keep(self, rows: Tensor, result: SearchResult, seconds: float) -> None:
        """Writes a result; OSError if it cannot."""
        facts = {
            "forward_passes": result.forward_passes,
            "backward_passes": result.backward_passes,
            "seconds": seconds,
            "by_part": list(result.by_part.items()),
            "notes": list(result.notes),
            "norm": None if result.perturbations is None else result.perturbations.norm,
        }
        arrays = {"images": rows.numpy(), "broken": result.broken.numpy(), "facts": np.array(json.dumps(facts))}
        if result.perturbations is not None:
            arrays |= result.perturbations.arrays()
        if result.predicted is not None and result.confidence is not None:
            arrays |= {"predicted": result.predicted.numpy(), "confidence": result.confidence.numpy()}
        content = BytesIO()
        np.savez(content, allow_pickle=False, **arrays)
        try:
            write_whole(self._path(rows), content.getbuffer())
        except FileNotFoundError:  # the first of several processes has just removed the empty directory
            write_whole(self._path(rows), content.getbuffer())

    def _path(self, rows: Tensor) -> Path:
        first, last = (int(rows[0]), int(rows[-1])) if len(rows) else (0, 0)
        return self._directory / f"{first}-{last}.npz"


def _read(path: Path, content: bytes, rows: Tensor) -> tuple[SearchResult, float] | None:
    """What `keep` wrote; None if it is of other images."""
    try:
        with np.load(BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if not np.array_equal(arrays["images"], rows.numpy()):
            return None
        if arrays["broken"].dtype != np.bool_ or arrays["broken"].shape != (len(rows),):
            raise ValueError(f"broken is {arrays['broken'].dtype} of shape {arrays['broken'].shape}")
        for kind, type_ in _PREDICTIONS.items():
            if kind in arrays and (arrays[kind].dtype != type_ or arrays[kind].shape != (len(rows),)):
                raise ValueError(f"{kind} is {arrays[kind].dtype} of shape {arrays[kind].shape}")
        facts = plain_json(str(arrays["facts"][()]))
        norm = checks.optional(checks.one_of, "norm", facts["norm"], allowed=NORMS)
        result = SearchResult(
            broken=torch.from_numpy(arrays["broken"]),
            forward_passes=checks.whole_number("forward_passes", facts["forward_passes"], at_least=0),
            backward_passes=checks.whole_number("backward_passes", facts["backward_passes"], at_least=0),
            by_part={str(name): checks.whole_number(name, count, at_least=0) for name, count in facts["by_part"]},
            perturbations=None if norm is None else Perturbations.from_arrays(norm, *(arrays[name] for name in KINDS)),
            notes=tuple(map(str, facts["notes"])),
            **{kind: torch.from_numpy(arrays[kind]) for kind in _PREDICTIONS if kind in arrays},
        )
        return result, checks.number("seconds", facts["seconds"], at_least=0)
    except Exception as error:  # an archive that is damaged fails in every way
        raise DamagedFile(path, f"is not a finished block: {error}", _REMEDY) from error
