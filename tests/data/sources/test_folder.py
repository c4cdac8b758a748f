from __future__ import annotations

import os
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from robustft.data.cache.fingerprint import fingerprint
from robustft.data.errors import DataError, DataNotFound
from robustft.data.sources.folder import Folder
from tests.data.pictures import SHARED, encoded, folder, put, save


def test_images_labels_and_classes(tmp_path: Path) -> None:
    data = Folder(path=folder(tmp_path, classes=("dog", "Ant", "cat"))).load(5)
    assert data.classes == ("Ant", "cat", "dog")
    assert data.train.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert data.test.labels.tolist() == [0, 1, 2]
    assert data.test.pixels[:, 0, 0, 0].tolist() == [50, 100, 0]
    assert data.train.pixels.shape == (6, 3, 5, 5)
    assert data.ood == {}


def test_files_are_those_of_both_splits_by_relative_name(tmp_path: Path) -> None:
    folder(tmp_path, splits=("train", "test", "val"))
    assert list(Folder(path=tmp_path).files()) == [
        "train/cat/0.png",
        "train/cat/1.png",
        "train/dog/0.png",
        "train/dog/1.png",
        "test/cat/0.png",
        "test/dog/0.png",
    ]


def test_the_same_images_elsewhere_are_the_same_data(tmp_path: Path) -> None:
    first, second = folder(tmp_path / "a"), folder(tmp_path / "b", splits=("test", "validation", "train"))
    assert fingerprint(Folder(path=first).files()) == fingerprint(Folder(path=second).files())


def test_what_is_no_image_or_hidden_is_ignored(tmp_path: Path) -> None:
    folder(tmp_path)
    for name in ("notes.txt", "train/labels.csv", "train/cat/Thumbs.db", "train/cat/.0.png", "train/.cache/0.png"):
        put(tmp_path / name, b"no image")
    put(tmp_path / "train" / "cat" / "UPPER.PNG")
    (tmp_path / "train" / "empty").mkdir()
    (tmp_path / "test" / "empty").mkdir()
    source = Folder(path=tmp_path)
    assert len(source.files()) == 7
    assert source.load(4).classes == ("cat", "dog")


def test_linked_directories_are_followed(tmp_path: Path) -> None:
    folder(tmp_path / "elsewhere")
    (tmp_path / "here").mkdir()
    for split in ("train", "test"):
        os.symlink(tmp_path / "elsewhere" / split, tmp_path / "here" / split)
    assert len(Folder(path=tmp_path / "here").load(4).train) == 4


def test_the_name_is_the_base_name_unless_given(tmp_path: Path) -> None:
    assert Folder(path=tmp_path / "my birds").name == "my-birds"
    assert Folder(path=f"{tmp_path}/birds/").name == "birds"
    assert Folder(path=tmp_path, name="b.2").name == "b.2"


def test_nothing_is_looked_at_before_it_is_asked_for(tmp_path: Path) -> None:
    source = Folder(path=tmp_path / "later")
    folder(tmp_path / "later")
    assert len(source.files()) == 6


def _without_test(root: Path) -> None:
    folder(root, splits=("train", "val"))


def _without_train(root: Path) -> None:
    folder(root, splits=("test",))


def _without_images(root: Path) -> None:
    put(root / "train" / "cat" / "a.txt")
    put(root / "test" / "cat" / "a.png")


def _one_class(root: Path) -> None:
    folder(root, classes=("cat",))


def _class_without_training(root: Path) -> None:
    folder(root)
    (root / "train" / "emu").mkdir()
    put(root / "test" / "emu" / "9.png")


def _broken(root: Path) -> None:
    folder(root)
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    put(root / "train" / "cat" / "5.jpg", save(noise, "JPEG")[:-500])
    put(root / "train" / "dog" / "5.jpg", b"no image")


def _domains(root: Path) -> None:
    for split in ("train", "test"):
        folder(root / split, splits=("photo",))


def _loose(root: Path) -> None:
    folder(root)
    put(root / "test" / "0.png")


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda root: None, DataNotFound, r"has no images: looked for SPLIT/CLASS/\* .* found no directory$"),
        (lambda root: folder(root / "cars"), DataNotFound, r"has no images: looked for SPLIT/CLASS/\* .* found cars$"),
        (_without_test, DataNotFound, r"has no test split: .* found train, val$"),
        (_without_train, DataNotFound, r"has no train split: .* found test$"),
        (_without_images, DataNotFound, r"has no images: looked for train/CLASS/\*$"),
        (_one_class, DataError, "must have at least 2 classes, found cat$"),
        (_class_without_training, DataError, r"has no training image of the class 'emu', which test/emu/9\.png is of$"),
        (
            _broken,
            DataError,
            r"training split: 2 of 6 images do not decode; the first is train/cat/5\.jpg: .*truncated",
        ),
        (_domains, DataError, r"has train/photo/cat/0\.png, which is not in SPLIT/CLASS/\*; .*dataset=domains"),
        (_loose, DataError, r"has test/0\.png, which is not in SPLIT/CLASS/\*"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, make: object, kind: type[ValueError], message: str) -> None:
    root = tmp_path / "set"
    root.mkdir()
    make(root)  # type: ignore[operator]
    with pytest.raises(kind, match=message) as raised:
        Folder(path=root).load(4)
    assert str(raised.value).startswith(f"path {root}")
    assert "\n" not in str(raised.value)


