"""Reading CIFAR's "Python version", pickles of plain containers and uint8 arrays, without executing them.

A pickle can call anything that can be imported. This reader imports nothing: the names that these files use map to
stand-ins that only record their arguments, and any other name is an error.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from robustft.data.errors import DataError, one_line


def read_pickle(file: Path) -> dict[str, Any]:
    """The dictionary in `file`: keys as str, text as bytes, arrays as uint8. Raises DataError for anything else."""
    try:
        with file.open("rb") as handle:
            content = _Reader(handle, encoding="bytes").load()
    except MemoryError:
        raise
    except Exception as error:  # a truncated or malicious pickle can raise anything
        raise DataError(f"path {file} cannot be read as a CIFAR batch: {one_line(error)}") from error
    if not isinstance(content, dict):
        raise DataError(f"path {file} must hold a dictionary, got {type(content).__name__}")
    return {
        key.decode("latin1") if isinstance(key, bytes) else str(key): _plain(value, file)
        for key, value in content.items()
    }


class _Dtype:
    """Stand-in for numpy.dtype: records its code."""

    def __init__(self, code: Any = None, *_: Any) -> None:
        self.code = code

    def __setstate__(self, state: Any) -> None:
        pass  # byte order and flags, meaningless for one byte


class _Array:
    """Stand-in for numpy.ndarray: records shape, dtype and raw content."""

    state: tuple[Any, ...] = ()

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self.state = state


def _new_array(*_: Any) -> _Array:
    return _Array()


def _encode(text: str, encoding: str) -> bytes:
    """Stand-in for _codecs.encode, by which Python 3 writes bytes into old pickle protocols."""
    if encoding != "latin1":
        raise pickle.UnpicklingError("text in another encoding than latin1")
    return text.encode("latin1")


_STAND_INS: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): _new_array,
    ("numpy._core.multiarray", "_reconstruct"): _new_array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _encode,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no CIFAR batch holds")
        return _STAND_INS[module, name]


def _plain(value: Any, file: Path) -> Any:
    """`value`, or the array that it stands for."""
    if not isinstance(value, _Array):
        return value
    try:
        _, shape, dtype, by_column, content = value.state
        if dtype.code not in ("u1", b"u1") or by_column or not isinstance(content, bytes):
            raise ValueError("an array that is not of uint8, row by row")
        return np.frombuffer(content, dtype=np.uint8).reshape(shape)
    except (AttributeError, TypeError, ValueError) as error:
        raise DataError(f"path {file} cannot be read as a CIFAR batch: {one_line(error)}") from error
