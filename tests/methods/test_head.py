from __future__ import annotations

from collections.abc import Callable

import pytest
from torch import nn

from robustft.methods.head import head_parameters


def test_the_head_is_found_inside_other_modules(make_vit: Callable[..., nn.Module]) -> None:
    assert list(head_parameters(nn.Sequential(make_vit()))) == ["0.head.weight", "0.head.bias"]


def test_a_distilled_deit_has_two(make_vit: Callable[..., nn.Module]) -> None:
    names = head_parameters(make_vit("deit_tiny_distilled_patch16_224"))
    assert list(names) == ["head.weight", "head.bias", "head_dist.weight", "head_dist.bias"]


def test_no_head_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"^network must have a head"):
        head_parameters(nn.Linear(2, 2))
