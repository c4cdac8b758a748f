"""The linear maps of a transformer block that LoRA and (IA)^3 can change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from robustft import checks

ATTENTION = ("q", "k", "v")
PROJECTIONS = (*ATTENTION, "fc1", "fc2")


def check_projections(projections: Sequence[str]) -> tuple[str, ...]:
    """At least one of q, k, v (attention), fc1, fc2 (MLP), each once, in that order."""
    if isinstance(projections, str) or not isinstance(projections, Sequence) or not projections:
        raise ValueError(f"projections must be a list of {', '.join(PROJECTIONS)}; got {projections!r}")
    for projection in projections:
        checks.one_of("projections", projection, PROJECTIONS)
    if len(set(projections)) < len(projections):
        raise ValueError(f"projections must name each one once, got {list(projections)}")
    return tuple(projection for projection in PROJECTIONS if projection in projections)


def library_locations(projections: Sequence[str]) -> dict[str, Any]:
    """The same in the words of `adapters`' LoRAConfig, which (IA)^3 uses too."""
    attention = [projection for projection in ATTENTION if projection in projections]
    return {
        "selfattn_lora": bool(attention),
        "attn_matrices": attention,
        "intermediate_lora": "fc1" in projections,
        "output_lora": "fc2" in projections,
    }
