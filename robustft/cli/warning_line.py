"""robustft's own warnings as it says everything: one line, without the place in the code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

_PACKAGE = str(Path(__file__).resolve().parents[1])


def on_one_line(otherwise: Callable[..., None]) -> Callable[..., None]:
    """A `warnings.showwarning` that prints what code of this package warns of; `otherwise` shows all else."""

    def show(message: Warning | str, category: type[Warning], filename: str, *place: Any, **options: Any) -> None:
        if category is not UserWarning or not filename.startswith(_PACKAGE):
            otherwise(message, category, filename, *place, **options)
            return
        print(f"robustft: {' '.join(str(message).split())}", file=sys.stderr, flush=True)

    return show
