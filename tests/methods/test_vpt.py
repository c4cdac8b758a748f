from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from robustft.methods.vpt import Vpt

IMAGES = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(1))


def token_counts(network: Any) -> dict[str, list[tuple[int, int]]]:
    """Tokens that each block's attention and the final norm see, and whether all of them come out."""
    seen: dict[str, list[tuple[int, int]]] = {"blocks": [], "norm": []}
    for block in network.blocks:
        block.attn.register_forward_hook(lambda _, given, out: seen["blocks"].append((given[0].shape[1], out.shape[1])))
    network.norm.register_forward_hook(lambda _, given, out: seen["norm"].append((given[0].shape[1], out.shape[1])))
    with torch.no_grad():
        network(IMAGES)
    return seen


@pytest.mark.parametrize("deep", [True, False])
def test_blocks_see_the_tokens_and_the_final_norm_does_not(deep: bool, make_vit: Any) -> None:
    network = Vpt(tokens=5, deep=deep).apply(make_vit(depth=3).eval())
    assert token_counts(network) == {"blocks": [(22, 22)] * 3, "norm": [(17, 17)]}
    trainable = {name for name, parameter in network.named_parameters() if parameter.requires_grad}
    blocks = range(3) if deep else [0]
    assert trainable == {*(f"blocks.{index}.prompts" for index in blocks), "head.weight", "head.bias"}


@pytest.mark.parametrize("deep", [True, False])
def test_it_is_the_vit_on_a_sequence_with_the_tokens_in_it(deep: bool, make_vit: Any) -> None:
    network: Any = Vpt(tokens=5, deep=deep).apply(make_vit(depth=3).eval())
    bare: Any = make_vit(depth=3).eval()
    with torch.no_grad():
        sequence = bare.norm_pre(bare._pos_embed(bare.patch_embed(IMAGES)))
        cls, patches = sequence[:, :1], sequence[:, 1:]
        for index, block in enumerate(bare.blocks):  # the prompts behind the class token, as the authors have them
            if deep or index == 0:
                prompts = network.blocks[index].prompts.expand(2, -1, -1)
            cls, prompts, patches = block(torch.cat([cls, prompts, patches], 1)).split([1, 5, 16], dim=1)
        expected = bare.head(bare.norm(cls[:, 0]))
        torch.testing.assert_close(network(IMAGES), expected, rtol=0, atol=1e-5)
        assert (network(IMAGES) - bare(IMAGES)).abs().max() > 1e-4


def test_the_first_values_are_uniform_within_the_authors_bounds(make_vit: Any) -> None:
    network: Any = Vpt(tokens=100).apply(make_vit())
    bound, values = math.sqrt(6 / (3 * 4 * 4 + 64)), network.blocks[0].prompts
    assert 0.98 * bound < values.abs().max() <= bound
    assert abs(values.mean()) < 0.05 * bound


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"tokens": 0}, "tokens must be a whole number of at least 1, got 0"),
        ({"deep": "very"}, "deep must be true or false, got 'very'"),
    ],
    ids=str,
)
def test_mistakes_are_told_when_the_settings_are_made(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}"):
        Vpt(**settings)
