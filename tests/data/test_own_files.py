"""A cache that others write to: whatever they put under the names that a build uses, no file of its user's changes."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from robustft.data.cache import cached_split, fingerprint_cache
from robustft.data.cache.chunk_layout import ChunkLayout
from robustft.data.corruptions.corrupted_images import CorruptedImages
from robustft.data.dataset import Images
from robustft.data.errors import CacheError
from robustft.data.own_files import private_directory
from robustft.data.sources.folder import Folder
from tests.data.pictures import put, save

SECRET = b"what the user has written\n" * 50


@pytest.fixture(autouse=True)
def directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("ROBUSTFT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cached_split, "IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(ChunkLayout, "chunk_images", 2)
    return tmp_path / "cache"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    random = np.random.default_rng(0)
    for row in range(4):
        picture = Image.fromarray(random.integers(0, 256, (9, 9, 3), dtype=np.uint8))
        for split in ("train", "test"):
            put(tmp_path / "pictures" / split / f"class {row % 2}" / f"{row}.png", save(picture, "PNG"))
    return tmp_path / "pictures"


@pytest.fixture
def key(pictures: Path, directory: Path) -> str:
    """Of the training split's (and, the pictures being the same, the test split's) entry; the cache is empty again."""
    Folder(path=pictures).load(8)
    (entry,) = (directory / "images").iterdir()
    shutil.rmtree(directory)
    return entry.name


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    path = tmp_path / "home" / "thesis.tex"
    put(path, SECRET)
    return path


def unharmed(victim: Path) -> bool:
    return victim.read_bytes() == SECRET and list(victim.parent.iterdir()) == [victim]


IN_THE_BUILD = ("pixels.uint8", "finished.txt", "builder.json", "labels.npy", "index.json")


@pytest.mark.parametrize("plant", [os.symlink, os.link], ids=["link", "hard link"])
@pytest.mark.parametrize("name", IN_THE_BUILD)
def test_links_in_the_place_of_a_build_are_not_written_through(
    pictures: Path, directory: Path, key: str, victim: Path, name: str, plant: Callable
) -> None:
    building = directory / "images" / f"{key}.building"
    building.mkdir(parents=True)
    plant(victim, building / name)
    data = Folder(path=pictures).load(8)
    assert unharmed(victim)
    assert np.array_equal(data.train.pixels, Folder(path=pictures).load(8).train.pixels)
    entry = directory / "images" / key
    assert all(stat.S_ISREG(path.lstat().st_mode) and path.stat().st_nlink == 1 for path in entry.iterdir())


@pytest.mark.parametrize("name", ["{key}.building", "{key}"])
@pytest.mark.parametrize("to", ["file", "directory", "nothing"])
def test_a_link_in_place_of_a_directory_is_not_followed(
    pictures: Path, directory: Path, key: str, victim: Path, name: str, to: str
) -> None:
    (directory / "images").mkdir(parents=True)
    target = {"file": victim, "directory": victim.parent, "nothing": victim.parent / "new"}[to]
    (directory / "images" / name.format(key=key)).symlink_to(target)
    first = Folder(path=pictures).load(8)
    assert np.array_equal(first.train.pixels, Folder(path=pictures).load(8).train.pixels)
    assert unharmed(victim)
    assert not (directory / "images" / key).is_symlink()


@pytest.mark.parametrize("to", ["file", "nothing"])
def test_a_link_in_place_of_a_lock_is_one_line(
    pictures: Path, directory: Path, key: str, victim: Path, to: str
) -> None:
    (directory / "locks").mkdir(parents=True)
    (directory / "locks" / f"{key}.lease").symlink_to(victim if to == "file" else victim.parent / "new")
    with pytest.raises(CacheError, match=r"ROBUSTFT_CACHE: .*/locks/\w+\.lease is a link, which the cache never has"):
        Folder(path=pictures).load(8)
    assert unharmed(victim)


def test_a_link_in_place_of_a_remembered_fingerprint_is_replaced(
    pictures: Path, directory: Path, victim: Path, monkeypatch
) -> None:
    monkeypatch.setattr(fingerprint_cache, "_MIN_CACHED_BYTES", 0)
    monkeypatch.setattr(fingerprint_cache, "is_settled", lambda status: True)
    files = Folder(path=pictures).files()
    found = fingerprint_cache.cached_fingerprint(files)
    (file,) = (directory / "fingerprints").iterdir()
    file.unlink()
    file.symlink_to(victim)
    assert fingerprint_cache.cached_fingerprint(files) == found
    assert not file.is_symlink()
    assert file.read_text() == found
    assert unharmed(victim)


@pytest.mark.parametrize("suffix", [".npy", ".crc32"])
def test_links_in_place_of_corrupted_images_are_replaced(directory: Path, victim: Path, suffix: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 32, 32), dtype=np.uint8)
    images = Images(pixels=pixels, labels=np.zeros(2, np.int64))
    corrupted = CorruptedImages(images, np.arange(2), corruption="contrast", severity=1, storage="none")
    file = corrupted.write_to_cache().with_suffix(suffix)
    file.unlink()
    file.symlink_to(victim)
    corrupted.write_to_cache()
    assert unharmed(victim)
    assert not file.is_symlink()


def test_a_build_is_its_user_s_alone_and_what_comes_of_it_is_for_all(
    pictures: Path, directory: Path, monkeypatch
) -> None:
    modes = []
    real = cached_split.build_pixels

    def watched(building: Path, *arguments, **options):
        modes.append(stat.S_IMODE(building.stat().st_mode))
        return real(building, *arguments, **options)

    monkeypatch.setattr(cached_split, "build_pixels", watched)
    Folder(path=pictures).load(8)
    assert set(modes) == {0o700}
    images = directory / "images"
    assert {stat.S_IMODE(entry.stat().st_mode) for entry in images.iterdir()} == {stat.S_IMODE(images.stat().st_mode)}


@pytest.mark.parametrize("mode", [0o777, 0o770])
def test_a_directory_that_others_can_write_into_is_begun_again(tmp_path: Path, mode: int) -> None:
    wanted = tmp_path / "x.building"
    wanted.mkdir()
    (wanted / "planted").touch()
    wanted.chmod(mode)
    assert private_directory(wanted) == wanted
    assert list(wanted.iterdir()) == []
    assert stat.S_IMODE(wanted.stat().st_mode) == 0o700
    (wanted / "mine").touch()
    assert private_directory(wanted) == wanted
    assert [path.name for path in wanted.iterdir()] == ["mine"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can give a directory away")
def test_somebody_else_s_directory_stays_and_the_work_goes_beside_it(tmp_path: Path) -> None:
    wanted = tmp_path / "x.building"
    wanted.mkdir()
    (wanted / "theirs").touch()
    os.chown(wanted, 12345, 12345)
    made = private_directory(wanted)
    assert made.name.startswith("x.building-")
    assert list(made.iterdir()) == []
    assert (wanted / "theirs").exists()
