from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from robustft.data.errors import DataError, DataNotFound
from robustft.data.sources.parquet import Parquet
from tests.condition_names import UNUSABLE
from tests.data.pictures import SHARED, encoded, gray_levels, parquet, put, table, write

NAMES = {"label": ["cat", "dog"], "domain": ["art", "photo", "sketch"]}
NUMBERS = [0, 1, 2, 1, 1, 0]
WORDS = ["art", "photo", "sketch", "photo", "photo", "art"]


def test_images_labels_and_names(tmp_path: Path) -> None:
    data = Parquet(path=parquet(tmp_path, [0, 1, 1, 0, 1], [1, 0, 1], names=NAMES)).load(4)
    assert data.classes == ("cat", "dog")
    assert data.train.labels.tolist() == [0, 1, 1, 0, 1]
    assert data.test.labels.tolist() == [1, 0, 1]
    assert gray_levels(data.train.pixels) == [0, 1, 2, 3, 4]
    assert gray_levels(data.test.pixels) == [0, 1, 2]
    assert data.ood == {}


def test_plain_bytes_and_other_column_names(tmp_path: Path) -> None:
    parquet(tmp_path, [0, 1], [1, 0], plain_bytes=True, image_column="pixel_values")
    assert gray_levels(Parquet(path=tmp_path, image_column="pixel_values").load(4).train.pixels) == [0, 1]


def test_numbers_are_the_names_without_metadata(tmp_path: Path) -> None:
    assert Parquet(path=parquet(tmp_path, [0, 2, 1], [2])).load(4).classes == ("0", "1", "2")


def test_label_offset_leaves_no_dummy_class(tmp_path: Path) -> None:
    data = Parquet(path=parquet(tmp_path, [1, 3, 2], [2, 3]), label_offset=1).load(4)
    assert data.classes == ("1", "2", "3")
    assert data.train.labels.tolist() == [0, 2, 1]
    assert data.test.labels.tolist() == [1, 2]


def test_a_column_names_the_classes(tmp_path: Path) -> None:
    for split, labels in (("train", [1, 3, 4, 4, 6]), ("test", [3, 6])):
        words = {1: "ak47", 3: "frog", 4: "backpack", 6: "frog"}
        named = table(labels).append_column("text", pa.array([words[label] for label in labels]))
        write(tmp_path / f"{split}.parquet", named)
    data = Parquet(path=tmp_path, label_offset=1, class_name_column="text").load(4)
    assert data.classes == ("ak47", "2", "frog (3)", "backpack", "5", "frog (6)")
    assert data.train.labels.tolist() == [0, 2, 3, 3, 5]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["cat", "dog", "cow"], r"^class_name_column 'text' of path .* names the label 1 both 'cow' and 'dog'$"),
        ([1, 2, 2], r"^class_name_column 'text' of path .* must hold text$"),
    ],
)
def test_a_column_that_names_no_classes(tmp_path: Path, words: list[Any], message: str) -> None:
    for split in ("train", "test"):
        write(tmp_path / f"{split}.parquet", table([0, 1, 1]).append_column("text", pa.array(words)))
    with pytest.raises(DataError, match=message):
        Parquet(path=tmp_path, class_name_column="text").load(4)
    with pytest.raises(DataError, match=r"^class_name_column 'word' is not in test\.parquet|train\.parquet"):
        Parquet(path=tmp_path, class_name_column="word").files()


@pytest.mark.parametrize(
    ("labels", "options"),
    [([3, 7, 12], {}), ([1, 2, 3], {}), ([0, 5], {}), ([3, 7, 900_000], {}), ([2, 4], {"label_offset": 1})],
)
def test_numbers_without_an_image_are_no_classes(tmp_path: Path, labels: list[int], options: dict[str, Any]) -> None:
    parquet(tmp_path, [*reversed(labels), *labels], labels)
    with pytest.warns(UserWarning, match=r"^path ") as warned:
        data = Parquet(path=tmp_path, **options).load(4)
    assert data.classes == tuple(map(str, labels))
    places = list(range(len(labels)))
    assert data.train.labels.tolist() == [*reversed(places), *places]
    assert data.test.labels.tolist() == places
    assert [str(one.message) for one in warned] == [
        f"path {tmp_path}: label_column 'label' has only {len(labels)} of the numbers from "
        f"{options.get('label_offset', 0)} (label_offset) to {labels[-1]}, and only these are classes: "
        + ", ".join(map(str, labels))
    ]


