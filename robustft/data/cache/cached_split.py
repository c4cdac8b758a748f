"""Decoded once: the pixels of a split in a memory-mapped file that every later run opens.

An entry is `images/<key>/` in the cache's directory (cache_directory.py): `pixels.uint8`, the images one after the
other as in `Images.pixels`; `labels.npy`; and `index.json` with a CRC-32 for every chunk of some megabytes. The key is
a hash of everything that decides the pixels: the content of the files and which images of them, the labels, resolution,
resize mode, and the versions of this decoder, of Pillow and of its JPEG library. An entry is never changed.

- It is built beside its place, in `images/<key>.building/`, which is its user's alone (own_files.py), and renamed when
  it is whole. The pixels are left to the
  system to write to disk: should the power fail meanwhile, the checksums tell. A killed build is gone on with; turn.py
  says who builds when many start at once.
- It is read through and compared with its checksums whenever it is opened (about 5 GB/s for each processor out of the
  page cache, so that a run's first epoch then finds the data in memory). One that is damaged is built again.
- Splits under 1 MiB of pixels are decoded by every run: that takes no longer than starting the processes.

Nothing is ever deleted from the cache but by hand: all of it can be made again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator
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

from robustft.data.cache.build import PIXELS, build_pixels, forget_progress, synchronise, written_bytes
from robustft.data.cache.build_lock import Turn, heartbeat, turn
from robustft.data.cache.cache_directory import cache_directory, check_space, gigabytes, unwritable, writable
from robustft.data.cache.chunk_layout import Layout
from robustft.data.cache.content_key import content_of
from robustft.data.cache.decoding_worker import Decoders
from robustft.data.dataset import Images
from robustft.data.errors import CacheError, DataError
from robustft.data.images.decode import DECODER_VERSION, Encoded, decode_all
from robustft.data.own_files import open_to_all_who_may, own_directory
from robustft.data.threads import thread_count

FORMAT = 1
"""Of an entry; another one has other keys."""

IN_MEMORY_BYTES = 1 << 20
"""A split with fewer bytes of pixels is not worth a file."""

_INDEX = "index.json"
_LABELS = "labels.npy"
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass(frozen=True, kw_only=True, eq=False)
class CachedSplit:
    """A split that is to be decoded, or was.

    items, labels: as EncodedImages; resize: how images are made square; what: starts messages.
    """

    items: Iterable[tuple[str, Encoded]]
    labels: np.ndarray
    resolution: int
    resize: str
    what: str

    @property
    def in_memory(self) -> bool:
        """Whether the split is so small that it is decoded every time."""
        return self._layout.total_bytes < IN_MEMORY_BYTES

    @cached_property
    def directory(self) -> Path:
        """Where the entry is or will be. Reads the files of the split unless they are known."""
        return cache_directory() / "images" / self._key

    @cached_property
    def is_there(self) -> bool:
        """Whether somebody has built the entry; it may be damaged."""
        return (self.directory / _INDEX).exists()

    @property
    def missing_bytes(self) -> int:
        """How much disk the build will still take."""
        if self.in_memory or self.is_there:
            return 0
        return max(0, self._layout.total_bytes - written_bytes(self._building))

    def images(self, decoders: Decoders) -> Images:
        """The decoded images; built first if they are not there. Raises DataError and CacheError."""
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
                print(
                    f"robustft: {self.what}: the cache entry {self.directory} {damage}; it is built again",
                    file=sys.stderr,
                    flush=True,
                )
            except FileNotFoundError:
                continue  # it is being replaced at this moment
            built_here = self._build(before, decoders)

    @cached_property
    def _layout(self) -> Layout:
        return Layout(len(self.labels), self.resolution)

    @cached_property
    def _content_and_stamp(self) -> tuple[str, str]:
        content = content_of(self.items)
        stamp = content.stamp()
        return content.fingerprint(), stamp

    @cached_property
    def _key(self) -> str:
        decides = {
            "format": FORMAT,
            "content": self._content_and_stamp[0],
            "labels": hashlib.blake2b(self.labels.tobytes(), digest_size=16).hexdigest(),
            "count": len(self.labels),
            "resolution": self.resolution,
            "resize": self.resize,
            "decoder": [DECODER_VERSION, PIL.__version__, features.version("jpg"), features.version("libjpeg_turbo")],
        }
        return hashlib.blake2b(json.dumps(decides, sort_keys=True).encode(), digest_size=16).hexdigest()

    @property
    def _building(self) -> Path:
        return self.directory.with_name(f"{self._key}.building")

    def _published(self) -> tuple[int, int] | None:
        """What tells one published entry from another in the same place."""
        try:
            status = (self.directory / _INDEX).stat()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise unwritable(error) from error
        return status.st_ino, status.st_mtime_ns

    def _open(self, *, built_here: bool = False) -> Images:
        """The entry, every byte of it compared with its checksum unless it was `built_here` a moment ago.

        _Damaged if it is not what was written.
        """
        layout = self._layout
        try:
            index = json.loads((self.directory / _INDEX).read_text(encoding="utf-8"))
            checksums = index["checksums"]
            right = (index["key"], index["count"], index["resolution"]) == (self._key, layout.count, layout.resolution)
            labels = np.load(self.directory / _LABELS, allow_pickle=False)
        except FileNotFoundError:
            raise
        except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
            raise _Damaged("cannot be read") from error
        if not right or len(checksums) != layout.chunks or not np.array_equal(labels, self.labels):
            raise _Damaged("has another index or other labels than were written")
        with (self.directory / PIXELS).open("rb") as file, ThreadPoolExecutor(thread_count()) as pool:
            try:
                if os.fstat(file.fileno()).st_size != layout.total_bytes:
                    raise _Damaged("has another size than was written")
                chunks = range(0 if built_here else layout.chunks)
                found = pool.map(lambda chunk: layout.checksum(file.fileno(), chunk), chunks)
                wrong = sum(now != checksums[chunk] for chunk, now in zip(chunks, found, strict=True))
            except OSError as error:
                raise _Damaged("cannot be read") from error
            if wrong:
                raise _Damaged(f"was changed on disk ({wrong} of {layout.chunks} checksums differ)")
            shape = (layout.count, 3, layout.resolution, layout.resolution)
            pixels = np.memmap(file, dtype=np.uint8, mode="r", shape=shape)
            return Images(pixels=pixels, labels=self.labels)

    def _build(self, before: tuple[int, int] | None, decoders: Decoders) -> bool:
        """Builds and publishes the entry, unless somebody else does (False): it is there then, and not `before`."""

        def over() -> bool:
            return self._published() not in (None, before)

        writable(self.directory.parent)
        locks = writable(cache_directory() / "locks")
        with (
            _disk_errors(self.what, self._layout.total_bytes),
            turn(locks / self._key, self._building / "builder.json", self.what, over=over) as whose,
        ):
            if whose is Turn.OVER:
                decoders.progress.update(self._layout.count)
                return False
            building = self._building
            if whose is Turn.ALONE:
                building = building.with_name(f"{building.name}-{uuid4().hex[:8]}")
            building = own_directory(building)
            try:
                self._fill(building, decoders)
            except BaseException as error:
                if whose is Turn.ALONE or isinstance(error, DataError):  # the files must change, and the key will
                    shutil.rmtree(building, ignore_errors=True)
                raise
            return self._publish(building, over)

    def _fill(self, building: Path, decoders: Decoders) -> None:
        """Everything that an entry has, on disk."""
        with heartbeat(building / "builder.json"):
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
        forget_progress(building)
        open_to_all_who_may(building)
        synchronise(building)

    def _publish(self, building: Path, over: Callable[[], bool]) -> bool:
        """Renames the entry to its place, unless somebody else was faster: whether the one there is ours."""
        ours = False
        old = self.directory.with_name(f"{self._key}.old-{uuid4().hex[:8]}")
        if not over():
            with suppress(FileNotFoundError):
                os.rename(self.directory, old)
            try:
                os.rename(building, self.directory)
                ours = True
            except OSError:
                if not over():  # otherwise somebody else was faster
                    raise
        parent = os.open(self.directory.parent, os.O_RDONLY)
        try:
            os.fsync(parent)
        finally:
            os.close(parent)
        for left in (old, building):
            if left.is_symlink():
                left.unlink()
            shutil.rmtree(left, ignore_errors=True)
        return ours


class _Damaged(Exception):
    """An entry is not what was written; the text goes on from its path."""


def check_space_for(splits: Iterable[CachedSplit], what: str) -> None:
    """CacheError if the disk has no room for the splits that are not there yet, before anything is decoded."""
    needed = sum(split.missing_bytes for split in splits)
    if needed:
        check_space(needed, f"the decoded images of {what}")


@contextmanager
def _disk_errors(what: str, size: int) -> Iterator[None]:
    """A disk that is full or that cannot be written, in one line."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise CacheError(
                f"ROBUSTFT_CACHE: the disk of {cache_directory()} is full; {what} takes {gigabytes(size)}; make room "
                "and start again, which goes on where this ended, or set ROBUSTFT_CACHE=DIR on another disk"
            ) from error
        raise unwritable(error) from error