def test_path_must_be_a_directory(tmp_path: Path) -> None:
    with pytest.raises(DataNotFound, match=r"^path must be a directory, but .*gone does not exist$"):
        Folder(path=tmp_path / "gone").files()
    with pytest.raises(DataNotFound, match=r"^path must be a directory, but .*\.png is a file$"):
        Folder(path=put(tmp_path / "a.png", encoded())).files()


@pytest.mark.soak
@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the pictures in ../shared")
def test_real_photographs_of_many_sizes() -> None:
    data = Folder(path=SHARED / "caltech101").load(32)
    assert len(data.classes) == 101
    assert np.bincount(data.train.labels).tolist() == [12] * 101
    assert np.bincount(data.test.labels).tolist() == [6] * 101


FORMS = {
    **dict.fromkeys((".jfif", ".JPE", ".Jpg"), "JPEG"),
    **dict.fromkeys((".jp2", ".j2k"), "JPEG2000"),
    ".tga": "TGA",
    ".pnm": "PPM",
    ".pbm": "PPM",
    ".DIB": "DIB",
    ".ico": "ICO",
    ".pcx": "PCX",
    ".apng": "PNG",
}


@pytest.mark.parametrize("ending", FORMS)
def test_a_class_of_any_format_that_is_read_is_there(
    tmp_path: Path, ending: str, recwarn: pytest.WarningsRecorder
) -> None:
    folder(tmp_path)
    for split in ("train", "test"):
        image = save(
            Image.new("RGB", (16, 16), (255, 255, 255)).convert("1" if ending == ".pbm" else "RGB"), FORMS[ending]
        )
        put(tmp_path / split / "emu" / f"0{ending}", image)
    data = Folder(path=tmp_path).load(4)
    assert data.classes == ("cat", "dog", "emu")
    assert data.test.pixels[2].min() > 250
    assert len(recwarn) == 0


def test_files_that_are_left_out_are_counted_and_folders_without_an_image_named(tmp_path: Path) -> None:
    folder(tmp_path)
    for name in (
        "cat/a.txt",
        "cat/b.mp4",
        "cat/c.MP4",
        "emu/0.heic",
        "emu/Thumbs.db",
        "__MACOSX/._0.jpg",
        "cat/.DS_Store",
    ):
        put(tmp_path / "train" / name, b"no image")
    put(tmp_path / "train" / "@eaDir" / "0.jpg")
    with pytest.warns(UserWarning, match=r"^path ") as warned:
        data = Folder(path=tmp_path).load(4)
    assert data.classes == ("cat", "dog")
    assert [str(one.message) for one in warned] == [
        f"path {tmp_path}: 4 files left out: 2 .mp4, 1 .heic, 1 .txt",
        f"path {tmp_path}: no readable image in train/emu",
    ]


def test_images_at_any_other_depth_are_an_error(tmp_path: Path) -> None:
    put(folder(tmp_path) / "train" / "cat" / "deep" / "deeper" / "0.jfif")
    with pytest.raises(DataError, match=r"has train/cat/deep/deeper/0\.jfif, which is not in SPLIT/CLASS"):
        Folder(path=tmp_path).files()


def test_a_class_whose_name_is_no_text_is_named(tmp_path: Path) -> None:
    folder(tmp_path, classes=("cat", "caf\udce9"))
    with pytest.raises(DataError, match=r"has a class 'train/caf.udce9': names of classes must be UTF-8$"):
        Folder(path=tmp_path).files()


def test_a_file_whose_name_is_no_text_is_read(tmp_path: Path) -> None:
    put(folder(tmp_path) / "train" / "cat" / "caf\udce9.png")
    source = Folder(path=tmp_path)
    assert len(source.load(4).train) == len(source.files()) - 2 == 5
    assert len(fingerprint(source.files())) == 32


def test_an_image_above_pillows_limit_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(folder(tmp_path) / "train" / "cat" / "5.png", encoded(size=(30, 30)))
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 400)
    with pytest.raises(
        DataError, match=r"training split: 1 of 5 .* first is train/cat/5\.png: Image size \(900 pixels\)"
    ):
        Folder(path=tmp_path).load(4)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(Folder(path=tmp_path).load(4).train) == 5
