"""Plain vision transformers of timm: which models are, and checks of their patch grid."""

from __future__ import annotations

import re

MODULES = ("vision_transformer", "deit")
"""timm's modules whose models have `patch_embed`, `blocks` and `head`: ViT, DeiT, DINOv2, CLIP, SigLIP, ..."""


def is_plain_vit(name: str) -> bool:
    """Whether timm's model `name`, with or without a tag for its weights, is one, without building it."""
    import timm

    listed = [timm.list_models(module=module) for module in MODULES]
    return name.partition(".")[0] in {model for models in listed for model in models}


def patch_size_in(name: str) -> int | None:
    """The patch size in the name of a ViT, so that a wrong resolution is an error before torch is imported."""
    match = re.match(r"(?:vit|deit3?)_.*_patch(\d+)", name)
    return int(match.group(1)) if match else None


def check_resolution(resolution: int, patch: int) -> None:
    """ValueError unless patches of that size fill the image."""
    if resolution % patch == 0:
        return
    below = resolution // patch * patch
    nearest = below if below and resolution - below <= patch / 2 else below + patch
    raise ValueError(
        f"resolution must be a multiple of the patch size {patch}, got {resolution}; the nearest one is {nearest}"
    )


def check_patches(in_model: tuple[int, ...], in_file: tuple[int, ...] | None) -> None:
    """ValueError if the patch embeddings of the model and of the file with the weights have different shapes.

    timm would resample the patches silently, which is rarely wanted in fine-tuning.
    """
    if in_file is not None and len(in_file) == 4 and in_file != in_model:
        raise ValueError(f"patch_embed.proj.weight has shape {in_file}, not {in_model}")
