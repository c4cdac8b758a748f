"""The door of the cache: the pixels of a split, decoded once into a memory-mapped file that every later run opens.

An entry is `images/<key>/` in the cache's directory (cache_directory.py): `pixels.uint8`, the images one after the
other as in `Images.pixels`; `labels.npy`; and `index.json` with a CRC-32 for every chunk of some megabytes. The key is
a hash of everything that decides the pixels: the content of the files and which images of them, the labels, resolution,
resize mode, and the versions of this decoder, of Pillow and of its JPEG library. An entry is never changed.

- It is built beside its place, in `images/<key>.building/`, which only its user can write to (own_files.py), and
  renamed when it is complete. The system writes the pixels to disk in its own time: after a power failure the checksums
  detect what is missing. A killed build is resumed; build_lock.py coordinates jobs that start at once.
- It is read and compared with its checksums whenever it is opened (about 5 GB/s per processor from the page cache,
  which also warms it for a run's first epoch). A damaged entry is built again.
- Splits under 1 MiB of pixels are decoded by every run: that takes no longer than starting the processes.

The cache deletes nothing on its own; everything in it can be made again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
import PIL
from PIL import features

from robustft.data.cache.build import PIXELS, build_pixels, delete_journal, synchronise, written_bytes
from robustft.data.cache.build_lock import LockStatus, build_lock
from robustft.data.cache.cache_directory import cache_directory, check_space, ensure_writable, gigabytes, not_writable
from robustft.data.cache.chunk_layout import ChunkLayout
from robustft.data.cache.content_key import content_of
from robustft.data.cache.decoding_worker import DecoderPool, decoder_pool
from robustft.data.dataset import Images
from robustft.data.errors import CacheError, DataError
from robustft.data.images.decode import DECODER_VERSION, Encoded, decode_all
from robustft.data.own_files import inherit_permissions, private_directory
from robustft.data.threads import thread_count
from robustft.lease import guard

FORMAT = 1
"""Of an entry; part of the key."""

IN_MEMORY_BYTES = 1 << 20
"""A split with fewer bytes of pixels is decoded by every run."""

_INDEX = "index.json"
_LABELS = "labels.npy"
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, kw_only=True, eq=False)
class CachedSplit:
    """A split and its entry in the cache, which may have to be built.

    items: (name for messages, encoded image) for every image, in order
    labels: int64 (N,)
    resolution: height and width in pixels
    resize: how images are made square, one of decode.py's RESIZE
    what: starts messages
    """

    items: Iterable[tuple[str, Encoded]]
    labels: np.ndarray
    resolution: int
    resize: str
    what: str

    @property
    def in_memory(self) -> bool:
        """Whether the split is too small for an entry and is decoded by every run."""
        return self._layout.total_bytes < IN_MEMORY_BYTES

    @cached_property
    def directory(self) -> Path:
        """Where the entry is or will be. Reads the files of the split unless their fingerprint is cached."""
        return cache_directory() / "images" / self._key

    @cached_property
    def is_there(self) -> bool:
        """Whether the entry exists; it may be damaged."""
        return (self.directory / _INDEX).exists()

    @property
    def missing_bytes(self) -> int:
        """Disk space that the build will still take."""
        if self.in_memory or self.is_there:
            return 0
        return max(0, self._layout.total_bytes - written_bytes(self._building))

    def images(self, decoders: DecoderPool) -> Images:
        """The decoded images, built if they are missing or damaged. Raises DataError, CacheError and LeaseLost."""
        if self.in_memory:
            pixels = decode_all(self.items, self.resolution, resize=self.resize, what=self.what, count=len(self.labels))
            return Images(pixels=pixels, labels=self.labels)
        built_here = False
        while True:
            before = self._published()
            try:
                if before is not None:
                    return self._open(built_here=built_here)
            except _Damaged as damage:
                message = f"robustft: {self.what}: the cache entry {self.directory} {damage}; it is built again"
                print(message, file=sys.stderr, flush=True)
            except FileNotFoundError:
                continue  # another process is replacing it
            built_here = self._build(before, decoders)

    @cached_property
    def _layout(self) -> ChunkLayout:
        return ChunkLayout(len(self.labels), self.resolution)

    @cached_property
    def _content_and_stamp(self) -> tuple[str, str]:
        content = content_of(self.items)
        stamp = content.stamp()
        return content.fingerprint(), stamp

    @cached_property
    def _key(self) -> str:
        identity = {
            "format": FORMAT,
            "content": self._content_and_stamp[0],
            "labels": hashlib.blake2b(self.labels.tobytes(), digest_size=16).hexdigest(),
            "count": len(self.labels),
            "resolution": self.resolution,
            "resize": self.resize,
            "decoder": [DECODER_VERSION, PIL.__version__, features.version("jpg"), features.version("libjpeg_turbo")],
        }
        return hashlib.blake2b(json.dumps(identity, sort_keys=True).encode(), digest_size=16).hexdigest()

    @property
    def _building(self) -> Path:
        return self.directory.with_name(f"{self._key}.building")

    def _published(self) -> tuple[int, int] | None:
        """(inode, time) of the published entry, which differ after it is rebuilt; None: there is none."""
        try:
            status = (self.directory / _INDEX).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise not_writable(error) from error
        return status.st_ino, status.st_mtime_ns

    def _open(self, *, built_here: bool = False) -> Images:
        """The images of the entry, verified against its checksums unless this process has just `built_here`.

        Raises _Damaged if they differ and FileNotFoundError if there is no entry.
        """
        layout = self._layout
        try:
            index = json.loads((self.directory / _INDEX).read_text(encoding="utf-8"))
            checksums = index["checksums"]
            matches = (index["key"], index["count"], index["resolution"]) == (
                self._key,
                layout.count,
                layout.resolution,
            )
            labels = np.load(self.directory / _LABELS, allow_pickle=False)
        except FileNotFoundError:
            raise
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise _Damaged("cannot be read") from error
        if not matches or len(checksums) != layout.chunks or not np.array_equal(labels, self.labels):
            raise _Damaged("has another index or other labels than were written")
        with (self.directory / PIXELS).open("rb") as file, ThreadPoolExecutor(thread_count()) as threads:
            try:
                if os.fstat(file.fileno()).st_size != layout.total_bytes:
                    raise _Damaged("has another size than was written")
                chunks = range(0 if built_here else layout.chunks)
                actual = threads.map(lambda chunk: layout.checksum(file.fileno(), chunk), chunks)
                wrong = sum(value != checksums[chunk] for chunk, value in zip(chunks, actual, strict=True))
            except OSError as error:
                raise _Damaged("cannot be read") from error
            if wrong:
                raise _Damaged(f"was changed on disk ({wrong} of {layout.chunks} checksums differ)")
            shape = (layout.count, 3, layout.resolution, layout.resolution)
            pixels = np.memmap(file, dtype=np.uint8, mode="r", shape=shape)
            return Images(pixels=pixels, labels=self.labels)

    def _build(self, before: tuple[int, int] | None, decoders: DecoderPool) -> bool:
        """Builds and publishes the entry; False if another process did: then the published entry is not `before`."""

        def is_built() -> bool:
            return self._published() not in (None, before)

        ensure_writable(self.directory.parent)
        locks = ensure_writable(cache_directory() / "locks")
        with (
            _disk_errors(self.what, self._layout.total_bytes),
            build_lock(locks / f"{self._key}.lease", self._building, self.what, is_built=is_built) as status,
        ):
            if status is LockStatus.SUPERSEDED:
                decoders.progress.update(self._layout.count)
                return False
            building = self._building
            if status is LockStatus.UNSUPPORTED:
                building = building.with_name(f"{building.name}-{uuid4().hex[:8]}")
            building = private_directory(building)
            try:
                self._fill(building, decoders)
            except BaseException as error:
                guard(building)  # if another process took over meanwhile, that is why, and the directory is not ours
                # After a DataError the files must change, and with them the key.
                if status is LockStatus.UNSUPPORTED or isinstance(error, DataError):
                    shutil.rmtree(building, ignore_errors=True)
                raise
            return self._publish(building, is_built)

    def _fill(self, building: Path, decoders: DecoderPool) -> None:
        """Writes all files of the entry to the directory `building`."""
        checksums = build_pixels(
            building, self._layout, self.items, resize=self.resize, what=self.what, decoders=decoders
        )
        if content_of(self.items).stamp() != self._content_and_stamp[1]:
            raise DataError(f"{self.what}: the files changed while they were read")
        labels = BytesIO()  # a full disk makes np.save raise an error without a reason
        np.save(labels, self.labels, allow_pickle=False)
        (building / _LABELS).write_bytes(labels.getbuffer())
        index: dict[str, Any] = {
            "key": self._key,
            "what": self.what,
            "count": self._layout.count,
            "resolution": self.resolution,
            "resize": self.resize,
            "checksums": checksums,
        }
        (building / _INDEX).write_text(json.dumps(index), encoding="utf-8")
        delete_journal(building)
        inherit_permissions(building)
        synchronise(building)

    def _publish(self, building: Path, is_built: Callable[[], bool]) -> bool:
        """Renames the entry to its place, unless another process was faster (False)."""
        guard(building)
        published = False
        old = self.directory.with_name(f"{self._key}.old-{uuid4().hex[:8]}")
        if not is_built():
            with suppress(FileNotFoundError):
                os.rename(self.directory, old)
            try:
                os.rename(building, self.directory)
                published = True
            except OSError:
                if not is_built():
                    raise
        parent = os.open(self.directory.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
        for leftover in (old, building):
            if leftover.is_symlink():
                leftover.unlink()
            shutil.rmtree(leftover, ignore_errors=True)
        return published


class _Damaged(Exception):
    """An entry is not what was written; the text follows its path in the message."""


def decode_splits(splits: Sequence[CachedSplit], what: str) -> list[Images]:
    """The images of `splits`, of which those missing in the cache are decoded first; `what` is the data set's origin.

    Raises CacheError if the disk has no room for them, before anything is decoded, and DataError.
    """
    needed = sum(split.missing_bytes for split in splits)
    if needed:
        check_space(needed, f"the decoded images of {what}")
    missing = sum(len(split.labels) for split in splits if not split.in_memory and not split.is_there)
    with decoder_pool(what, missing) as decoders:
        return [split.images(decoders) for split in splits]


@contextmanager
def _disk_errors(what: str, size: int) -> Iterator[None]:
    """Turns the error of a disk that is full or cannot be written into a CacheError of one line."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise CacheError(
                f"ROBUSTFT_CACHE: the disk of {cache_directory()} is full; {what} takes {gigabytes(size)}; make room "
                "and start again, which resumes, or set ROBUSTFT_CACHE=DIR on another disk"
            ) from error
        raise not_writable(error) from error
