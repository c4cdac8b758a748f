"""Environment variables that a command inherits and must not depend on."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


@contextmanager
def own_environment() -> Iterator[None]:
    """While the block runs, libraries find a matplotlib backend, a user name and a home directory."""
    os.environ["MPLBACKEND"] = "agg"  # figures go to files; an inherited backend may not be installed
    try:
        Path.home()
    except RuntimeError:  # a container under a user id without a passwd entry
        with TemporaryDirectory(prefix="robustft-home-", ignore_cleanup_errors=True) as home:
            os.environ.setdefault("LOGNAME", f"uid-{os.getuid()}")
            os.environ["HOME"] = home
            print(
                f"robustft: HOME must be a directory for caches to last, got none: {home} is deleted when this ends",
                file=sys.stderr,
            )
            try:
                yield
            finally:
                del os.environ["HOME"]
    else:
        yield
