"""Which states of a run stay on disk."""

from __future__ import annotations

from pathlib import Path

KEEP = ("all", "selected", "none")
SMALL_STATE_BYTES = 50_000_000


def keep_policy(keep: str | None, state_bytes: int) -> str:
    """`keep`, or if it is None: `all` while a state is under 50 MB, else `selected`."""
    if keep is not None:
        return keep
    return "all" if state_bytes < SMALL_STATE_BYTES else "selected"


def state_path(directory: Path, step: int) -> Path:
    """The file of the state after `step` updates."""
    return directory / f"step-{step:06d}.safetensors"


def kept_steps(directory: Path) -> list[int]:
    """The steps whose state is in `directory`, ascending; files with other names are ignored."""
    names = [path.stem.removeprefix("step-") for path in directory.glob("step-*.safetensors")]
    steps = {int(name) for name in names if name.isdecimal() and len(name) <= 18}
    return sorted(step for step in steps if state_path(directory, step).is_file())
