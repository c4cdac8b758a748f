"""The state of a run, trainable parameters and persistent buffers, and its file."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor, nn

from robustft.atomic_write import write_whole
from robustft.methods.head import head_parameters


def tuned_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Every trainable parameter, head included, once each, under its name in `model`.

    Trainable means requiring a gradient; during an evaluation, which freezes the model, there are none.
    """
    return {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}


def tuned_state(model: nn.Module) -> dict[str, Tensor]:
    """What training changes in `model`, by name: trainable parameters, then persistent buffers, all without gradients.

    Buffers such as the running statistics of batch normalisation are included even where they are frozen.

    >>> list(tuned_state(nn.Sequential(nn.Linear(2, 2).requires_grad_(False), nn.BatchNorm1d(2, affine=False))))
    ['1.running_mean', '1.running_var', '1.num_batches_tracked']
    """
    parameters = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    buffers = {name: value for name, value in model.state_dict().items() if name not in parameters}
    return {name: value.detach() for name, value in (tuned_parameters(model) | buffers).items()}


def save_tuned(model: nn.Module, path: Path) -> None:
    """Writes the model's `tuned_state` to a safetensors file, written atomically.

    Raises:
        ValueError: if the model has no trainable parameter.
    """
    if not tuned_parameters(model):
        raise ValueError("model must have trainable parameters; all of this one's are frozen")
    tensors = {name: value.cpu().contiguous() for name, value in tuned_state(model).items()}
    write_whole(path, save(tensors))


def load_tuned(model: nn.Module, path: Path) -> None:
    """Loads a file of `save_tuned` into a model with the same backbone and method, in place.

    Raises:
        ValueError: in one line and with the model unchanged, if names, shapes or types differ or the file is not
            a safetensors file.
    """
    try:
        saved = load_file(path)
    except (SafetensorError, OSError) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"path must be a safetensors file of a state, got '{path}' ({reason})") from error
    state = tuned_state(model)
    misfits = [f"lacks {name}" for name in state if name not in saved]
    misfits += [f"has {name}, which is not trainable here" for name in saved if name not in state]
    misfits += [
        f"has {name} of shape {tuple(saved[name].shape)}, not {tuple(value.shape)}"
        for name, value in state.items()
        if name in saved and saved[name].shape != value.shape
    ]
    misfits += [
        f"has {name} of {saved[name].dtype}, not {value.dtype}"
        for name, value in state.items()
        if name in saved and saved[name].dtype != value.dtype
    ]
    if misfits:
        more = f" (and {len(misfits) - 1} more misfits)" if len(misfits) > 1 else ""
        raise ValueError(f"path must be a state of this backbone and method: '{path}' {misfits[0]}{more}")
    with torch.no_grad():
        for name, value in state.items():
            value.copy_(saved[name])


def parameter_counts(model: nn.Module) -> dict[str, int]:
    """`total`: all parameters; `trainable`: the trainable ones, the head aside; `head`: the head's."""
    head = head_parameters(model)
    return {
        "total": sum(parameter.numel() for parameter in model.parameters()),
        "trainable": sum(parameter.numel() for name, parameter in tuned_parameters(model).items() if name not in head),
        "head": sum(parameter.numel() for parameter in head.values()),
    }