def test_a_gap_in_named_classes_stays_unless_most_are_gaps(tmp_path: Path) -> None:
    words = {3: "ak47", 7: "frog", 900_000: "dog"}
    for split in ("train", "test"):
        named = table(list(words)).append_column("text", pa.array(list(words.values())))
        write(tmp_path / f"{split}.parquet", named)
    with pytest.warns(UserWarning, match=r"has only 3 of the numbers from 0 \(label_offset\) to 900000"):
        data = Parquet(path=tmp_path, class_name_column="text").load(4)
    assert data.classes == ("ak47", "frog", "dog")
    assert data.test.labels.tolist() == [0, 1, 2]


def test_a_test_label_that_training_lacks_is_an_error_with_gaps_too(tmp_path: Path) -> None:
    parquet(tmp_path, [3, 7, 3], [3, 9])
    with pytest.raises(DataError, match=r"images in the test split of classes without a training image: 9$"):
        Parquet(path=tmp_path).load(4)


def test_a_named_class_without_any_image_is_told(tmp_path: Path) -> None:
    parquet(tmp_path, [0, 2, 0], [0, 2], names={"label": ["cat", "dog", "emu", "yak"]})
    with pytest.warns(UserWarning, match=r"^path .*: no image of 2 of the 4 classes: dog, yak$"):
        data = Parquet(path=tmp_path).load(4)
    assert data.classes == ("cat", "dog", "emu", "yak")
    assert data.train.labels.tolist() == [0, 2, 0]


def test_parquet_files_of_no_split_are_named(tmp_path: Path) -> None:
    parquet(tmp_path, [0, 1], [1])
    for name in ("extra", "val-00000-of-00001", "validation"):
        write(tmp_path / f"{name}.parquet", table([0]))
    with pytest.warns(UserWarning, match=r"^path ") as warned:
        Parquet(path=tmp_path).load(4)
    assert [str(one.message) for one in warned] == [
        f"path {tmp_path}: parquet files of no split left out: extra.parquet"
    ]


def test_one_training_image_is_too_few(tmp_path: Path) -> None:
    parquet(tmp_path, [0], [0], names={"label": ["cat", "dog"]})
    with pytest.raises(DataError, match=r"^path .* must have at least 2 training images, of which one is held out"):
        Parquet(path=tmp_path).load(4)


def test_a_row_that_has_only_an_images_path_is_named_with_it(tmp_path: Path) -> None:
    image = pa.array([{"bytes": encoded(), "path": None}, {"bytes": None, "path": "a/b.jpg"}])
    for split in ("train", "test"):
        write(tmp_path / f"{split}.parquet", pa.table({"image": image, "label": [0, 1]}))
    with pytest.raises(DataError, match=r"1 of 2 .* first is train\.parquet row 1, which has only the path 'a/b\.jpg'"):
        Parquet(path=tmp_path).load(4)


def test_given_classes_are_used(tmp_path: Path) -> None:
    assert Parquet(path=parquet(tmp_path, [0, 1], [1]), classes=["no", "yes"]).load(4).classes == ("no", "yes")


@pytest.mark.parametrize(
    ("train", "test"),
    [
        (["train.parquet"], ["test.parquet"]),
        (
            ["data/train-00000-of-00002.parquet", "data/train-00001-of-00002.parquet"],
            ["data/test-00000-of-00001.parquet"],
        ),
        (["default/train/0000.parquet", "default/train/0001.parquet"], ["default/test/0000.parquet"]),
    ],
)
def test_layouts_of_the_hub(tmp_path: Path, train: list[str], test: list[str]) -> None:
    for number, name in enumerate(train):
        write(tmp_path / name, table([0, 1, number]))
    for name in test:
        write(tmp_path / name, table([1, 0]))
    write(tmp_path / "data" / "validation-00000-of-00001.parquet", table([7]))
    put(tmp_path / ".cache" / "train.parquet", b"hidden")
    put(tmp_path / "README.md", b"text")
    source = Parquet(path=tmp_path)
    assert list(source.files()) == train + test
    data = source.load(4)
    assert data.train.labels.tolist() == ([0, 1, 0, 0, 1, 1] if len(train) == 2 else [0, 1, 0])
    assert data.test.labels.tolist() == [1, 0]


