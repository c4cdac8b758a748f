from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from robustft.data import Images, Pretext
from robustft.data.pretexts.image_versions import ImageVersions
from tests.data.pretexts.every_pretext import EVERY

COUNT, SIDE = 6, 9

every_pretext = pytest.mark.parametrize("pretext", EVERY, ids=lambda pretext: pretext.name)


def stored(directory: Path) -> tuple[np.ndarray, Images]:
    """The pixels of six images, and the images in a file of them as the cache has it."""
    pixels = np.random.default_rng(0).integers(0, 256, (COUNT, 3, SIDE, SIDE), dtype=np.uint8)
    (directory / "pixels").write_bytes(pixels.tobytes())
    mapped = np.memmap(directory / "pixels", dtype=np.uint8, mode="r", shape=pixels.shape)
    return pixels, Images(pixels=mapped, labels=np.arange(COUNT) % 2)


@every_pretext
def test_there_is_every_version_of_every_image_and_the_label_is_the_version(tmp_path: Path, pretext: Pretext) -> None:
    pixels, images = stored(tmp_path)
    versions = ImageVersions(images, pretext)
    count = len(pretext.classes)
    assert (len(versions), versions.resolution, versions.file) == (COUNT * count, SIDE, images.file)
    assert np.bincount(versions.labels).tolist() == [COUNT] * count
    rows = np.random.default_rng(1).permutation(len(versions))
    found, labels = versions.batch(rows)
    for image, row, label in zip(found, rows, labels, strict=True):
        of = row // count
        assert np.array_equal(image, pretext.version(pixels[of : of + 1], int(label))[0])
    assert np.array_equal(versions.pixels[rows], found)


@every_pretext
def test_some_of_them_are_as_they_are_among_all(tmp_path: Path, pretext: Pretext) -> None:
    _, images = stored(tmp_path)
    versions = ImageVersions(images, pretext)
    rows = np.array([5, 2, 2, len(versions) - 1])
    some = versions.take(rows)
    assert np.array_equal(some.pixels, versions.batch(rows)[0])
    assert np.array_equal(some.take(np.array([3, 0])).pixels, versions.batch(rows[[3, 0]])[0])
    assert some.labels.tolist() == versions.labels[rows].tolist()
    others = ImageVersions(images.take(np.array([4, 1])), pretext)
    assert np.array_equal(
        others.pixels[: len(pretext.classes)], versions.pixels[4 * len(pretext.classes) :][: len(pretext.classes)]
    )


@every_pretext
def test_pixels_are_read_when_they_are_wanted_and_only_those(tmp_path: Path, pretext: Pretext) -> None:
    _, images = stored(tmp_path)
    wanted: list[np.ndarray] = []
    read = images._read
    images._read = lambda rows: wanted.append(rows) or read(rows)  # type: ignore[method-assign]
    versions = ImageVersions(images, pretext)
    versions.take(np.arange(3))
    assert wanted == []
    versions.batch(np.array([len(pretext.classes) - 1, len(pretext.classes)]))
    assert [rows.tolist() for rows in wanted] == [[0, 1]]
