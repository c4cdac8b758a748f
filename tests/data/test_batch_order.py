from __future__ import annotations

import numpy as np
import pytest

from robustft.data.batch_order import batch_rows, epoch_order, steps_per_epoch
from robustft.data.split import hold_out


def test_an_epoch_has_every_row_once() -> None:
    assert np.array_equal(np.sort(epoch_order(101, seed=5, epoch=2)), np.arange(101))


def test_seeds_and_epochs_have_orders_of_their_own() -> None:
    orders = [epoch_order(50, seed, epoch) for seed in (0, 1, 2**40) for epoch in (0, 1, 2)]
    assert len({tuple(order) for order in orders}) == 9


def test_the_order_never_changes() -> None:
    assert epoch_order(8, seed=0, epoch=0).tolist() == [1, 6, 0, 3, 7, 2, 5, 4]


def test_order_and_split_of_a_seed_are_independent() -> None:
    assert not np.array_equal(np.sort(epoch_order(100, 0, 0)[:10]), hold_out(np.zeros(100, dtype=np.int64), 0.1, 0)[1])


@pytest.mark.parametrize(("count", "batch_size", "steps"), [(100, 10, 10), (109, 10, 10), (9, 10, 1), (1, 1, 1)])
def test_steps_per_epoch(count: int, batch_size: int, steps: int) -> None:
    assert steps_per_epoch(count, batch_size) == steps


def test_an_epoch_of_cifar10_has_352_updates_with_its_incomplete_last_batch_and_351_without() -> None:
    assert steps_per_epoch(45_000, 128) == 351
    assert steps_per_epoch(45_000, 128, drop_last=False) == 352
    assert steps_per_epoch(6, 10, drop_last=False) == steps_per_epoch(10, 10, drop_last=False) == 1


def test_with_the_incomplete_last_batch_every_epoch_has_every_row_once() -> None:
    rows = [batch_rows(step, count=25, batch_size=10, seed=3, drop_last=False) for step in range(6)]
    assert [len(batch) for batch in rows] == [10, 10, 5] * 2
    for epoch in (0, 1):
        assert np.array_equal(np.concatenate(rows[3 * epoch : 3 * epoch + 3]), epoch_order(25, seed=3, epoch=epoch))


def test_batches_walk_through_the_epoch_and_on_into_the_next() -> None:
    rows = [batch_rows(step, count=25, batch_size=10, seed=3) for step in range(4)]
    for epoch in (0, 1):
        expected = epoch_order(25, seed=3, epoch=epoch)[:20]
        assert np.array_equal(np.concatenate(rows[2 * epoch : 2 * epoch + 2]), expected)


def test_a_set_smaller_than_the_batch_is_the_batch() -> None:
    for step in range(3):
        assert np.array_equal(np.sort(batch_rows(step, count=6, batch_size=10, seed=0)), np.arange(6))


@pytest.mark.parametrize(
    ("name", "value"), [("step", -1), ("count", 0), ("batch_size", 0), ("seed", -1), ("batch_size", 2.5)]
)
def test_arguments_are_checked(name: str, value: float) -> None:
    arguments = {"step": 0, "count": 10, "batch_size": 5, "seed": 0, name: value}
    with pytest.raises(ValueError, match=f"^{name} must be"):
        batch_rows(**arguments)  # type: ignore[arg-type]
