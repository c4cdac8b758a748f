"""Decoding a split into a directory of the cache that nobody reads yet, by several processes, in any number of goes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path

from robustft.data.cache.chunk_layout import Layout
from robustft.data.cache.decoding_worker import Decoded, Decoders, DecodingProcess, Place
from robustft.data.errors import DataError
from robustft.data.images.decode import Encoded
from robustft.data.own_files import opened
from robustft.data.threads import thread_count

PIXELS = "pixels.uint8"
_FINISHED = "finished.txt"

Items = Iterable[tuple[str, Encoded]]


def build_pixels(
    directory: Path, layout: Layout, items: Items, *, resize: str, what: str, decoders: Decoders
) -> list[int]:
    """Writes the pixels of `items` to the file PIXELS in `directory`; returns the checksum of every chunk.

    Goes on with the chunks that are whole from an earlier call that was killed. Raises DataError as decode_all does.
    """
    with opened(directory / PIXELS, "a+b") as file:
        file.truncate(layout.total_bytes)
    done = _whole_chunks(directory, layout)
    decoders.progress.update(sum(len(layout.rows(chunk)) for chunk in done))
    with opened(directory / _FINISHED, "w") as journal:
        journal.writelines(_line(chunk, checksum) for chunk, checksum in done.items())
        journal.flush()
        work = _Work(layout, items, done, what)

        def record(decoded: Decoded) -> None:
            done[decoded.chunk] = decoded.checksum
            journal.write(_line(decoded.chunk, decoded.checksum))
            journal.flush()
            decoders.progress.update(len(layout.rows(decoded.chunk)))

        _decode(directory / PIXELS, layout, work, record, resize, decoders)
    work.raise_if_failed()
    return [done[chunk] for chunk in range(layout.chunks)]


def forget_progress(directory: Path) -> None:
    """Deletes what only serves to go on with an unfinished build."""
    (directory / _FINISHED).unlink(missing_ok=True)


class _Work:
    """Hands out the chunks that are missing, in order, to whoever asks, and collects the failures."""

    def __init__(self, layout: Layout, items: Items, done: dict[int, int], what: str) -> None:
        self._layout = layout
        self._what = what
        self._chunks = self._missing(items, frozenset(done))
        self._lock = threading.Lock()
        self._failed = 0
        self._first_failure: tuple[int, str] | None = None

    def next(self) -> tuple[int, list[str], list[Encoded]] | None:
        """(chunk, names, encoded images), or None when there is no more. For several threads."""
        with self._lock:
            return next(self._chunks, None)

    def stop(self) -> None:
        """Nothing more is handed out."""
        with self._lock:
            self._chunks = iter(())

    def failures(self, decoded: Decoded, names: Sequence[str]) -> None:
        """Keeps which images did not decode, by their names."""
        with self._lock:
            for place, reason in decoded.failures:
                self._failed += 1
                row = self._layout.rows(decoded.chunk)[place]
                if self._first_failure is None or row < self._first_failure[0]:
                    self._first_failure = (row, f"{names[place]}: {reason}")

    def raise_if_failed(self) -> None:
        """One DataError for all images that did not decode."""
        if self._first_failure is not None:
            raise DataError(
                f"{self._what}: {self._failed} of {self._layout.count} images do not decode; "
                f"the first is {self._first_failure[1]}"
            )

    def _missing(self, items: Items, done: frozenset[int]) -> Iterator[tuple[int, list[str], list[Encoded]]]:
        remaining = iter(items)
        for chunk in range(self._layout.chunks):
            found = list(islice(remaining, len(self._layout.rows(chunk))))
            if len(found) < len(self._layout.rows(chunk)):
                raise DataError(f"{self._what}: the files changed while they were read")
            if chunk not in done:
                yield chunk, [name for name, _ in found], [encoded for _, encoded in found]
        if next(remaining, None) is not None:
            raise DataError(f"{self._what}: the files changed while they were read")


def _decode(
    pixels: Path, layout: Layout, work: _Work, record: Callable[[Decoded], None], resize: str, decoders: Decoders
) -> None:
    """Feeds the processes, each from a thread; the first error ends them all."""
    recording = threading.Lock()
    errors: list[BaseException] = []

    def feed(process: DecodingProcess) -> None:
        names_of: dict[int, list[str]] = {}

        def receive() -> None:
            decoded = process.receive()
            work.failures(decoded, names_of.pop(decoded.chunk))
            if not decoded.failures:
                with recording:
                    record(decoded)

        try:
            while (found := work.next()) is not None:
                chunk, names, encoded = found
                names_of[chunk] = names
                place = Place(pixels, layout.rows(chunk).start * layout.image_bytes, layout.resolution, resize)
                process.send(chunk, place, encoded)
                if len(names_of) == 2:  # one is being decoded while the next one is on its way
                    receive()
            while names_of:
                receive()
        except BaseException as error:
            errors.append(error)
            decoders.close()  # the other threads then fail as well, and behind this error
            raise

    processes = decoders.started(at_most=layout.chunks)
    with ThreadPoolExecutor(len(processes)) as pool:
        try:
            wait([pool.submit(feed, process) for process in processes])
        except BaseException:  # the user's interruption
            decoders.close()
            raise
        finally:
            work.stop()
    if errors:
        raise errors[0]


def _whole_chunks(directory: Path, layout: Layout) -> dict[int, int]:
    """The chunks, with checksums, that an earlier call finished and that are on disk as they were."""
    try:
        lines = (directory / _FINISHED).read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return {}
    listed = {}
    for line in lines:  # the last one may be half a line
        words = line.split()
        if len(words) == 3 and words[2] == "." and words[0].isdigit() and words[1].isdigit():
            listed[int(words[0])] = int(words[1])
    with (directory / PIXELS).open("rb") as file, ThreadPoolExecutor(thread_count()) as pool:
        chunks = [chunk for chunk in listed if chunk < layout.chunks]
        found = dict(zip(chunks, pool.map(lambda chunk: layout.checksum(file.fileno(), chunk), chunks), strict=True))
    return {chunk: checksum for chunk, checksum in found.items() if checksum is not None and checksum == listed[chunk]}


def _line(chunk: int, checksum: int) -> str:
    return f"{chunk} {checksum} .\n"


def written_bytes(directory: Path) -> int:
    """How much of the pixels is on disk already: the file is as long as it will be from the start, but has holes."""
    try:
        return (directory / PIXELS).lstat().st_blocks * 512
    except OSError:
        return 0


def synchronise(directory: Path) -> None:
    """Waits until `directory` and the small files in it are on the disk itself."""
    for path in (*(path for path in directory.iterdir() if path.name != PIXELS), directory):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
