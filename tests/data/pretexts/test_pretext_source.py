from __future__ import annotations

import numpy as np
import pytest

from robustft.data import Dataset, Digits, Jigsaw, Pretext, PretextSource, Rotation
from robustft.data.split import hold_out
from robustft.data.split_sizes import SplitSizes
from tests.data.pretexts.every_pretext import EVERY

every_pretext = pytest.mark.parametrize("pretext", EVERY, ids=lambda pretext: pretext.name)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return Digits().load(8)


@every_pretext
def test_every_split_and_domain_has_the_versions_of_its_own_images(digits: Dataset, pretext: Pretext) -> None:
    source = PretextSource(source=Digits(), pretext=pretext)
    dataset, count = source.load(8), len(pretext.classes)
    assert dataset.classes == pretext.classes
    pairs = [(dataset.train, digits.train), (dataset.test, digits.test), (dataset.ood["mnist"], digits.ood["mnist"])]
    for ours, theirs in pairs:
        assert len(ours) == count * len(theirs)
        assert np.array_equal(ours.batch(np.arange(0, len(ours), count))[0], theirs.pixels)
    sizes = {"train": len(dataset.train), "test": len(dataset.test), "classes": count}
    ood = {"mnist": len(dataset.ood["mnist"])}
    assert source.class_names() == dataset.classes
    assert source.sizes() == SplitSizes(**sizes, ood=ood, versions=count)
    assert source.sizes().held_out(0.1) == len(dataset.hold_out(np.arange(len(dataset.train)), 0.1, 0)[1])


@every_pretext
def test_it_is_made_of_the_same_files_and_has_a_name_of_its_own(pretext: Pretext) -> None:
    source = PretextSource(source=Digits(), pretext=pretext)
    assert source.name == f"digits-{pretext.name}"
    assert (source.files(), source.resize, source.provenance()) == (Digits().files(), Digits.resize, {})


@pytest.mark.parametrize("seed", range(3))
@every_pretext
def test_no_image_is_on_both_sides_and_validation_has_those_of_the_set_itself(
    digits: Dataset, pretext: Pretext, seed: int
) -> None:
    """So fine-tuning with the same seed is validated on images that pre-training never saw."""
    dataset, count = PretextSource(source=Digits(), pretext=pretext).load(8), len(pretext.classes)
    training, validation = dataset.hold_out(np.arange(len(dataset.train)), 0.1, seed)
    assert np.array_equal(np.sort(np.concatenate([training, validation])), np.arange(len(dataset.train)))
    assert not set(training // count) & set(validation // count)
    for side, images in zip((training, validation), hold_out(digits.train.labels, 0.1, seed), strict=True):
        assert np.array_equal(side[::count] // count, images)
        assert np.bincount(dataset.train.labels[side]).tolist() == [len(images)] * count


def test_what_is_held_out_of_the_rest_is_whole_images_too() -> None:
    dataset = PretextSource(source=Digits(), pretext=Rotation()).load(8)
    training, validation = dataset.hold_out(np.arange(len(dataset.train)), 0.1, 0)
    left, apart = dataset.hold_out(training, 0.2, 1)
    assert np.array_equal(np.sort(np.concatenate([left, apart])), training)
    sides = [set(rows // 4) for rows in (left, apart, validation)]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 1347
    assert len(sides[1]) == round(0.2 * 1212)


def test_a_set_without_versions_is_split_as_ever(digits: Dataset) -> None:
    training, validation = digits.hold_out(np.arange(len(digits.train)), 0.1, 3)
    expected = hold_out(digits.train.labels, 0.1, 3)
    assert all(np.array_equal(*pair) for pair in zip((training, validation), expected, strict=True))
    left, apart = digits.hold_out(training, 0.1, 4)
    rows_left, rows_apart = hold_out(digits.train.labels[training], 0.1, 4)
    assert np.array_equal(left, training[rows_left])
    assert np.array_equal(apart, training[rows_apart])


def test_images_without_nine_tiles_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^images must have 3 x 3 pixels for pretext=jigsaw, got 2 x 2$"):
        PretextSource(source=Digits(), pretext=Jigsaw()).load(2)


@pytest.mark.parametrize(
    ("given", "name"),
    [({"source": "digits", "pretext": Rotation()}, "source"), ({"source": Digits(), "pretext": 4}, "pretext")],
)
def test_anything_but_a_source_and_a_pretext_is_refused(given: dict, name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be a "):
        PretextSource(**given)
