from __future__ import annotations

import numpy as np
import pytest

from robustft.data.class_matching import mapping_argument, match_classes
from robustft.data.dataset import Images
from robustft.data.errors import DataError

CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
STL = ("airplane", "bird", "car", "cat", "deer", "dog", "horse", "monkey", "ship", "truck")


def images(*labels: int) -> Images:
    """Images whose pixels are their places."""
    pixels = (
        np.zeros((len(labels), 3, 2, 2), dtype=np.uint8) + np.arange(len(labels), dtype=np.uint8)[:, None, None, None]
    )
    return Images(pixels=pixels, labels=np.array(labels, dtype=np.int64))


def test_stl10_goes_into_cifar10s_classes():
    matched, notes = match_classes(images(7, 2, 0, 9, 7), theirs=STL, ours=CIFAR, mapping={"car": "automobile"})
    assert matched.labels.tolist() == [1, 0, 9]
    assert matched.pixels[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert notes == ("2 images left out, of classes not in ours: monkey", "no images of frog")


def test_names_match_without_case_and_separators():
    matched, notes = match_classes(images(0, 1), theirs=("fire-truck", "Sea Lion"), ours=("sea_lion", "Fire_Truck"))
    assert matched.labels.tolist() == [1, 0]
    assert notes == ()


def test_several_of_their_classes_may_be_one_of_ours():
    matched, _ = match_classes(
        images(0, 1, 2), theirs=("beagle", "pug", "cat"), ours=("cat", "dog"), mapping={"beagle": "dog", "Pug": "DOG"}
    )
    assert matched.labels.tolist() == [1, 1, 0]


def test_the_mapping_goes_before_the_name():
    matched, _ = match_classes(images(0, 1), theirs=("bat", "club"), ours=("bat", "club"), mapping={"bat": "club"})
    assert matched.labels.tolist() == [1, 1]


def test_without_a_class_in_common_both_lists_are_named():
    with pytest.raises(DataError, match=r"^no class in common: it has ant, bee; this data set has cat, dog$"):
        match_classes(images(0), theirs=("ant", "bee"), ours=("cat", "dog"))


@pytest.mark.parametrize("mapping", [{"wasp": "cat"}, {"ant": "wasp"}])
def test_a_mapping_of_what_is_not_there_is_refused(mapping):
    with pytest.raises(DataError, match=r"^mapping has 'wasp', which is no class of"):
        match_classes(images(0), theirs=("ant", "cat"), ours=("cat", "dog"), mapping=mapping)


def test_no_image_in_common_is_refused():
    with pytest.raises(DataError, match="no image of a class in common"):
        match_classes(images(0), theirs=("ant", "cat"), ours=("cat", "dog"))


def test_classes_that_differ_by_case_only_are_refused():
    with pytest.raises(DataError, match="'Cat' and 'cat' cannot be told apart"):
        match_classes(images(0), theirs=("Cat", "cat"), ours=("cat", "dog"))


@pytest.mark.parametrize(("given", "expected"), [(None, {}), ({0: "zero"}, {"0": "zero"}), ({"a": 1}, {"a": "1"})])
def test_a_mapping_may_name_classes_by_numbers(given, expected):
    assert mapping_argument(given) == expected


@pytest.mark.parametrize("given", ["car", ["car"], {"car": None}, {"car": ["automobile"]}])
def test_another_mapping_is_refused(given):
    with pytest.raises(ValueError, match=r"^mapping must"):
        mapping_argument(given)
