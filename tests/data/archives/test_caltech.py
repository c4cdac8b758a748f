from __future__ import annotations

from pathlib import Path

import pytest

from robustft.data.archives.caltech import CaltechArchive
from robustft.data.errors import DataError, DataNotFound
from robustft.data.sources.published import Published
from tests.data import written_archives
from tests.data.pictures import gray_levels, put


def source(root: Path) -> Published:
    return Published(path=root, archive=CaltechArchive(), name="caltech256")


def test_all_257_classes_without_a_dummy_and_a_fixed_split(tmp_path: Path) -> None:
    data = source(written_archives.caltech(tmp_path)).load(4)
    assert len(data.classes) == 257
    assert (data.classes[0], data.classes[250], data.classes[256]) == ("ak47", "airplanes-101", "clutter")
    assert data.test.labels.tolist() == list(range(257))
    assert data.train.labels.tolist() == [label for label in range(257) for _ in range(3)]
    assert set(gray_levels(data.test.pixels)) == {5}
    assert set(gray_levels(data.train.pixels)) == {1, 4, 6}


def test_no_other_image_decides_where_one_belongs(tmp_path: Path) -> None:
    written_archives.caltech(tmp_path, classes=2)
    (tmp_path / "256_ObjectCategories" / "001.ak47" / "001_0001.jpg").unlink()
    put(tmp_path / "256_ObjectCategories" / "001.ak47" / "001_0010.jpg")
    data = source(tmp_path).load(4)
    assert (len(data.train), len(data.test)) == (5, 3)


def test_what_else_is_in_the_archive_is_no_image_of_it(tmp_path: Path) -> None:
    files = source(written_archives.caltech(tmp_path)).files()
    assert len(files) == 257 * 4
    assert not [name for name in files if "RENAME2" in name or "greg" in name]


def test_what_does_not_fit_is_said(tmp_path: Path) -> None:
    written_archives.caltech(tmp_path, classes=2)
    put(tmp_path / "256_ObjectCategories" / "001.ak47" / "copy.jpg")
    with pytest.raises(DataError, match=r"has 001\.ak47/copy\.jpg, which is not called CLASS_NUMBER\.jpg"):
        source(tmp_path).load(4)
    (tmp_path / "256_ObjectCategories" / "003.empty").mkdir()
    with pytest.raises(DataNotFound, match=r"is incomplete: 003\.empty has no image$"):
        source(tmp_path).files()


def test_files_that_are_left_out_are_counted_but_for_the_archives_own(tmp_path: Path) -> None:
    written_archives.caltech(tmp_path, classes=2)
    for name in ("RENAME2", "Thumbs.db", "notes.txt"):
        put(tmp_path / "256_ObjectCategories" / "001.ak47" / name, b"no image")
    with pytest.warns(UserWarning, match=r"^path ") as said:
        source(tmp_path).load(4)
    assert [str(one.message).partition(": ")[2] for one in said] == ["1 file left out: 1 .txt"]
