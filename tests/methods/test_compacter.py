from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from torch import nn

from robustft.methods.compacter import Compacter


@pytest.mark.parametrize(("width", "reduction"), [(768, 32), (1024, 32), (384, 32), (192, 24), (96, 24), (64, 16)])
def test_the_largest_reduction_that_fits_is_taken(width: int, reduction: int) -> None:
    assert Compacter().reduction_for(width) == reduction


def test_another_reduction_than_asked_for_is_logged(
    make_vit: Callable[..., nn.Module], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        Compacter(reduction=16).apply(make_vit())
        assert not caplog.records
        Compacter().apply(make_vit())
    assert [record.getMessage() for record in caplog.records] == [
        "Compacter: width 64 is no multiple of reduction x phm_dim = 32 x 4; taking reduction 16 instead"
    ]


def test_a_width_that_phm_dim_does_not_divide_is_refused(make_vit: Callable[..., nn.Module]) -> None:
    with pytest.raises(ValueError, match=r"^phm_dim must divide the width of the network, 64; got 5"):
        Compacter(phm_dim=5).apply(make_vit())
    with pytest.raises(ValueError, match=r"^phm_dim must be a whole number of at least 1, got 0"):
        Compacter(phm_dim=0)


def test_one_rule_is_shared_by_all_adapters(make_vit: Callable[..., nn.Module]) -> None:
    network = Compacter().apply(make_vit())
    assert [name for name, _ in network.named_parameters() if "phm_rule" in name] == [
        "shared_parameters.tuned.phm_rule"
    ]
