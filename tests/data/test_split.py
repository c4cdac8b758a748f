from __future__ import annotations

import numpy as np
import pytest

from robustft.data.split import fixed_subset, hold_out


@pytest.mark.parametrize(("count", "fraction", "held"), [(100, 0.1, 10), (2, 0.01, 1), (2, 0.99, 1), (1347, 0.1, 135)])
def test_hold_out_cuts_all_rows_in_two(count: int, fraction: float, held: int) -> None:
    training, validation = hold_out(count, fraction, seed=0)
    assert len(validation) == held
    assert np.array_equal(np.sort(np.concatenate([training, validation])), np.arange(count))
    assert (np.diff(training) > 0).all()
    assert (np.diff(validation) > 0).all()


def test_hold_out_is_a_function_of_the_seed_alone() -> None:
    np.random.seed(1)  # noqa: NPY002
    first = hold_out(1000, 0.1, seed=3)
    np.random.seed(2)  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(first, hold_out(1000, 0.1, seed=3), strict=True))
    assert not np.array_equal(first[1], hold_out(1000, 0.1, seed=4)[1])


def test_the_split_of_a_seed_never_changes() -> None:
    assert hold_out(20, 0.2, seed=0)[1].tolist() == [11, 13, 17, 19]


def test_the_subset_never_changes() -> None:
    assert fixed_subset(20, 4).tolist() == [7, 8, 9, 18]


def test_subset_is_spread_over_the_rows_and_nested() -> None:
    small, large = fixed_subset(10_000, 100), fixed_subset(10_000, 500)
    assert len(np.unique(small)) == 100
    assert (np.diff(small) > 0).all()
    assert np.isin(small, large).all()
    assert np.histogram(large, bins=10, range=(0, 10_000))[0].min() > 20


@pytest.mark.parametrize("max_images", [None, 7, 8])
def test_subset_is_everything_if_there_are_no_more(max_images: int | None) -> None:
    assert fixed_subset(7, max_images).tolist() == list(range(7))


@pytest.mark.parametrize(
    ("arguments", "name"),
    [((1, 0.1, 0), "count"), ((10, 0.0, 0), "fraction"), ((10, 1.0, 0), "fraction"), ((10, 0.1, -1), "seed")],
)
def test_hold_out_checks_its_arguments(arguments: tuple[int, float, int], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be"):
        hold_out(*arguments)


@pytest.mark.parametrize("max_images", [0, -1, 1.5, True])
def test_subset_checks_its_arguments(max_images: int) -> None:
    with pytest.raises(ValueError, match=r"^max_images must be"):
        fixed_subset(10, max_images)
