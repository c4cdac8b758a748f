"""Decoding a split into an unpublished directory of the cache, by several processes; an interrupted build resumes."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from robustft import interruption
from robustft.data.cache.chunk_layout import ChunkLayout
from robustft.data.cache.decoding_worker import DecodedChunk, DecoderPool, DecodingProcess, Destination
from robustft.data.errors import DataError
from robustft.data.images.decode import Encoded
from robustft.data.own_files import open_no_follow
from robustft.data.threads import thread_count
from robustft.lease import guard

PIXELS = "pixels.uint8"
_JOURNAL = "finished.txt"
_CHUNKS_PER_PROCESS = 2  # one is being decoded while the next one is on its way

Items = Iterable[tuple[str, Encoded]]


def build_pixels(
    directory: Path, layout: ChunkLayout, items: Items, *, resize: str, what: str, decoders: DecoderPool
) -> list[int]:
    """Writes the pixels of `items` to the file PIXELS in `directory`; returns the checksum of every chunk.

    Chunks that an earlier, killed call has written completely are not decoded again. `what` starts messages.

    Raises:
        DataError: one for all images that do not decode, or if there are not as many images as `layout` says.
        CacheError: if a decoding process dies.
        LeaseLost: if another process has taken the build over.
    """
    with open_no_follow(directory / PIXELS, "a+b") as file:
        file.truncate(layout.total_bytes)
    checksums = _complete_chunks(directory, layout)
    decoders.progress.update(sum(len(layout.rows(chunk)) for chunk in checksums))
    with open_no_follow(directory / _JOURNAL, "w") as journal:
        journal.writelines(_line(chunk, checksum) for chunk, checksum in checksums.items())
        journal.flush()
        queue = _ChunkQueue(layout, items, checksums, what)
        lock = threading.Lock()

        def record(decoded: DecodedChunk) -> None:
            with lock:
                guard(directory)  # who stood still leaves it to who took over
                checksums[decoded.chunk] = decoded.checksum
                journal.write(_line(decoded.chunk, decoded.checksum))
                journal.flush()
                decoders.progress.update(len(layout.rows(decoded.chunk)))

        _Decoding(pixels=directory / PIXELS, layout=layout, queue=queue, record=record, resize=resize).run(decoders)
    queue.raise_if_failed()
    return [checksums[chunk] for chunk in range(layout.chunks)]


def delete_journal(directory: Path) -> None:
    """Deletes the list of complete chunks, which only serves to resume an unfinished build."""
    (directory / _JOURNAL).unlink(missing_ok=True)


def written_bytes(directory: Path) -> int:
    """Bytes of the pixels that are on disk already: the file has its final length from the start, but has holes."""
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


class _ChunkQueue:
    """The chunks that are not `done`, in order, for several threads; collects which images did not decode."""

    def __init__(self, layout: ChunkLayout, items: Items, done: Iterable[int], what: str) -> None:
        self._layout = layout
        self._what = what
        self._chunks = self._missing(items, frozenset(done))
        self._lock = threading.Lock()
        self._failed = 0
        self._first_failure: tuple[int, str] | None = None

    def next(self) -> tuple[int, list[str], list[Encoded]] | None:
        """(chunk, names, encoded images), or None at the end."""
        with self._lock:
            return next(self._chunks, None)

    def stop(self) -> None:
        """Empties the queue."""
        with self._lock:
            self._chunks = iter(())

    def record_failures(self, decoded: DecodedChunk, names: Sequence[str]) -> None:
        """Counts the images of a chunk that did not decode and remembers the name of the first; names: of all."""
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
            images = list(islice(remaining, len(self._layout.rows(chunk))))
            if len(images) < len(self._layout.rows(chunk)):
                raise DataError(f"{self._what}: the files changed while they were read")
            if chunk not in done:
                yield chunk, [name for name, _ in images], [encoded for _, encoded in images]
        if next(remaining, None) is not None:
            raise DataError(f"{self._what}: the files changed while they were read")


@dataclass(frozen=True, kw_only=True)
class _Decoding:
    """Decodes the chunks of `queue` into the file `pixels`; `record` takes each that has decoded, from any thread."""

    pixels: Path
    layout: ChunkLayout
    queue: _ChunkQueue
    record: Callable[[DecodedChunk], None]
    resize: str

    def run(self, decoders: DecoderPool) -> None:
        """One thread feeds each process; the first error closes all processes and is raised."""
        errors: list[BaseException] = []

        def feed(process: DecodingProcess) -> None:
            try:
                self._feed(process)
            except BaseException as error:
                errors.append(error)
                decoders.close()  # the other threads then fail as well, with later errors

        processes = decoders.processes(at_most=self.layout.chunks)
        with ThreadPoolExecutor(len(processes)) as threads:
            try:
                wait([threads.submit(feed, process) for process in processes])
            except BaseException:  # KeyboardInterrupt
                decoders.close()
                raise
            finally:
                self.queue.stop()
        if errors:
            raise errors[0]

    def _feed(self, process: DecodingProcess) -> None:
        names_of: dict[int, list[str]] = {}
        while (missing := self.queue.next()) is not None:
            interruption.check()
            chunk, names, encoded = missing
            names_of[chunk] = names
            position = self.layout.rows(chunk).start * self.layout.image_bytes
            process.send(chunk, Destination(self.pixels, position, self.layout.resolution, self.resize), encoded)
            if len(names_of) == _CHUNKS_PER_PROCESS:
                self._receive(process, names_of)
        while names_of:
            self._receive(process, names_of)

    def _receive(self, process: DecodingProcess, names_of: dict[int, list[str]]) -> None:
        decoded = process.receive()
        self.queue.record_failures(decoded, names_of.pop(decoded.chunk))
        if not decoded.failures:
            self.record(decoded)


def _complete_chunks(directory: Path, layout: ChunkLayout) -> dict[int, int]:
    """Chunk -> checksum of those that an earlier call wrote completely and whose bytes on disk still agree."""
    try:
        lines = (directory / _JOURNAL).read_text(encoding="ascii").splitlines()
    except (OSError, ValueError):
        return {}
    expected = {}
    for line in lines:  # the last one may be half a line
        words = line.split()
        if len(words) == 3 and words[2] == "." and words[0].isdigit() and words[1].isdigit():
            expected[int(words[0])] = int(words[1])
    chunks = [chunk for chunk in expected if chunk < layout.chunks]
    with (directory / PIXELS).open("rb") as file, ThreadPoolExecutor(thread_count()) as threads:
        checksums = list(threads.map(lambda chunk: layout.checksum(file.fileno(), chunk), chunks))
    return {
        chunk: checksum
        for chunk, checksum in zip(chunks, checksums, strict=True)
        if checksum is not None and checksum == expected[chunk]
    }


def _line(chunk: int, checksum: int) -> str:
    return f"{chunk} {checksum} .\n"
