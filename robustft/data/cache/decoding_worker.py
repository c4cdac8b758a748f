"""A worker process that decodes chunks of images into a file, and the handle that its parent holds.

A plain subprocess with a pipe rather than multiprocessing: forking a process in which torch and CUDA have threads is
unsafe, and spawning runs the user's script again where it has no `if __name__ == "__main__"`.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from robustft.data.errors import CacheError
from robustft.data.images.decode import Encoded, decode_into, decoding_progress
from robustft.data.threads import thread_count

_START = "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
_SERVE = "from robustft.data.cache.decoding_worker import serve; serve()"


@dataclass(frozen=True, kw_only=True)
class DecodedChunk:
    """A chunk in the file: its CRC-32, and (place in the chunk, reason) of the images that did not decode."""

    chunk: int
    checksum: int
    failures: list[tuple[int, str]]


@dataclass(frozen=True)
class Destination:
    """Where a chunk goes: `position` in `file`, in bytes; and at which resolution and by which resize mode."""

    file: Path
    position: int
    resolution: int
    resize: str


class DecodingProcess:
    """The parent's handle of a worker process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-c", _START + _SERVE],  # -S: sys.path comes through the pipe
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},  # decoding is single-threaded
        )
        self._send(sys.path)

    def send(self, chunk: int, destination: Destination, encoded: list[Encoded]) -> None:
        """Sends a chunk; at most two may be unanswered."""
        self._send((chunk, destination, encoded))

    def receive(self) -> DecodedChunk:
        """The next decoded chunk. Raises OSError if it could not be written and CacheError if the process died."""
        assert self._process.stdout is not None
        try:
            answer = pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError) as error:
            raise self._died() from error
        if isinstance(answer, OSError):
            raise answer
        return answer

    def close(self) -> None:
        """Kills the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                pass  # unsent bytes in the buffer

    def _send(self, message: Any) -> None:
        assert self._process.stdin is not None
        try:
            pickle.dump(message, self._process.stdin, protocol=pickle.HIGHEST_PROTOCOL)
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._died() from error

    def _died(self) -> CacheError:
        code = self._process.wait()
        reason = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        return CacheError(f"a process that decodes images ended with {reason}; start again to resume")


class DecoderPool:
    """The worker processes and the progress bar of a data set, shared by its splits."""

    def __init__(self, progress: tqdm) -> None:
        self.progress = progress
        self._processes: list[DecodingProcess] = []

    def processes(self, *, at_most: int) -> list[DecodingProcess]:
        """One running process per processor, at most `at_most`."""
        count = max(1, min(thread_count(), at_most))
        while len(self._processes) < count:
            self._processes.append(DecodingProcess())
        return self._processes[:count]

    def close(self) -> None:
        """Kills all processes; `processes` starts new ones."""
        while self._processes:
            self._processes.pop().close()


@contextmanager
def decoder_pool(what: str, count: int) -> Iterator[DecoderPool]:
    """A pool with a progress bar over `count` images of `what`; closed at the end of the block."""
    with decoding_progress(what, count) as progress, closing(DecoderPool(progress)) as pool:
        yield pool


def serve() -> None:
    """Main function of the worker: chunks from standard input until it closes, answers to standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and closes the pipe
    warnings.simplefilter("ignore")  # PIL's warnings would come from every process
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not mix with the answers
    inbox: queue.Queue[tuple[int, Destination, list[Encoded]] | None] = queue.Queue(maxsize=1)
    threading.Thread(target=_receive_into, args=(inbox,), daemon=True).start()
    while (message := inbox.get()) is not None:
        pickle.dump(_decode_chunk(*message), answers)
        answers.flush()


def _receive_into(inbox: queue.Queue[Any]) -> None:
    """Reads ahead, so that decoding does not wait for the pipe. None at the end."""
    try:
        while True:
            inbox.put(pickle.load(sys.stdin.buffer))
    except (EOFError, pickle.UnpicklingError):  # the parent has closed the pipe or is dead
        inbox.put(None)


def _decode_chunk(chunk: int, destination: Destination, encoded: list[Encoded]) -> DecodedChunk | OSError:
    pixels = np.zeros((len(encoded), 3, destination.resolution, destination.resolution), dtype=np.uint8)
    reasons = [decode_into(slot, image, destination.resize) for slot, image in zip(pixels, encoded, strict=True)]
    memory = pixels.reshape(-1).data
    checksum = zlib.crc32(memory)
    try:
        with destination.file.open("r+b", buffering=0) as file:
            file.seek(destination.position)
            while len(memory):
                memory = memory[file.write(memory) :]
    except OSError as error:
        return OSError(error.errno, error.strerror)
    failures = [(index, reason) for index, reason in enumerate(reasons) if reason is not None]
    return DecodedChunk(chunk=chunk, checksum=checksum, failures=failures)
