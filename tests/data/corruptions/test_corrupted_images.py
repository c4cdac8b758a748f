from __future__ import annotations

import numpy as np
import pytest

from robustft.data.corruptions import corrupted_images
from robustft.data.corruptions.corrupt import corrupt
from robustft.data.corruptions.corrupted_images import CorruptedImages, corrupted_sets


@pytest.fixture
def images(random_images):
    return random_images(9, resolution=28)


@pytest.mark.parametrize("keep", ["memory", "disk", "none"])
def test_every_image_is_the_same_however_it_is_asked_for_and_kept(images, keep, tmp_path, monkeypatch):
    monkeypatch.setenv("ROBUSTFT_CACHE", str(tmp_path / "cache"))
    corrupted = CorruptedImages(images, np.arange(9), corruption="snow", severity=2, storage=keep)
    expected = np.stack([corrupt(images.pixels[row], "snow", 2, index=row) for row in range(9)])
    for rows in ([3], [8, 3, 0], list(range(9)), []):
        pixels, labels = corrupted.batch(np.array(rows, dtype=np.int64))
        assert np.array_equal(pixels, expected[rows])
        assert np.array_equal(labels, images.labels[rows])
    assert len(corrupted) == 9
    assert list(tmp_path.rglob("*.*")) == []  # whatever is on the disk has no name


def test_an_image_that_is_taken_is_a_copy(images):
    corrupted = CorruptedImages(images, np.arange(9), corruption="fog", severity=1, storage="memory")
    first, _ = corrupted.batch(np.array([0]))
    before = first.copy()
    first[:] = 0
    assert np.array_equal(corrupted.batch(np.array([0]))[0], before)


def test_a_subset_is_corrupted_as_the_whole_split_is(images):
    rows = np.array([2, 5])
    whole = corrupted_sets(images, np.arange(9), ("gaussian_noise",), (3,))["gaussian_noise-3"]
    part = corrupted_sets(images.take(rows), rows, ("gaussian_noise",), (3,))["gaussian_noise-3"]
    assert np.array_equal(part.batch(np.arange(2))[0], whole.batch(rows)[0])


def test_sets_are_named_by_corruption_and_severity(images):
    assert list(corrupted_sets(images, np.arange(9), ("snow", "fog"), (1, 5))) == ["snow-1", "snow-5", "fog-1", "fog-5"]
    assert corrupted_sets(images, np.arange(9), (), (1, 5)) == {}


@pytest.mark.parametrize(("times_free", "keep"), [(1, "disk"), (10**15, "none")])
def test_what_is_too_much_for_memory_goes_to_disk_if_there_is_room(images, monkeypatch, times_free, keep, tmp_path):
    monkeypatch.setenv("ROBUSTFT_CACHE", str(tmp_path))
    monkeypatch.setattr(corrupted_images, "MEMORY_LIMIT_BYTES", 100)
    monkeypatch.setattr(corrupted_images, "_TIMES_FREE", times_free)
    (corrupted,) = corrupted_sets(images, np.arange(9), ("fog",), (1,)).values()
    corrupted.batch(np.arange(9))
    assert corrupted._storage == keep
    assert isinstance(corrupted._cache, np.memmap) == (keep == "disk")


def test_small_images_are_refused_only_if_there_are_corruptions(random_images):
    small = random_images(2, resolution=27)
    assert corrupted_sets(small, np.arange(2), (), (1,)) == {}
    with pytest.raises(ValueError, match="corruptions need images of at least 28 x 28 pixels, got 27 x 27"):
        corrupted_sets(small, np.arange(2), ("fog",), (1,))


def test_what_was_made_ahead_is_read_and_is_the_same(images, tmp_path, monkeypatch):
    monkeypatch.setenv("ROBUSTFT_CACHE", str(tmp_path))
    rows = np.array([4, 0, 7])
    fresh = corrupted_sets(images.take(rows), rows, ("snow",), (2,))["snow-2"].batch(np.arange(3))[0]
    file = corrupted_sets(images.take(rows), rows, ("snow",), (2,))["snow-2"].write_to_cache()
    assert file.is_relative_to(tmp_path)
    later = corrupted_sets(images.take(rows), rows, ("snow",), (2,))["snow-2"]
    monkeypatch.setattr(CorruptedImages, "_corrupted", None)  # would fail if anything were made again
    assert np.array_equal(later.batch(np.array([2, 0]))[0], fresh[[2, 0]])
    assert later.write_to_cache() == file


def test_other_images_rows_corruptions_and_severities_have_other_files(images, random_images, tmp_path, monkeypatch):
    monkeypatch.setenv("ROBUSTFT_CACHE", str(tmp_path))
    rows = np.arange(9)
    files = {
        corrupted_sets(some, at, (name,), (severity,))[f"{name}-{severity}"].write_to_cache()
        for some, at, name, severity in (
            (images, rows, "fog", 1),
            (random_images(9, resolution=28, seed=5), rows, "fog", 1),
            (images, rows + 1, "fog", 1),
            (images, rows, "snow", 1),
            (images, rows, "fog", 2),
        )
    }
    assert len(files) == 5


def test_a_flipped_byte_is_noticed_and_made_anew(images, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("ROBUSTFT_CACHE", str(tmp_path))
    file = corrupted_sets(images, np.arange(9), ("fog",), (1,))["fog-1"].write_to_cache()
    content = bytearray(file.read_bytes())
    content[-5] ^= 1
    file.write_bytes(content)
    corrupted = corrupted_sets(images, np.arange(9), ("fog",), (1,))["fog-1"]
    expected = np.stack([corrupt(images.pixels[row], "fog", 1, index=row) for row in range(9)])
    assert np.array_equal(corrupted.batch(np.arange(9))[0], expected)
    assert "is not what was written" in capfd.readouterr().err
    assert corrupted.write_to_cache() == file
    assert corrupted_images.corrupted_cache.read_entry(file, (9, 3, 28, 28)) is not None