@pytest.mark.parametrize(
    ("values", "names", "options"),
    [
        (NUMBERS, NAMES, {}),
        (NUMBERS, None, {"domains": ["art", "photo", "sketch"]}),
        (WORDS, None, {}),
        (WORDS, None, {"domains": ["sketch", "photo", "art"]}),
    ],
)
def test_a_domain_column(tmp_path: Path, values: list[Any], names: dict[str, list[str]] | None, options: dict) -> None:
    labels = [0, 0, 1, 1, 0, 1]
    parquet(tmp_path / "pacs", labels, labels, domains=values, names=names)
    source = Parquet(path=tmp_path / "pacs", domain_column="domain", source="photo", **options)
    assert source.name == "pacs-photo"
    data = source.load(4)
    assert gray_levels(data.train.pixels) == gray_levels(data.test.pixels) == [1, 3, 4]
    assert data.train.labels.tolist() == [0, 1, 0]
    assert sorted(data.ood) == ["art", "sketch"]
    assert gray_levels(data.ood["art"].pixels) == [0, 5]
    assert data.ood["art"].labels.tolist() == [0, 1]
    assert gray_levels(data.ood["sketch"].pixels) == [2]


def test_unnamed_domains_are_numbers(tmp_path: Path) -> None:
    parquet(tmp_path, [0, 1, 0, 1], [0, 1, 0, 1], domains=[3, 3, 5, 5])
    data = Parquet(path=tmp_path, domain_column="domain", source=5).load(4)  # type: ignore[arg-type]
    assert gray_levels(data.train.pixels) == [2, 3]
    assert list(data.ood) == ["3"]


def test_only_wanted_images_are_decoded(tmp_path: Path) -> None:
    images: list[bytes | None] = [b"no image", encoded(), encoded(), encoded(), b"no image"]
    write(tmp_path / "train.parquet", table([0, 0, 1, 0, 0], images=images, domains=[0, 1, 1, 1, 2]))
    write(tmp_path / "test.parquet", table([0, 1], domains=[1, 1]))
    assert len(Parquet(path=tmp_path, domain_column="domain", source="1").load(4).train) == 3


def test_reading_the_domains_reads_no_image(tmp_path: Path) -> None:
    """Not one byte of the image column: it is overwritten in the file, and its pages have checksums."""
    labels, domains = [0, 1, 0, 1], [0, 0, 1, 1]
    parquet(tmp_path, labels, labels, domains=domains)
    for split in ("train", "test"):
        file = tmp_path / f"{split}.parquet"
        content = bytearray(file.read_bytes())
        metadata = pq.read_metadata(file)
        for group in range(metadata.num_row_groups):
            for column in (metadata.row_group(group).column(index) for index in range(metadata.num_columns)):
                if column.path_in_schema.startswith("image"):
                    start = column.dictionary_page_offset or column.data_page_offset
                    content[start : start + column.total_compressed_size] = b"\xff" * column.total_compressed_size
        file.write_bytes(content)
    source = Parquet(path=tmp_path, domain_column="domain", source="1")
    assert len(source.files()) == 2
    with pytest.raises(DataError, match=r"source must be one of the domains of .*: 0, 1; got '2'"):
        Parquet(path=tmp_path, domain_column="domain", source="2").files()
    with pytest.raises(DataError):
        source.load(4)


def test_a_class_that_the_source_never_saw_counts_as_wrong_and_is_told(tmp_path: Path) -> None:
    parquet(tmp_path, [0, 1, 2], [0, 1, 2], domains=[0, 0, 1])
    with pytest.warns(UserWarning, match="images in the test split of 1 of classes without a training image: 2; they"):
        data = Parquet(path=tmp_path, domain_column="domain", source="0").load(4)
    assert data.classes == ("0", "1", "2")
    assert data.ood["1"].labels.tolist() == [2]


def test_without_domains_it_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        DataError, match=r"^path .* has images in the test split of classes without a training image: 2$"
    ):
        Parquet(path=parquet(tmp_path, [0, 1], [0, 1, 2])).load(4)


