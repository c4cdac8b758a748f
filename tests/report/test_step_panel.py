from __future__ import annotations

import numpy as np
import pytest

from robustft.report.step_panel import spread_out


@pytest.mark.parametrize("seed", range(30))
def test_heights_come_apart_in_their_order(seed: int) -> None:
    generator = np.random.default_rng(seed)
    heights = generator.random(generator.integers(1, 12)).round(1)

    spread = np.array(spread_out(heights.tolist(), gap=0.05))

    order = np.argsort(heights, kind="stable")
    assert (np.diff(spread[order]) >= 0.05 - 1e-9).all()
    assert spread.max() <= 1
    assert spread.min() >= 0


def test_heights_that_are_apart_stay() -> None:
    assert spread_out([0.9, 0.1, 0.5], gap=0.05) == pytest.approx([0.9, 0.1, 0.5])


def test_heights_at_the_top_are_pushed_down() -> None:
    assert spread_out([1.0, 1.0], gap=0.1) == pytest.approx([0.9, 1.0])
