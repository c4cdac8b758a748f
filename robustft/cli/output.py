"""Standard output and error that never fail a command: closed pipe, full disk, characters that the encoding lacks."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


class _Unfailing:
    """A text stream that discards its output from the first failed write on."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self._discard()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._discard()

    def _discard(self) -> None:
        """Redirects the file descriptor to the null device: the buffer would fail again when Python exits."""
        with suppress(OSError, ValueError):
            devnull = os.open(os.devnull, os.O_WRONLY)
            os.dup2(devnull, self._stream.fileno())
            os.close(devnull)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def unfailing_output() -> Iterator[None]:
    """While the block runs, printing raises nothing; characters that the encoding lacks are written as escapes."""
    streams = sys.stdout, sys.stderr
    with open(os.devnull, "w") as devnull:  # replaces a stream that was closed at start
        for name, stream in zip(("stdout", "stderr"), streams, strict=True):
            with suppress(AttributeError):  # only text wrappers have reconfigure
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
            setattr(sys, name, _Unfailing(stream or devnull))
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            sys.stdout, sys.stderr = streams


def terminal_width() -> int:
    """Columns of the terminal; 100 where there is none."""
    return shutil.get_terminal_size((100, 24)).columns