@pytest.mark.parametrize(
    ("train", "options", "message"),
    [
        (
            {"labels": [0, 1]},
            {"image_column": "img"},
            r"^image_column 'img' is not in train.*has the columns image, label",
        ),
        ({"labels": [0, 1]}, {"label_column": "fine"}, r"^label_column 'fine' is not in train.*columns image, label"),
        ({"labels": [0, 1]}, {"domain_column": "domain"}, r"^domain_column 'domain' is not in train"),
        ({"labels": [0, 1]}, {"image_column": "label"}, r"^image_column 'label' must hold encoded images .* int64$"),
        ({"labels": [0, 1]}, {"label_column": "image"}, r"^label_column 'image' .* must hold whole numbers, but train"),
        (
            {"labels": ["a", "b"]},
            {},
            r"^label_column 'label' .* must hold whole numbers, but train\.parquet has string$",
        ),
        ({"labels": [0, None]}, {}, r"^label_column 'label' .* has 1 empty fields in train\.parquet$"),
        ({"labels": [0, 5], "names": NAMES}, {}, r"^label_column .* has 1 labels outside 0 .* to 1; the first is 5$"),
        ({"labels": [0, -1, 1]}, {}, r"^label_column .* has 1 labels outside 0 .*; the first is -1$"),
        ({"labels": [0, 1]}, {"label_offset": 1}, r"^label_column .* labels outside 1 \(label_offset\) .* first is 0$"),
        ({"labels": [0, 0]}, {}, r"must have at least 2 classes, found 0$"),
        ({"labels": []}, {}, r"^label_column|no image in the training split"),
        (
            {"labels": [0, 1], "domains": [0, 7]},
            {"domain_column": "domain", "domains": ["a", "b"]},
            r"has 7, but only .* a, b",
        ),
        (
            {"labels": [0, 1], "domains": ["a", "c"]},
            {"domain_column": "domain", "domains": ["a", "b"]},
            r"has c, but only",
        ),
        ({"labels": [0, 1], "domains": ["a/b", "c"]}, {"domain_column": "domain", "source": "c"}, r"a domain 'a/b'"),
        ({"labels": [0, 1], "domains": ["a", "b"]}, {"domain_column": "domain"}, r"^source must be given: .*: a, b$"),
        (
            {"labels": [0, 1], "domains": ["a", "b"]},
            {"domain_column": "domain", "source": "c"},
            r"^source must be.*'c'$",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    tmp_path: Path, train: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    write(tmp_path / "train.parquet", table(**train))
    test = {key: value[:1] if key != "names" else value for key, value in train.items()}
    write(tmp_path / "test.parquet", table(**test))
    with pytest.raises(DataError, match=message) as raised:
        Parquet(path=tmp_path, **options).load(4)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", [*UNUSABLE[:-2], UNUSABLE[-1], "corruptions"], ids=ascii)
def test_domains_that_no_condition_can_hold_are_found_before_anything_is_decoded(tmp_path: Path, name: str) -> None:
    parquet(tmp_path, [0, 1, 0], [0, 1, 0], domains=["photo", "photo", name])
    with pytest.raises(DataError) as raised:
        Parquet(path=tmp_path, domain_column="domain", source="photo").files()
    assert str(raised.value).startswith(f"path {tmp_path} has a domain {name!r}, but its name must ")
    assert "\n" not in str(raised.value)


def test_the_domain_that_is_trained_on_is_no_condition(tmp_path: Path) -> None:
    parquet(tmp_path, [0, 1, 0, 1], [0, 1, 0, 1], domains=["clean", "clean", "rain", "rain"])
    assert list(Parquet(path=tmp_path, domain_column="domain", source="clean").load(4).ood) == ["rain"]
    with pytest.raises(DataError, match="has a domain 'clean'"):
        Parquet(path=tmp_path, domain_column="domain", source="rain").load(4)


@pytest.mark.parametrize("others", [("art painting", "Art_Painting"), ("caf\u00e9", "cafe\u0301"), ("Real", "real")])
def test_domains_that_nobody_can_tell_apart(tmp_path: Path, others: tuple[str, str]) -> None:
    parquet(tmp_path, [0, 1, 0, 1], [0, 1, 0, 1], domains=["photo", "photo", *others])
    with pytest.raises(DataError, match=r"has the domains .* which cannot be told apart$"):
        Parquet(path=tmp_path, domain_column="domain", source="photo").files()


@pytest.mark.parametrize("options", [{"image_column": "img"}, {"domain_column": "domain"}])
def test_wrong_columns_are_found_before_everything_is_read(tmp_path: Path, options: dict[str, Any]) -> None:
    with pytest.raises(DataError):
        Parquet(path=parquet(tmp_path, [0, 1], [1]), **options).files()


def test_images_that_do_not_decode_are_named(tmp_path: Path) -> None:
    images = [encoded(), b"no image", encoded(), None]
    write(tmp_path / "train.parquet", table([0, 1, 0, 1], images=images))
    write(tmp_path / "test.parquet", table([0]))
    with pytest.raises(
        DataError, match=r"^path .*, training split: 2 of 4 .* first is train\.parquet row 1: not an image"
    ):
        Parquet(path=tmp_path).load(4)


def test_files_that_name_labels_differently(tmp_path: Path) -> None:
    write(tmp_path / "train.parquet", table([0, 1], names={"label": ["cat", "dog"]}))
    write(tmp_path / "test.parquet", table([0, 1], names={"label": ["dog", "cat"]}))
    with pytest.raises(DataError, match="names the numbers in 'label' differently"):
        Parquet(path=tmp_path).load(4)


def test_missing_files(tmp_path: Path) -> None:
    with pytest.raises(DataNotFound, match=r"^path must be a directory, but .* does not exist$"):
        Parquet(path=tmp_path / "gone").files()
    with pytest.raises(DataNotFound, match=r"^path must be a directory, but .* is a file$"):
        Parquet(path=put(tmp_path / "file.parquet")).files()
    with pytest.raises(
        DataNotFound, match=r"has no parquet files: looked for \*\*/\{train,validation,test\}\*\.parquet$"
    ):
        Parquet(path=tmp_path).files()
    write(tmp_path / "train.parquet", table([0, 1]))
    with pytest.raises(DataNotFound, match=r"has no test split: .* found train\.parquet$"):
        Parquet(path=tmp_path).files()
    put(tmp_path / "test.parquet", b"no parquet")
    with pytest.raises(DataError, match=r"test\.parquet cannot be read as parquet: "):
        Parquet(path=tmp_path).files()


def test_an_interrupted_download_is_not_taken_for_the_whole(tmp_path: Path) -> None:
    for name in ("train-00000-of-00003", "train-00002-of-00003", "test-00000-of-00001"):
        write(tmp_path / "data" / f"{name}.parquet", table([0, 1]))
    with pytest.raises(DataNotFound, match=r"is incomplete: data/train-00001-of-00003\.parquet is missing$"):
        Parquet(path=tmp_path).files()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"^path must be given, or hub_id$"),
        ({"path": "x", "source": "photo"}, r"^source must be none without a domain_column"),
        ({"path": "x", "domains": ["photo"]}, r"^domains must be none without a domain_column"),
        ({"path": "x", "label_offset": -1}, r"^label_offset must be"),
        ({"path": "x", "classes": "cat"}, r"^classes must be a list of different names"),
        ({"path": "x", "classes": ["cat", "cat"]}, r"^classes must be a list of different names"),
        ({"path": "x", "image_column": ""}, r"^image_column must be a text"),
        ({"hub_id": 3}, r"^hub_id must be a text"),
        ({"hub_id": "a/b", "name": "a/b"}, r"^name must be letters"),
    ],
)
def test_arguments_are_checked_when_built(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Parquet(**options)


def test_names() -> None:
    assert Parquet(hub_id="uoft-cs/cifar100").name == "cifar100"
    assert Parquet(hub_id="a/b", path="some/where").name == "where"
    assert Parquet(hub_id="a/b", name="c", domain_column="d", source="photo").name == "c-photo"


needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the pictures in ../shared")


@needs_shared
def test_real_cifar() -> None:
    data = Parquet(path=SHARED / "cifar10", image_column="img").load(32)
    assert data.classes[0] == "airplane"
    assert (len(data.train), len(data.test)) == (5000, 1000)
    assert len(np.unique(data.train.labels)) == 10
    assert 100 < data.train.pixels.mean() < 140


@needs_shared
def test_real_domains() -> None:
    data = Parquet(path=SHARED / "pacs", domain_column="domain", source="photo").load(32)
    assert data.classes[-1] == "person"
    assert (len(data.train), len(data.test)) == (280, 140)
    assert {name: len(images) for name, images in data.ood.items()} == {
        "art_painting": 140,
        "cartoon": 140,
        "sketch": 140,
    }
    assert data.ood["sketch"].pixels.mean() > 200 > data.test.pixels.mean()  # line drawings on white
