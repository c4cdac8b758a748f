"""What holds for plain vision transformers alone: a grid of patches, and blocks that methods can work inside."""

from __future__ import annotations

import re

MODULES = ("vision_transformer", "deit")
"""timm's modules whose models have `patch_embed`, `blocks` and `head`: ViT, DeiT, DINOv2, CLIP, SigLIP, ..."""


def is_plain_vit(name: str) -> bool:
    """Whether timm's model `name`, with or without a tag for its weights, is one; told without building it."""
    import timm

    listed = [timm.list_models(module=module) for module in MODULES]
    return name.partition(".")[0] in {model for models in listed for model in models}


def patch_size_in(name: str) -> int | None:
    """timm's ViTs carry it in their name, so that a wrong resolution is found before torch loads."""
    stated = re.match(r"(?:vit|deit3?)_.*_patch(\d+)", name)
    return int(stated.group(1)) if stated else None


def check_resolution(resolution: int, patch: int) -> None:
    """ValueError unless patches of that size fill the image."""
    if resolution % patch == 0:
        return
    below = resolution // patch * patch
    nearest = below if below and resolution - below <= patch / 2 else below + patch
    raise ValueError(
        f"resolution must be a multiple of the patch size {patch}, got {resolution}; the nearest one is {nearest}"
    )


def check_patches(wanted: tuple[int, ...], held: tuple[int, ...] | None) -> None:
    """ValueError if the weights' patch embedding, of shape `held`, is not of the shape that the model has.

    timm resamples patches of another size without a word, which is rarely what somebody wants who fine-tunes.
    """
    if held is not None and len(held) == 4 and held != wanted:
        raise ValueError(f"patch_embed.proj.weight has shape {held}, not {wanted}")
