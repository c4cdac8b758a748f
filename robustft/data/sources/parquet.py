"""Parquet files in the format of data sets on the Hugging Face hub."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from robustft.checks import whole_number
from robustft.data.dataset_name import config_argument, dataset_name, path_argument, source_argument, text_argument
from robustft.data.domain_shift import check_source, shifted
from robustft.data.encoded import EncodedDataset, EncodedImages
from robustft.data.errors import DataError, listed
from robustft.data.images.decode import SQUASH, resize_argument
from robustft.data.label_numbers import class_numbers, note_on_gaps
from robustft.data.sources.encoded_source import EncodedSource
from robustft.data.sources.hub_snapshot import hub_directory
from robustft.data.sources.parquet_files import files_without_split, find_splits
from robustft.data.sources.parquet_split import ParquetSplit
from robustft.data.split_sizes import SplitSizes, published_sizes

_MOST_CLASSES = 1_000_000


class Parquet(EncodedSource):
    """Training and test parquet files below `path` (parquet_files.py) or, without it, of `hub_id` at `revision`.

    config: the configuration, where there are several (`cropped/train*.parquet`, `full/train*.parquet`)
    image_column: encoded images, as the hub's struct of bytes and path or as plain bytes
    label_column: whole numbers; the number `label_offset` (None: 0) is the first class (1 where a set counts from 1).
        Where classes have no names, only numbers that an image has are classes (label_numbers.py)
    class_name_column: text, the name of the row's class; the same for all rows of a class
    classes: names, in label order; by default from `class_name_column`, else from the hub's metadata in the files, else
        the numbers themselves
    domain_column: whole numbers or text; `source` is then the domain of training and test split, and the test rows of
        every other domain are `ood`
    domains: names of the numbers in `domain_column`; by default from the metadata, else the numbers themselves
    name: by default the base name of `path` or `hub_id`; configuration and source are appended
    resize: how images are made square, one of decode.py's RESIZE
    """

    def __init__(
        self,
        *,
        path: str | Path | None = None,
        hub_id: str | None = None,
        revision: str | None = None,
        config: str | None = None,
        image_column: str = "image",
        label_column: str = "label",
        domain_column: str | None = None,
        source: str | None = None,
        domains: Sequence[str] | None = None,
        classes: Sequence[str] | None = None,
        name: str | None = None,
        label_offset: int | None = None,
        class_name_column: str | None = None,
        resize: str = SQUASH,
    ) -> None:
        self.hub_id = _text_or_none("hub_id", hub_id)
        if path is None and self.hub_id is None:
            raise ValueError("path must be given, or hub_id")
        self.path = None if path is None else path_argument(path)
        self.revision = _text_or_none("revision", revision)
        self.config = config_argument(config)
        self.image_column = text_argument("image_column", image_column)
        self.label_column = text_argument("label_column", label_column)
        self.domain_column = _text_or_none("domain_column", domain_column)
        self.source = source_argument(source)
        self.domains = _names_or_none("domains", domains)
        self.classes = _names_or_none("classes", classes)
        self.label_offset = 0 if label_offset is None else whole_number("label_offset", label_offset, at_least=0)
        self.class_name_column = _text_or_none("class_name_column", class_name_column)
        self.resize = resize_argument(resize)
        for argument, value in (("source", self.source), ("domains", self.domains)):
            if value is not None and self.domain_column is None:
                raise ValueError(f"{argument} must be none without a domain_column, got {value!r}")
        fallback = self.path.name if self.path is not None else str(self.hub_id).rsplit("/", 1)[-1]
        config_name = None if self.config == "." else self.config  # "." is the configuration without a name
        self.name = dataset_name(name, fallback, config_name, self.source)

    def files(self) -> dict[str, Path]:
        train, test = self._files
        self._check_columns()
        return train | test

    def sizes(self) -> SplitSizes | None:
        return published_sizes(self.hub_id, self.source) if self.path is None else super().sizes()

    def encoded(self) -> EncodedDataset:
        self._check_columns()
        classes, _ = self._classes
        train_labels, test_labels = self._labels(self._train), self._labels(self._test)
        if self.domain_column is None:
            train = self._images(self._train, train_labels, np.full(len(train_labels), True))
            test = self._images(self._test, test_labels, np.full(len(test_labels), True))
            return EncodedDataset(
                origin=self._origin, classes=classes, train=train, test=test, ood={}, notes=self._notes()
            )
        domains, train_domains, test_domains = self._domains
        source = check_source(self.source, domains, self._origin)
        return shifted(
            origin=self._origin,
            classes=classes,
            source=source,
            train=self._images(self._train, train_labels, train_domains == domains.index(source)),
            tests={
                domain: self._images(self._test, test_labels, test_domains == number)
                for number, domain in enumerate(domains)
            },
            notes=self._notes(),
        )

    def provenance(self) -> dict[str, str]:
        # A snapshot of the hub is a directory named by its commit.
        return {} if self.path is not None else {"hub_id": str(self.hub_id), "commit": self._root.name}

    @cached_property
    def _root(self) -> Path:
        return self.path if self.path is not None else hub_directory(str(self.hub_id), self.revision, self.config)

    @cached_property
    def _files(self) -> tuple[dict[str, Path], dict[str, Path]]:
        return find_splits(self._root, self.config)

    @property
    def _origin(self) -> str:
        return f"hub_id {self.hub_id}" if self.path is None else f"path {self.path}"

    @cached_property
    def _train(self) -> ParquetSplit:
        return ParquetSplit(self._files[0], self._origin)

    @cached_property
    def _test(self) -> ParquetSplit:
        return ParquetSplit(self._files[1], self._origin)

    def _check_columns(self) -> None:
        for split in (self._train, self._test):
            split.check_column("image_column", self.image_column)
            split.check_column("label_column", self.label_column)
            if self.class_name_column is not None:
                split.check_column("class_name_column", self.class_name_column)
        if self.domain_column is not None:
            check_source(self.source, self._domains[0], self._origin)

    def _images(self, split: ParquetSplit, labels: np.ndarray, mask: np.ndarray) -> EncodedImages:
        return EncodedImages(labels=labels[mask], items=split.images("image_column", self.image_column, mask))

    @cached_property
    def _classes(self) -> tuple[tuple[str, ...], np.ndarray]:
        """(class names, their numbers in `label_column`, ascending)"""
        train, test = (split.values("label_column", self.label_column) for split in (self._train, self._test))
        labels = np.concatenate([train, test])
        by_number = {} if self.classes else self._names_by_number(labels)
        names = self.classes or (None if by_number else self._class_names(self.label_column))
        last = self.label_offset + len(names) - 1 if names else _MOST_CLASSES
        outside = labels[(labels < self.label_offset) | (labels > last)]
        if len(outside):
            raise DataError(
                f"label_column {self.label_column!r} of {self._origin} has {len(outside)} labels outside "
                f"{self.label_offset} (label_offset) to {last}; the first is {outside[0]}"
            )
        if names:
            return names, np.arange(self.label_offset, last + 1)
        numbers = class_numbers(labels, self.label_offset, named=bool(by_number))
        return tuple(by_number.get(number, str(number)) for number in numbers.tolist()), numbers

    def _labels(self, split: ParquetSplit) -> np.ndarray:
        """The label of every row, int64 (rows,): an index into the classes."""
        return np.searchsorted(self._classes[1], split.values("label_column", self.label_column)).astype(np.int64)

    def _notes(self) -> tuple[str, ...]:
        """Notes on gaps between labels and on files that are not read."""
        notes = note_on_gaps(self._classes[1], self.label_offset, f"label_column {self.label_column!r}")
        others = [] if self.path is None else files_without_split(self.path)
        if others:
            notes += (f"parquet files of no split left out: {listed(others, limit=4)}",)
        return notes

    def _names_by_number(self, labels: np.ndarray) -> dict[int, str]:
        """Number -> class name, from `class_name_column`; {} without it. labels: of all rows.

        A name that several classes share gets the number appended.
        """
        column = self.class_name_column
        if column is None or len(labels) == 0 or labels.min() < self.label_offset or labels.max() > _MOST_CLASSES:
            return {}
        parts = [split.values("class_name_column", column, text=True) for split in (self._train, self._test)]
        if {part.dtype.kind for part in parts} != {"U"}:
            raise DataError(f"class_name_column {column!r} of {self._origin} must hold text")
        named: dict[int, str] = {}
        for number, name in np.unique(np.rec.fromarrays([labels, np.concatenate(parts)])).tolist():
            if number in named:
                raise DataError(
                    f"class_name_column {column!r} of {self._origin} names the label {number} both {named[number]!r} "
                    f"and {name!r}"
                )
            named[number] = name
        counts = Counter(named.values())
        return {number: name if counts[name] == 1 else f"{name} ({number})" for number, name in named.items()}

    @cached_property
    def _domains(self) -> tuple[tuple[str, ...], np.ndarray, np.ndarray]:
        """(domain names, index of the domain of every training row, of every test row)"""
        column = str(self.domain_column)
        train, test = (split.values("domain_column", column, text=True) for split in (self._train, self._test))
        if train.dtype.kind != test.dtype.kind:
            raise DataError(f"domain_column {column!r} of {self._origin} holds numbers in one split, text in the other")
        present = np.unique(np.concatenate([train, test])).tolist()
        names = self.domains or self._class_names(column)
        if train.dtype.kind == "U":
            names = names or tuple(present)
            unnamed = [value for value in present if value not in names]
            keys: list[Any] = sorted(names)
            index_of_key = np.array([names.index(key) for key in keys], dtype=np.int64)
        else:
            unnamed = [str(value) for value in present if names and not 0 <= value < len(names)]
            keys = list(range(len(names))) if names else present
            names = names or tuple(map(str, present))
            index_of_key = np.arange(len(keys))
        if unnamed:
            raise DataError(
                f"domain_column {column!r} of {self._origin} has {listed(unnamed)}, "
                f"but only these domains are named: {listed(names)}"
            )
        return names, index_of_key[np.searchsorted(keys, train)], index_of_key[np.searchsorted(keys, test)]

    def _class_names(self, column: str) -> tuple[str, ...] | None:
        train, test = self._train.class_names(column), self._test.class_names(column)
        if train and test and train != test:
            raise DataError(f"{self._origin} names the numbers in {column!r} differently in training and test files")
        return train or test


def _text_or_none(name: str, value: Any) -> str | None:
    return None if value is None else text_argument(name, value)


def _names_or_none(name: str, value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    names = tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else ()
    if not names or len(set(names)) < len(names) or not all(isinstance(entry, str) and entry for entry in names):
        raise ValueError(f"{name} must be a list of different names, got {value!r}")
    return names
