"""A published data set in any of the supported forms on the disk, or from the hub."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from robustft.data.archives.archive import Archive
from robustft.data.directory_listing import entries, existing_directory
from robustft.data.encoded import EncodedDataset
from robustft.data.errors import DataError, DataNotFound, listed
from robustft.data.sources import domain_folder, folder, parquet_files
from robustft.data.sources.domain_folder import DomainFolder
from robustft.data.sources.encoded_source import EncodedSource
from robustft.data.sources.folder import Folder
from robustft.data.sources.image_tree import has_images
from robustft.data.sources.parquet import Parquet


class Published(Parquet):
    """A data set below `path`, or of `hub_id`. The directory `path` may have one of these forms, tried in this order:

    - the authors' own `archive`, if the data set has one that can be read (Archive)
    - image folders: SPLIT/CLASS/* (Folder), or with a `domain_column` SPLIT/DOMAIN/CLASS/* (DomainFolder)
    - parquet files as on the hub; the other arguments are those of Parquet

    A set with a `domain_column` has domains in every form, and trains on `source`.
    """

    def __init__(self, *, archive: Archive | None = None, **parquet: Any) -> None:
        super().__init__(**parquet)
        if archive is not None and not isinstance(archive, Archive):
            raise ValueError(f"archive must be null or an archive with its _target_, got {archive!r}")
        self.archive = archive
        # Without the source, which DomainFolder appends itself.
        self._plain_name = parquet.get("name")

    def files(self) -> dict[str, Path]:
        return super().files() if self._other_form is None else self._other_form.files()

    def encoded(self) -> EncodedDataset:
        return super().encoded() if self._other_form is None else self._other_form.encoded()

    @cached_property
    def _other_form(self) -> EncodedSource | None:
        """The source that reads `path`; None if it has parquet files, or if there is no path."""
        if self.path is None:
            return None
        root = existing_directory(self.path)
        form = self._form_in(root)
        if self.config is not None and form is not None:
            raise DataError(f"config must be null where {root} holds no parquet files; got {self.config!r}")
        return form

    def _form_in(self, root: Path) -> EncodedSource | None:
        if self.archive is not None and (archive_root := self.archive.root_in(root)) is not None:
            return _UnpackedArchive(self.archive, archive_root, source=self.source, name=self.name, resize=self.resize)
        has_domains = self.domain_column is not None
        if has_images(root, domains=has_domains):
            arguments: dict[str, Any] = {"path": root, "name": self._plain_name, "resize": self.resize}
            return DomainFolder(**arguments, source=self.source) if has_domains else Folder(**arguments)
        if parquet_files.has_parquet(root):
            return None
        directories, files = entries(root)
        content = listed([f"{directory}/" for directory in directories] + files, limit=4)
        raise DataNotFound(f"path {root} holds none of {'; '.join(self._layouts())}; found {content or 'nothing'}")

    def _layouts(self) -> list[str]:
        """The accepted forms, for an error message."""
        archive = [] if self.archive is None else [f"the original archive {self.archive.layout}"]
        folders = domain_folder.LAYOUT if self.domain_column is not None else folder.LAYOUT
        return [*archive, f"image folders {folders} (SPLIT is train or test)", f"parquet files {parquet_files.LAYOUT}"]


class _UnpackedArchive(EncodedSource):
    """The unpacked archive in the directory `root`."""

    def __init__(self, archive: Archive, root: Path, *, source: str | None, name: str, resize: str) -> None:
        self._archive = archive
        self._root = root
        self._source = source
        self.name = name
        self.resize = resize

    def files(self) -> dict[str, Path]:
        return self._archive.files(self._root, self._source)

    def encoded(self) -> EncodedDataset:
        self.files()  # raises for missing files before anything is read
        return self._archive.read(self._root, self._source)
