"""Directory of decoded images, shared by all runs: `$ROBUSTFT_CACHE`, or `~/.cache/robustft`."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from robustft import checks
from robustft.data.errors import CacheError, one_line

VARIABLE = "ROBUSTFT_CACHE"


def cache_directory() -> Path:
    """The cache's directory, which need not exist yet; the environment is read at every call.

    Raises CacheError if the environment names no directory: `~nosuchuser`, or no home directory.
    """
    configured = os.environ.get(VARIABLE)
    try:
        directory = checks.path(VARIABLE, configured) if configured else Path.home() / ".cache" / "robustft"
    except ValueError as error:
        raise CacheError(str(error)) from error
    except RuntimeError as error:
        raise CacheError(f"{VARIABLE} must be given, DIR for decoded images, as there is no home directory") from error
    return Path(os.path.abspath(directory))


def ensure_writable(directory: Path) -> Path:
    """`directory`, created if it is missing. Raises CacheError if it cannot be written to."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not os.access(directory, os.W_OK | os.X_OK):
            raise PermissionError(13, "no permission to write")
    except OSError as error:
        raise not_writable(error) from error
    return directory


def not_writable(error: OSError) -> CacheError:
    """Error for a cache that cannot be written to."""
    reason = error.strerror or one_line(error)
    return CacheError(
        f"{VARIABLE} must be a directory that can be written, got {cache_directory()} ({reason}); "
        f"set {VARIABLE}=DIR to keep decoded images elsewhere"
    )


def check_space(needed: int, what: str) -> None:
    """Raises CacheError if the cache's disk has less than `needed` bytes free; `what` they are for."""
    free = shutil.disk_usage(ensure_writable(cache_directory())).free
    if needed > free:
        raise CacheError(
            f"{VARIABLE} needs {gigabytes(needed)} for {what}, but the disk of {cache_directory()} has "
            f"{gigabytes(free)} free; make room or set {VARIABLE}=DIR on another disk"
        )


def gigabytes(size: int) -> str:
    """`size` in bytes, for messages: `18.1 GB`, `35.2 MB`."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"
