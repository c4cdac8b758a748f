"""LoReFT's edit against the library's unit, and rows that stay orthonormal whatever an optimiser does."""

from __future__ import annotations

import pytest
import torch
from adapters.methods.reft import ReftUnit
from torch import nn

from robustft.methods.layers.low_rank_edit import LowRankEdit, orthonormal_rows


def drawn(**settings: int) -> LowRankEdit:
    torch.manual_seed(0)
    edit = LowRankEdit(6, rank=2, **settings)
    for parameter in edit.parameters():
        nn.init.normal_(parameter)
    return edit


def test_it_is_the_librarys_unit_with_the_same_rows() -> None:
    edit, tokens = drawn(), torch.randn(3, 5, 6)
    unit = ReftUnit(6, 2)
    with torch.no_grad():
        unit.projection.weight.copy_(orthonormal_rows(edit.projection))
        unit.learned_source.load_state_dict(edit.source.state_dict())
        torch.testing.assert_close(edit(tokens), unit(tokens))


def test_it_starts_as_the_identity_with_gradients_of_everything() -> None:
    edit, tokens = LowRankEdit(6, rank=2), torch.randn(3, 5, 6)
    assert torch.equal(edit(tokens), tokens)
    edit(tokens).pow(3).sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in edit.parameters())


def test_only_the_first_positions_are_edited() -> None:
    edit, tokens = drawn(positions=2), torch.randn(3, 5, 6)
    torch.testing.assert_close(edit(tokens)[:, :2], drawn()(tokens)[:, :2])
    assert torch.equal(edit(tokens)[:, 2:], tokens[:, 2:])


def test_an_edit_stays_within_the_span_of_its_rows() -> None:
    edit, tokens = drawn(), torch.randn(3, 5, 6)
    rows = orthonormal_rows(edit.projection)
    change = edit(tokens) - tokens
    torch.testing.assert_close(change @ rows.T @ rows, change)


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_rows_stay_orthonormal_under_an_optimiser_with_weight_decay(decay: float) -> None:
    edit, tokens = LowRankEdit(6, rank=2), torch.randn(3, 5, 6)
    optimiser = torch.optim.AdamW(edit.parameters(), lr=0.1, weight_decay=decay)
    for _ in range(5):
        optimiser.zero_grad()
        (edit(tokens) ** 2).sum().backward()
        optimiser.step()
    rows = orthonormal_rows(edit.projection)
    torch.testing.assert_close(rows @ rows.T, torch.eye(2))
    assert (edit(tokens) - tokens).abs().max() > 0.01


def test_rows_follow_their_matrix_without_jumps_and_not_its_scale() -> None:
    left, right = torch.tensor([[-1e-6, 1.0], [1.0, 0.0]]), torch.tensor([[1e-6, 1.0], [1.0, 0.0]])
    torch.testing.assert_close(orthonormal_rows(left), orthonormal_rows(right), rtol=0, atol=1e-5)
    torch.testing.assert_close(orthonormal_rows(3 * left), orthonormal_rows(left))
