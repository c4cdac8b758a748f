"""Standard output and error that fail no command: the reader has gone, the disk is full, letters are missing."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO


class _Unfailing:
    """A text stream; what cannot be written is let go, and so is all that follows."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        try:
            return self._stream.write(text)
        except OSError:
            self._let_go()
            return len(text)

    def flush(self) -> None:
        try:
            self._stream.flush()
        except OSError:
            self._let_go()

    def _let_go(self) -> None:
        """Points the file descriptor elsewhere: what is in the buffer would fail again when Python ends."""
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def unfailing_output() -> Iterator[None]:
    """While the block runs, printing raises nothing; letters that the encoding lacks are written as escapes."""
    before = sys.stdout, sys.stderr
    with open(os.devnull, "w") as nowhere:  # instead of a stream that was closed when the process began
        for name, stream in zip(("stdout", "stderr"), before, strict=True):
            with suppress(AttributeError):  # not every stream has an encoding to be changed
                stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
            setattr(sys, name, _Unfailing(stream or nowhere))
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            sys.stdout, sys.stderr = before
