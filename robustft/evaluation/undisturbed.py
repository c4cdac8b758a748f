"""An evaluation does not disturb training: whatever it touches is given back as it was."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn

from robustft.eval_mode import in_eval_mode


@contextmanager
def undisturbed(model: nn.Module) -> Iterator[nn.Module]:
    """The model in eval mode with frozen parameters; afterwards modes, requires_grad, gradients, buffers (such as
    running statistics) and the state of every random generator (Python, NumPy, torch on CPU and CUDA) are what they
    were, to the bit."""
    needs = [(parameter, parameter.requires_grad, parameter.grad) for parameter in model.parameters()]
    buffers = [
        (module, name, buffer, buffer.clone())
        for module in model.modules()
        for name, buffer in module.named_buffers(recurse=False)
    ]
    generators = generator_states()
    try:
        with in_eval_mode(model):
            for parameter in model.parameters():
                parameter.requires_grad_(False)
            yield model
    finally:
        for parameter, requires_grad, gradient in needs:
            parameter.requires_grad_(requires_grad)
            parameter.grad = gradient
        with torch.no_grad():
            for owner, name, buffer, before in buffers:
                setattr(owner, name, buffer.copy_(before))
        restore_generators(generators)


def generator_states() -> dict[str, Any]:
    """The states of the global random generators, as tensors and plain values (safe to load with weights_only)."""
    version, words, gauss = random.getstate()
    kind, keys, position, has_gauss, cached = np.random.get_state()  # noqa: NPY002  the global generator is the point
    return {
        "python": [version, list(words), gauss],
        "numpy": [
            str(kind),
            torch.from_numpy(np.asarray(keys).astype(np.int64)),
            int(position),
            int(has_gauss),
            float(cached),
        ],
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def restore_generators(states: dict[str, Any]) -> None:
    """Put back what `generator_states` returned; CUDA states only where there are as many devices as then."""
    version, words, gauss = states["python"]
    random.setstate((version, tuple(words), gauss))
    kind, keys, position, has_gauss, cached = states["numpy"]
    np.random.set_state((kind, keys.numpy().astype(np.uint32), position, has_gauss, cached))  # noqa: NPY002
    torch.set_rng_state(states["torch"].cpu())
    if states["cuda"] and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all([state.cpu() for state in states["cuda"]])
