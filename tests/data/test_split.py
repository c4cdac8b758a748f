from __future__ import annotations

import numpy as np
import pytest

from robustft.data.split import fixed_subset, hold_out


def labels_of(*counts: int) -> np.ndarray:
    """So many images of class 0, 1, ..., in a random order."""
    labels = np.repeat(np.arange(len(counts), dtype=np.int64), counts)
    return np.random.default_rng(5).permutation(labels)


@pytest.mark.parametrize(
    ("counts", "fraction", "held"),
    [
        ([100], 0.1, [10]),
        ([2], 0.01, [1]),  # at least one image
        ([2], 0.99, [1]),  # a class keeps one for training
        ([50, 30, 20], 0.1, [5, 3, 2]),
        ([57, 33, 14], 0.1, [6, 3, 1]),  # 5.7, 3.3, 1.4: round(10.4) images, the largest remainder gets the tenth
        ([300, 100, 4, 1], 0.1, [30, 10, 0, 0]),  # round(40.5) is 40
        ([10, 1, 1, 1, 1, 1, 1], 0.5, [8, 0, 0, 0, 0, 0, 0]),  # what single images cannot give, others do
        ([100, 100], 0.29, [29, 29]),
        ([10] * 3, 0.95, [9] * 3),
    ],
)
def test_hold_out_takes_its_share_of_every_class(counts: list[int], fraction: float, held: list[int]) -> None:
    labels = labels_of(*counts)
    training, validation = hold_out(labels, fraction, seed=0)
    assert np.bincount(labels[validation], minlength=len(counts)).tolist() == held
    assert np.array_equal(np.sort(np.concatenate([training, validation])), np.arange(len(labels)))
    assert (np.diff(training) > 0).all()
    assert (np.diff(validation) > 0).all()


@pytest.mark.parametrize("seed", range(5))
def test_no_class_is_off_its_share_by_a_whole_image_and_the_total_is_what_was_asked_for(seed: int) -> None:
    random = np.random.default_rng(seed)
    counts = random.integers(1, 60, size=40)
    labels = labels_of(*counts)
    for fraction in (0.05, 0.1, 0.33):
        held = np.bincount(labels[hold_out(labels, fraction, seed)[1]], minlength=40)
        assert held.sum() == round(fraction * len(labels))
        assert (np.abs(held - fraction * counts) < 1).all()
        assert (held < counts).all()


def test_chance_decides_which_of_many_small_classes_give_an_image() -> None:
    labels = labels_of(*[6] * 10)
    given = [np.bincount(labels[hold_out(labels, 0.1, seed)[1]], minlength=10) for seed in range(40)]
    assert {tuple(sorted(held.tolist())) for held in given} == {(0,) * 4 + (1,) * 6}
    assert (np.sum(given, axis=0) > 40 * 0.6 / 2).all()


def test_every_image_of_a_class_may_be_held_out() -> None:
    labels = labels_of(20, 20)
    drawn = np.concatenate([hold_out(labels, 0.1, seed)[1] for seed in range(100)])
    assert len(np.unique(drawn)) == 40


def test_hold_out_is_a_function_of_its_arguments_alone() -> None:
    labels = labels_of(*[100] * 10)
    np.random.seed(1)  # noqa: NPY002
    first = hold_out(labels, 0.1, seed=3)
    np.random.seed(2)  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(first, hold_out(labels, 0.1, seed=3), strict=True))
    assert not np.array_equal(first[1], hold_out(labels, 0.1, seed=4)[1])


def test_the_split_of_a_seed_never_changes() -> None:
    assert hold_out(np.arange(20) % 3, 0.2, seed=0)[1].tolist() == [3, 13, 17, 19]


@pytest.mark.parametrize("labels", [[0], [0, 1], [], [3, 1, 2]])
def test_classes_of_single_images_cannot_be_split(labels: list[int]) -> None:
    with pytest.raises(ValueError, match=rf"^validation_fraction must leave images .* of {len(labels)} without two of"):
        hold_out(np.array(labels, dtype=np.int64), 0.5, seed=0)


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
    [((0.0, 0), "validation_fraction"), ((1.0, 0), "validation_fraction"), ((0.1, -1), "seed")],
)
def test_hold_out_checks_its_arguments(arguments: tuple[float, int], name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be"):
        hold_out(labels_of(10), *arguments)


@pytest.mark.parametrize("max_images", [0, -1, 1.5, True])
def test_subset_checks_its_arguments(max_images: int) -> None:
    with pytest.raises(ValueError, match=r"^max_images must be"):
        fixed_subset(10, max_images)
