"""What a run moves in a model, its parameters and its file: all that a state needs besides the settings."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from robustft.atomic_write import write_whole
from robustft.methods.head import head_parameters


def tuned_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Every parameter that moves, head included, once each, under its name in `model`.

    What moves is what requires a gradient, so not while an evaluation has the model frozen.
    """
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def save_tuned(model: nn.Module, path: Path) -> None:
    """Writes what moves to a safetensors file, which is there completely or not at all."""
    tensors = {name: parameter.detach().cpu().contiguous() for name, parameter in tuned_parameters(model).items()}
    if not tensors:
        raise ValueError("model must have parameters that move; all of this one's are frozen")
    write_whole(path, save(tensors))


def load_tuned(model: nn.Module, path: Path) -> None:
    """Puts a file of `save_tuned` into a model with the same backbone and method, in place.

    ValueError, in one line and with the model unchanged, if names or shapes differ or the file is no safetensors.
    """
    try:
        saved = load_file(path)
    except (SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"path must be a safetensors file of a state, got '{path}' ({reason})") from error
    tuned = tuned_parameters(model)
    misfits = [f"lacks {name}" for name in tuned if name not in saved]
    misfits += [f"has {name}, which does not move here" for name in saved if name not in tuned]
    misfits += [
        f"has {name} of shape {tuple(saved[name].shape)}, not {tuple(parameter.shape)}"
        for name, parameter in tuned.items()
        if name in saved and saved[name].shape != parameter.shape
    ]
    misfits += [
        f"has {name} of {saved[name].dtype}, not {parameter.dtype}"
        for name, parameter in tuned.items()
        if name in saved and saved[name].dtype != parameter.dtype
    ]
    if misfits:
        more = f" (and {len(misfits) - 1} more misfits)" if len(misfits) > 1 else ""
        raise ValueError(f"path must be a state of this backbone and method: '{path}' {misfits[0]}{more}")
    with torch.no_grad():
        for name, parameter in tuned.items():
            parameter.copy_(saved[name])


def parameter_counts(model: nn.Module) -> dict[str, int]:
    """`total`: all parameters; `trainable`: those that move, the head aside; `head`: the head's, which always move."""
    head = head_parameters(model)
    return {
        "total": sum(parameter.numel() for parameter in model.parameters()),
        "trainable": sum(parameter.numel() for name, parameter in tuned_parameters(model).items() if name not in head),
        "head": sum(parameter.numel() for parameter in head.values()),
    }
