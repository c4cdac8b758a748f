"""The parquet files of a split: number and text columns are read whole, images row group by row group."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from robustft.data.cache.content_key import Content
from robustft.data.errors import DataError, listed, one_line
from robustft.data.images.decode import Encoded

_BATCH_ROWS = 256


class ParquetSplit:
    """The rows of all files of a split, in the order of the files' names. Messages start with `origin`."""

    def __init__(self, files: Mapping[str, Path], origin: str) -> None:
        self._files = dict(sorted(files.items()))
        self._origin = origin

    def check_column(self, argument: str, column: str) -> None:
        """Raises DataError, which lists the existing columns, if a file lacks `column`."""
        for name, schema in self._schemas.items():
            if column not in schema.names:
                raise DataError(
                    f"{argument} {column!r} is not in {name} of {self._origin}, which has the columns "
                    f"{listed(schema.names, limit=30)}"
                )

    def values(self, argument: str, column: str, *, text: bool = False) -> np.ndarray:
        """The column over all rows: int64, or str if `text` allows it. Messages start with `argument`."""
        self.check_column(argument, column)
        parts = [self._values(argument, column, name, text=text) for name in self._files]
        if len({part.dtype.kind for part in parts}) > 1:
            raise DataError(f"{argument} {column!r} of {self._origin} holds numbers in some files and text in others")
        return np.concatenate(parts)

    def class_names(self, column: str) -> tuple[str, ...] | None:
        """Names of the numbers in `column` from the hub's metadata; None if there are none."""
        named = {file: names for file, schema in self._schemas.items() if (names := _class_names(schema, column))}
        if len(set(named.values())) > 1:
            raise DataError(f"{self._origin} names the numbers in {column!r} differently in its files")
        return next(iter(named.values()), None)

    def images(self, argument: str, column: str, mask: np.ndarray) -> ParquetImages:
        """The encoded images of the rows where `mask`, bool (rows,), is true; read when iterated over."""
        self.check_column(argument, column)
        for name, schema in self._schemas.items():
            kind = schema.field(column).type
            holds_bytes = pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0
            if not (holds_bytes or _is_binary(kind)):
                raise DataError(
                    f"{argument} {column!r} must hold encoded images (bytes, or bytes and path), but {name} of "
                    f"{self._origin} has {one_line(ValueError(str(kind)), limit=80)}"
                )
        return ParquetImages(files=self._files, origin=self._origin, column=column, mask=mask)

    @cached_property
    def _schemas(self) -> dict[str, pa.Schema]:
        schemas = {}
        for name, path in self._files.items():
            with _open(name, path, self._origin) as file:
                schemas[name] = file.schema_arrow
        return schemas

    def _values(self, argument: str, column: str, name: str, *, text: bool) -> np.ndarray:
        with _open(name, self._files[name], self._origin) as file:
            try:
                values = file.read(columns=[column]).column(column)
            except (OSError, pa.ArrowException) as error:
                raise _unreadable(name, self._origin, error) from error
        where = f"{argument} {column!r} of {self._origin}"
        if pa.types.is_dictionary(values.type):
            values = values.cast(values.type.value_type)
        if values.null_count:
            raise DataError(f"{where} has {values.null_count} empty fields in {name}")
        if pa.types.is_integer(values.type):
            return values.to_numpy().astype(np.int64)
        if text and (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
            return np.array(values.to_pylist(), dtype=str)
        raise DataError(
            f"{where} must hold whole numbers{' or text' if text else ''}, but {name} has "
            f"{one_line(ValueError(str(values.type)), limit=80)}"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class ParquetImages:
    """EncodedImages.items of the rows where `mask`, bool (rows,), is true: (file and row, encoded image) of each."""

    files: Mapping[str, Path]
    origin: str
    column: str
    mask: np.ndarray

    def content(self) -> Content:
        """Identity of the images, for the cache."""
        rows = hashlib.blake2b(np.packbits(self.mask).tobytes(), digest_size=16).hexdigest()
        return Content(files=self.files, choice=f"parquet {self.column!r} {len(self.mask)} {rows}")

    def __iter__(self) -> Iterator[tuple[str, Encoded]]:
        start = 0
        for name, path in self.files.items():
            with _open(name, path, self.origin) as file:
                rows = file.metadata.num_rows
                try:
                    yield from self._of_file(file, name, self.mask[start : start + rows])
                except (OSError, pa.ArrowException) as error:
                    raise _unreadable(name, self.origin, error) from error
            start += rows

    def _of_file(self, file: pq.ParquetFile, name: str, mask: np.ndarray) -> Iterator[tuple[str, Encoded]]:
        row = 0
        for group in range(file.num_row_groups):
            end = row + file.metadata.row_group(group).num_rows
            if not mask[row:end].any():
                row = end
                continue
            for batch in file.iter_batches(_BATCH_ROWS, row_groups=[group], columns=[self.column]):
                column = batch.column(0)
                for index in np.flatnonzero(mask[row : row + len(column)]):
                    where, value = f"{name} row {row + index}", column[int(index)].as_py()
                    encoded = value["bytes"] if isinstance(value, dict) else value
                    if encoded is None and isinstance(value, dict) and value.get("path"):
                        where += f", which has only the path {value['path']!r} of an image"
                    yield where, encoded
                row += len(column)


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _class_names(schema: pa.Schema, column: str) -> tuple[str, ...] | None:
    """Names of a `ClassLabel` from the JSON that the `datasets` library writes into a parquet schema."""
    try:
        feature = json.loads(schema.metadata[b"huggingface"])["info"]["features"][column]
        return tuple(map(str, feature["names"])) or None
    except (KeyError, TypeError, ValueError):
        return None


def _open(name: str, path: Path, origin: str) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(name, origin, error) from error


def _unreadable(name: str, origin: str, error: BaseException) -> DataError:
    return DataError(f"{origin}: {name} cannot be read as parquet: {one_line(error)}")
