"""Files that are there completely or not at all, whenever the process is killed or the disk is full."""

from __future__ import annotations

import errno
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")
_OF_EARLIER_VERSIONS = (".hydra.part", "last.ckpt.part")
_CANNOT_SYNCHRONISE = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)


@contextmanager
def written_whole(path: Path, *, previous: Path | None = None) -> Iterator[Path]:
    """A temporary path beside `path`: write the file there, and it takes `path`'s place when the block ends well.

    If the block raises, the temporary file is deleted and what `path` held before stays. Folders are made as needed.

    previous: where to keep what `path` held before, once the new file is on the disk; killed between the two renames,
        there is nothing at `path`, and `previous` is whole.

    Raises:
        OSError: naming `path`, whatever could not be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid4().hex[:8]}.tmp")  # beside it: a rename cannot cross file systems
    try:
        yield temporary
        _synchronise(temporary)  # otherwise a power cut may leave the new name with no content
        if previous is not None:
            with suppress(FileNotFoundError):
                os.replace(path, previous)
        os.replace(temporary, path)
        _synchronise(path.parent)
    except OSError as error:
        if error.errno is not None and error.filename in (None, str(temporary)):  # a failed write names no file at all
            error.filename, error.filename2 = str(path), None
        raise
    finally:
        with suppress(OSError):  # where nothing can be deleted either, the first error says why
            temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes | memoryview, *, previous: Path | None = None) -> None:
    """Writes `content`, as `written_whole` does.

    What a library would write into a file itself is better written to memory first: each reports a full disk in an
    exception of its own, with neither the reason nor the file in it.
    """
    with written_whole(path, previous=previous) as temporary, temporary.open("xb") as file:
        file.write(content)


def is_temporary(path: Path) -> bool:
    """Whether `path` is what a killed process left of a write."""
    return _TEMPORARY.fullmatch(path.name) is not None or path.name in _OF_EARLIER_VERSIONS


def remove_temporaries(directory: Path) -> None:
    """Deletes what killed processes left of their writes in `directory` and below; only for whoever holds it alone."""
    for path in filter(is_temporary, list(directory.rglob("*"))):
        with suppress(OSError):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)


def _synchronise(path: Path) -> None:
    """Waits until a file's content, or the names in a directory, are on the disk itself."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if not path.is_dir() or error.errno not in _CANNOT_SYNCHRONISE:  # some file systems cannot for directories
            raise
    finally:
        os.close(descriptor)
