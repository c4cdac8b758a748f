"""Starts a model from the state of another run, whatever method that was tuned by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from robustft.methods.head import head_parameters


class StartState:
    """The tensors of a state, to be put into a model before or after a method is applied to it.

    path: a file of `save_tuned`; keep_head: whether the head comes along, or the model keeps its own.

    Raises:
        ValueError: in one line, if it is not a safetensors file.
    """

    def __init__(self, path: Path, *, keep_head: bool) -> None:
        try:
            self._tensors = load_file(path)
        except (SafetensorError, OSError) as error:
            raise ValueError(f"must be a state, got '{path}' ({' '.join(str(error).split())})") from error
        self._keep_head = keep_head

    def fits(self, model: nn.Module) -> bool:
        """Whether every tensor that would be put into `model` has a place in it."""
        return self._misfit(model) is None

    @torch.no_grad()
    def put_into(self, model: nn.Module) -> None:
        """Copies the tensors into the parameters and buffers of the same name.

        Raises:
            ValueError: in one line and with the model unchanged, if one has no place.
        """
        if misfit := self._misfit(model):
            raise ValueError(f"must be a state of this backbone and a method that fits: it {misfit}")
        own = _places(model)
        for name, value in self._wanted(model).items():
            own[name].copy_(value)

    def _wanted(self, model: nn.Module) -> Mapping[str, Tensor]:
        head = head_parameters(model)
        return {name: value for name, value in self._tensors.items() if self._keep_head or name not in head}

    def _misfit(self, model: nn.Module) -> str | None:
        own = _places(model)
        for name, value in self._wanted(model).items():
            if name not in own:
                return f"has {name}, which this model lacks"
            if own[name].shape != value.shape or own[name].dtype != value.dtype:
                return f"has {name} of shape {tuple(value.shape)}, not {tuple(own[name].shape)}"
        return None


def _places(model: nn.Module) -> dict[str, Tensor]:
    return dict(model.named_parameters()) | dict(model.named_buffers())
