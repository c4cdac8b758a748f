"""The settings of an attack in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from robustft.canonical_hash import canonical_json
from robustft.study.run import Run

NOT_SETTINGS = ("_target_", "when", "attack")


def attack_settings(run: Run, attack: str, settings: str) -> str:
    """`Pgd, steps 15, random_start true`, as far as known.

    attack: its name; settings: their hash, as in a record.
    """
    known = run.attack_settings.get(settings)
    if not isinstance(known, Mapping):  # of a run of a version that did not write them
        known = run.identity["attack"].get(attack)
    if not isinstance(known, Mapping):
        return f"settings {settings}"
    kind = str(known.get("attack") or known.get("_target_") or "").rpartition(".")[2]
    listed = [
        f"{name} {_short(value)}" for name, value in known.items() if name not in NOT_SETTINGS and value is not None
    ]
    return ", ".join([*([kind] if kind else []), *listed])


def _short(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value)
