from __future__ import annotations

from pathlib import Path

import pytest

from robustft.data.archives.cub import CubArchive
from robustft.data.errors import DataError
from robustft.data.sources.published import Published
from tests.data import written_archives
from tests.data.pictures import gray_levels


def source(root: Path) -> Published:
    return Published(path=root, archive=CubArchive(), name="cub200")


def test_images_labels_names_and_the_authors_split(tmp_path: Path) -> None:
    data = source(written_archives.cub(tmp_path)).load(4)
    assert len(data.classes) == 200
    assert data.classes[:2] == ("Bird_1", "Bird_2")
    assert data.train.labels.tolist() == data.test.labels.tolist() == list(range(200))
    assert gray_levels(data.train.pixels) == [number % 256 for number in range(1, 401, 2)]
    assert gray_levels(data.test.pixels) == [number % 256 for number in range(2, 401, 2)]


def test_the_lists_in_another_order_are_the_same_images(tmp_path: Path) -> None:
    written_archives.cub(tmp_path, classes=3)
    labels = tmp_path / "CUB_200_2011" / "image_class_labels.txt"
    labels.write_text("\n".join(reversed(labels.read_text().splitlines())))
    assert source(tmp_path).load(4).train.labels.tolist() == [0, 1, 2]


def test_files_are_the_lists_that_count_and_the_images(tmp_path: Path) -> None:
    files = source(written_archives.cub(tmp_path, classes=2)).files()
    assert len(files) == 4 + 4
    assert "train_test_split.txt" in files
    assert "images/001.Bird_1/Bird_1_0001_796001.jpg" in files
    assert all(file.is_file() for file in files.values())


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("images", "9 ../../secret.png", r"images\.txt must name files inside .*, got '\.\./\.\./secret\.png'$"),
        ("images", "9 /etc/secret.png", r"images\.txt must name files inside"),
        ("images", "9 001.Bird_1/more.jpg", r"has the image 9 in only one of images\.txt and image_class_labels\.txt$"),
        ("train_test_split", "9 1", r"has the image 9 in only one of images\.txt and train_test_split\.txt$"),
        ("image_class_labels", "1 7", r"has the class 7 in image_class_labels\.txt, but not in classes\.txt$"),
        ("image_class_labels", "1 x", r"image_class_labels\.txt must have whole numbers below a million, got 'x'$"),
        ("classes", "word", r"classes\.txt must have two fields in every line, but line 3 is 'word'$"),
    ],
)
def test_lists_that_do_not_fit(tmp_path: Path, name: str, line: str, message: str) -> None:
    written_archives.cub(tmp_path, classes=2)
    file = tmp_path / "CUB_200_2011" / f"{name}.txt"
    file.write_text(file.read_text() + line + "\n")
    with pytest.raises(DataError, match=message):
        source(tmp_path).load(4)
