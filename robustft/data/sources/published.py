"""A data set in whichever form it lies on the disk, or from the hub: the one place that looks which form it is."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from robustft.data.archives.archive import Archive
from robustft.data.dataset import Dataset
from robustft.data.directory_listing import entries, existing_directory
from robustft.data.errors import DataError, DataNotFound, listed
from robustft.data.images.decode import SQUASH
from robustft.data.source import Source
from robustft.data.sources import domain_folder, folder, parquet_files
from robustft.data.sources.image_tree import has_images
from robustft.data.sources.parquet import Parquet


class Published(Source):
    """`path` if it is given, else `hub_id`. In the directory `path` these are looked for, in this order:

    - the original `archive`, if the data set has one that can be read (Archive)
    - image folders: SPLIT/CLASS/* (Folder), or with a `domain_column` SPLIT/DOMAIN/CLASS/* (DomainFolder)
    - parquet files as on the hub (Parquet), which also says what the other arguments mean; they are for this form

    A set with a `domain_column` has domains in every form, and trains on `source`.
    """

    def __init__(
        self,
        *,
        path: str | Path | None = None,
        archive: Archive | None = None,
        hub_id: str | None = None,
        revision: str | None = None,
        config: str | None = None,
        image_column: str = "image",
        label_column: str = "label",
        label_offset: int = 0,
        class_name_column: str | None = None,
        classes: Sequence[str] | None = None,
        domain_column: str | None = None,
        domains: Sequence[str] | None = None,
        source: str | None = None,
        name: str | None = None,
        resize: str = SQUASH,
    ) -> None:
        if archive is not None and not isinstance(archive, Archive):
            raise ValueError(f"archive must be null or an archive with its _target_, got {archive!r}")
        self._archive = archive
        self._parquet = Parquet(
            path=path,
            hub_id=hub_id,
            revision=revision,
            config=config,
            image_column=image_column,
            label_column=label_column,
            label_offset=label_offset,
            class_name_column=class_name_column,
            classes=classes,
            domain_column=domain_column,
            domains=domains,
            source=source,
            name=name,
            resize=resize,
        )
        self.path, self.source, self.resize = self._parquet.path, self._parquet.source, self._parquet.resize
        self.name = self._parquet.name
        # A folder's own name would have the source behind it once more.
        self._in_folder: dict[str, Any] = {"path": path, "name": name, "resize": resize}
        self._has_domains = domain_column is not None

    def files(self) -> dict[str, Path]:
        return self._form.files()

    def load(self, resolution: int) -> Dataset:
        return self._form.load(resolution)

    def provenance(self) -> dict[str, str]:
        return self._form.provenance()

    @cached_property
    def _form(self) -> Source:
        if self.path is None:
            return self._parquet
        root = existing_directory(self.path)
        form = self._form_in(root)
        if self._parquet.config is not None and form is not self._parquet:
            raise DataError(f"config must be null where {root} holds no parquet files; got {self._parquet.config!r}")
        return form

    def _form_in(self, root: Path) -> Source:
        if self._archive is not None and (lies := self._archive.root_in(root)) is not None:
            return _Unpacked(self._archive, lies, source=self.source, name=self.name, resize=self.resize)
        if has_images(root, domains=self._has_domains):
            if self._has_domains:
                return domain_folder.DomainFolder(**self._in_folder, source=self.source)
            return folder.Folder(**self._in_folder)
        if parquet_files.has_parquet(root):
            return self._parquet
        directories, files = entries(root)
        there = listed([f"{directory}/" for directory in directories] + files, limit=4)
        raise DataNotFound(f"path {root} holds none of {'; '.join(self._layouts())}; found {there or 'nothing'}")

    def _layouts(self) -> list[str]:
        """What is looked for, for a message."""
        archive = [] if self._archive is None else [f"the original archive {self._archive.layout}"]
        folders = domain_folder.LAYOUT if self._has_domains else folder.LAYOUT
        return [*archive, f"image folders {folders} (SPLIT is train or test)", f"parquet files {parquet_files.LAYOUT}"]


class _Unpacked(Source):
    """An archive that was found."""

    def __init__(self, archive: Archive, root: Path, *, source: str | None, name: str, resize: str) -> None:
        self._archive = archive
        self._root = root
        self._source = source
        self.name = name
        self.resize = resize

    def files(self) -> dict[str, Path]:
        return self._archive.files(self._root, self._source)

    def load(self, resolution: int) -> Dataset:
        self.files()  # what is missing is said first
        return self._archive.read(self._root, self._source).decode(resolution, self.resize)
