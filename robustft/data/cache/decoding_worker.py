"""A process that decodes chunks of images into a file, and the end of it that its parent holds.

A plain child with a pipe rather than multiprocessing: forking a process in which torch and CUDA have threads is unsafe,
and spawning runs the user's script again where it has no `if __name__ == "__main__"`.
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
from typing import TYPE_CHECKING, Any

import numpy as np

from robustft.data.errors import CacheError
from robustft.data.images.decode import Encoded, decode_into, decoding_progress
from robustft.data.threads import thread_count

if TYPE_CHECKING:
    from tqdm import tqdm

_START = "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
_SERVE = "from robustft.data.cache.decoding_worker import serve; serve()"


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """A chunk that was written: its CRC-32, and why which of its images (by place in it) did not decode."""

    chunk: int
    checksum: int
    failures: list[tuple[int, str]]


@dataclass(frozen=True)
class Place:
    """Where the pixels of a chunk belong, as a byte of the file, and how they are made."""

    file: Path
    position: int
    resolution: int
    resize: str


class DecodingProcess:
    """Decodes chunks that are handed to it into files; closed, it ends."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-c", _START + _SERVE],  # -S: the parent's path comes through the pipe, sooner
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},  # decoding has no use for more
        )
        self._send(sys.path)

    def send(self, chunk: int, place: Place, encoded: list[Encoded]) -> None:
        """Hand over a chunk; at most two may be on their way."""
        self._send((chunk, place, encoded))

    def receive(self) -> Decoded:
        """The next chunk that is done. OSError if it could not be written, CacheError if the process died."""
        assert self._process.stdout is not None
        try:
            answer = pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError) as error:
            raise self._died() from error
        if isinstance(answer, OSError):
            raise answer
        return answer

    def close(self) -> None:
        """Ends the process, wherever it is."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            try:
                if pipe is not None:
                    pipe.close()
            except OSError:
                pass  # what was not sent any more

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
        return CacheError(f"a process that decodes images ended with {reason}; what it had done is kept")


class Decoders:
    """The processes that decode a data set, for all of its splits one after the other, and the progress bar."""

    def __init__(self, progress: tqdm) -> None:
        self.progress = progress
        self._processes: list[DecodingProcess] = []

    def started(self, *, at_most: int) -> list[DecodingProcess]:
        """One process for every processor, but not more than `at_most`."""
        wanted = max(1, min(thread_count(), at_most))
        while len(self._processes) < wanted:
            self._processes.append(DecodingProcess())
        return self._processes[:wanted]

    def close(self) -> None:
        """Ends all processes; new ones are started when they are needed again."""
        while self._processes:
            self._processes.pop().close()


@contextmanager
def decoders(what: str, count: int) -> Iterator[Decoders]:
    """Decoders with a bar for `count` images of `what`."""
    with decoding_progress(what, count) as progress, closing(Decoders(progress)) as found:
        yield found


def serve() -> None:
    """What the process runs: chunks from standard input until it closes, answers to standard output."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent gets it too, and closes the pipe
    warnings.simplefilter("ignore")  # PIL's remarks would come once from every process
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not get among the answers
    inbox: queue.Queue[tuple[int, Place, list[Encoded]] | None] = queue.Queue(maxsize=1)
    threading.Thread(target=_receive_into, args=(inbox,), daemon=True).start()
    while (message := inbox.get()) is not None:
        pickle.dump(_decoded(*message), answers)
        answers.flush()


def _receive_into(inbox: queue.Queue[Any]) -> None:
    """Reads ahead, so that decoding does not wait for the pipe."""
    try:
        while True:
            inbox.put(pickle.load(sys.stdin.buffer))
    except (EOFError, pickle.UnpicklingError):  # the parent is gone or has no more
        inbox.put(None)


def _decoded(chunk: int, place: Place, encoded: list[Encoded]) -> Decoded | OSError:
    pixels = np.zeros((len(encoded), 3, place.resolution, place.resolution), dtype=np.uint8)
    reasons = [decode_into(slot, image, place.resize) for slot, image in zip(pixels, encoded, strict=True)]
    memory = pixels.reshape(-1).data
    checksum = zlib.crc32(memory)
    try:
        with place.file.open("r+b", buffering=0) as file:
            file.seek(place.position)
            while len(memory):
                memory = memory[file.write(memory) :]
    except OSError as error:
        return OSError(error.errno, error.strerror)
    failures = [(index, reason) for index, reason in enumerate(reasons) if reason is not None]
    return Decoded(chunk=chunk, checksum=checksum, failures=failures)
