"""DoRA against its equation, with a fused q, k, v, and multiplied out."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn import functional

from robustft.methods.layers.dora_linear import DoraLinear


def layer(parts: int, adapted: tuple[int, ...], **settings: float) -> DoraLinear:
    torch.manual_seed(0)
    made = DoraLinear(nn.Linear(5, 12), parts=parts, adapted=adapted, rank=2, scale=1.5, dropout=0, **settings)
    for parameter in (made.lora_B, made.magnitude):
        nn.init.normal_(parameter)
    return made


def test_one_map_follows_the_equation() -> None:
    made, tokens = layer(1, (0,)), torch.randn(3, 5)
    direction = made.weight + 1.5 * made.lora_B @ made.lora_A
    weight = made.magnitude[:, None] * direction / direction.square().sum(1, keepdim=True).sqrt()
    torch.testing.assert_close(made(tokens), functional.linear(tokens, weight, made.bias))


@pytest.mark.parametrize("adapted", [(0,), (2,), (0, 1), (0, 1, 2)], ids=str)
def test_fused_maps_are_changed_where_they_are_adapted_alone(adapted: tuple[int, ...]) -> None:
    made, tokens = layer(3, adapted), torch.randn(3, 5)
    outputs = made(tokens).view(3, 3, 4)
    plain = functional.linear(tokens, made.weight, made.bias).view(3, 3, 4)
    assert {part for part in range(3) if not torch.allclose(outputs[:, part], plain[:, part])} == set(adapted)
    for place, part in enumerate(adapted):
        alone = made.weight[4 * part :][:4] + 1.5 * made.lora_B[4 * place :][:4] @ made.lora_A[2 * place :][:2]
        weight = made.magnitude[4 * place :][:4, None] * alone / alone.norm(dim=1, keepdim=True)
        torch.testing.assert_close(outputs[:, part], functional.linear(tokens, weight, made.bias[4 * part :][:4]))


def test_it_starts_as_the_map_itself_and_every_magnitude_has_a_gradient() -> None:
    linear, tokens = nn.Linear(5, 12), torch.randn(3, 5)
    made = DoraLinear(linear, parts=3, adapted=(0, 1, 2), rank=2, scale=1.5, dropout=0)
    torch.testing.assert_close(made(tokens), linear(tokens))
    made(tokens).square().sum().backward()
    assert made.magnitude.grad is not None
    assert made.magnitude.grad.all()


def test_the_norm_is_a_constant_to_gradients() -> None:
    made, tokens = layer(1, (0,)), torch.randn(3, 5)
    norm = made.direction().norm(dim=1)
    weight = (made.magnitude / norm)[:, None] * (made.weight + 1.5 * made.lora_B @ made.lora_A)
    expected = torch.autograd.grad(functional.linear(tokens, weight).square().sum(), [made.lora_A, made.lora_B])
    found = torch.autograd.grad((made(tokens) - made.bias).square().sum(), [made.lora_A, made.lora_B])
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("bias", [True, False])
def test_multiplied_out_it_is_a_plain_layer(bias: bool) -> None:
    made = DoraLinear(nn.Linear(5, 12, bias=bias), parts=3, adapted=(0, 2), rank=2, scale=1.5, dropout=0.5).eval()
    nn.init.normal_(made.lora_B)
    tokens = torch.randn(3, 5)
    with torch.no_grad():
        before = made(tokens)
        plain = made.merged()
        assert type(plain) is nn.Linear
        torch.testing.assert_close(plain(tokens), before)
