"""Which states of a run stay on disk."""

from __future__ import annotations

KEEP = ("all", "selected", "none")
SMALL_STATE_BYTES = 50_000_000


def keep_policy(keep: str | None, state_bytes: int) -> str:
    """`keep`, or if it is None: `all` while a state is under 50 MB, else `selected`."""
    if keep is not None:
        return keep
    return "all" if state_bytes < SMALL_STATE_BYTES else "selected"
