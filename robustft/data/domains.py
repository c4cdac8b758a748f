"""A set with domains in either form: parquet files with a domain column, or folders per domain."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

from robustft.data.dataset import Dataset
from robustft.data.directory import entries, existing_directory
from robustft.data.domain_folder import DomainFolder
from robustft.data.errors import DataNotFound
from robustft.data.image_tree import SPLITS
from robustft.data.naming import path_argument
from robustft.data.parquet import Parquet
from robustft.data.parquet_files import LAYOUT, has_parquet
from robustft.data.source import Source


class Domains(Source):
    """`path` with `SPLIT/DOMAIN/CLASS/*` (DomainFolder) or with parquet files (Parquet): train on `source`.

    The columns are for parquet files only.
    """

    def __init__(
        self,
        *,
        path: str | Path,
        source: str | None,
        name: str | None = None,
        image_column: str = "image",
        label_column: str = "label",
        domain_column: str = "domain",
    ) -> None:
        self.path = path_argument(path)
        self._folder = DomainFolder(path=path, source=source, name=name)
        self._parquet = Parquet(
            path=path,
            source=source,
            name=name,
            image_column=image_column,
            label_column=label_column,
            domain_column=domain_column,
        )
        self.name = self._folder.name

    def files(self) -> dict[str, Path]:
        return self._form.files()

    def load(self, resolution: int) -> Dataset:
        return self._form.load(resolution)

    @cached_property
    def _form(self) -> Source:
        root = existing_directory(self.path)
        if self._has_domain_folders(root):
            return self._folder
        if has_parquet(root):
            return self._parquet
        raise DataNotFound(
            f"path {root} has no images with domains: looked for parquet files {LAYOUT} and for SPLIT/DOMAIN/CLASS/*"
        )

    @staticmethod
    def _has_domain_folders(root: Path) -> bool:
        """Whether there is a directory three levels down, where parquet files and plain image folders have none."""
        return any(
            entries(root / split / domain)[0]
            for split in SPLITS
            if (root / split).is_dir()
            for domain in entries(root / split)[0]
        )
