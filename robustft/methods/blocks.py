"""The blocks of a plain vision transformer: what methods need of them, and the linear maps that they change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from robustft import checks
from robustft.methods.method import MissingBlocks

NEEDED = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
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


def fused_projections(projections: Sequence[str]) -> dict[str, tuple[int, tuple[int, ...]]]:
    """The same by layers of a block: name -> how many maps are fused in its rows, and which of them are meant.

    >>> fused_projections(["q", "v", "fc2"])
    {'attn.qkv': (3, (0, 2)), 'mlp.fc2': (1, (0,))}
    """
    found = {}
    for layer, fused in {"attn.qkv": ATTENTION, "mlp.fc1": ("fc1",), "mlp.fc2": ("fc2",)}.items():
        places = tuple(place for place, projection in enumerate(fused) if projection in projections)
        if places:
            found[layer] = (len(fused), places)
    return found


def width(vit: Any) -> int:
    """Size of a token in `vit`. MissingBlocks if that is no timm ViT."""
    size = getattr(vit, "embed_dim", None)
    if not isinstance(size, int) or not hasattr(vit, "blocks"):
        raise MissingBlocks(f"network must be a timm ViT, got {type(vit).__name__}")
    return size


def check_blocks(vit: Any) -> None:
    """MissingBlocks unless every block of `vit` has its layers under timm's usual names."""
    width(vit)
    for index, block in enumerate(vit.blocks):
        present = {name for name, _ in block.named_modules()}
        missing = [name for name in NEEDED if name not in present]
        if missing:
            raise MissingBlocks(
                f"network must have {', '.join(NEEDED)} in every block for this method; "
                f"blocks.{index} of {type(vit).__name__} lacks {', '.join(missing)}"
            )
