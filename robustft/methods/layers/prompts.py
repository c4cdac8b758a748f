"""Learnt tokens in the blocks of a vision transformer: visual prompts (Jia et al., ECCV 2022, arXiv 2203.12119)."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor, nn


def add_prompts(first: nn.Module, last: nn.Module, *, tokens: int, width: int, fan_in: int) -> None:
    """From block `first` to block `last`, `tokens` trainable tokens of that width stand behind those of the image.

    A block attends to its tokens in any order, so their place has no meaning; and since they are gone before the final
    norm, pooling is what it was.

    fan_in: inputs of the patch embedding, which give the range of the first values, as in the authors' code.
    """
    bound = math.sqrt(6 / (fan_in + width))
    first.register_parameter("prompts", nn.Parameter(torch.empty(tokens, width).uniform_(-bound, bound)))
    first.register_forward_pre_hook(_with_prompts)
    last.register_forward_hook(partial(_without_prompts, tokens))


def _with_prompts(block: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    tokens, *others = inputs
    prompts = block.get_parameter("prompts").expand(tokens.shape[0], -1, -1)
    return torch.cat([tokens, prompts], dim=1), *others


def _without_prompts(number: int, block: nn.Module, inputs: tuple[Tensor, ...], tokens: Tensor) -> Tensor:
    return tokens[:, :-number]
