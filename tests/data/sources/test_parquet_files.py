"""Which parquet files are one data set, told by their names alone."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from robustft.data.errors import AmbiguousData, DataError, DataNotFound
from robustft.data.sources.parquet import Parquet
from robustft.data.sources.parquet_files import choose_splits
from robustft.data.sources.published import Published
from tests.data.pictures import folder, gray_levels, table, write


def names(text: str) -> list[str]:
    """The file names that a shell would make of `data/{train,test}-0 other/train`, with their ending."""
    made = []
    for word in text.split():
        pieces = [piece.split(",") for piece in word.replace("}", "{").split("{")]
        made += ["".join(parts) + ".parquet" for parts in product(*pieces)]
    return made


@pytest.mark.parametrize(
    "there",
    [
        "{train,test}",
        "{train,test}ing",
        "training test",
        "training/train testing/test",
        "data/{train,test}-00000-of-00001",
        "data/train-0000{0,1}-of-00002 data/test-00000-of-00001",
        "train-00000-of-00002-0123456789abcdef train-00001-of-00002-fedcba9876543210 test-00000-of-00001",
        "data/train-{0,1,2} data/test",
        "train_{8,9,10} test_0",
        "train-part{0,1} test-part0",
        "train-part-{1,2} test",
        "{train,test}/0000",
        "{train,test}/{0000,0001}",
        "default/{train,test}/0000",
        "data/{train,test}/part-{00000,00001}-3f0a2b1c-1111-4222-8333-9d9d9d9d9d9d-c000.snappy",
        "train/train-0 test/test-0",
        "train_images/train-{0,1} test_images/test-0",
        "train data/test",
        "data/{train,test}-00000-of-00001 full/validation-00000-of-00001 other/val-00000-of-00001",
    ],
)
def test_files_of_one_set_are_read_together(there: str) -> None:
    train, test = choose_splits(names(there), None, "path x")
    assert sorted([*train, *test]) == sorted(name for name in names(there) if "val" not in name)
    assert all("train" in name for name in train)
    assert all("test" in name for name in test)


@pytest.mark.parametrize(
    ("there", "configs", "chosen"),
    [
        ("{cropped,full}/{train,test}-00000-of-00001", "cropped, full", "full/{train,test}-00000-of-00001"),
        ("{cropped,full}/{train,test}", "cropped, full", "full/{train,test}"),
        ("{cropped,full}/{train,test}/0000", "cropped, full", "full/{train,test}/0000"),
        ("{train,test}/{cropped,full}/0000", "cropped, full", "{train,test}/full/0000"),
        ("{train,test}/{cropped,full}", "cropped, full", "{train,test}/full"),
        ("data/{cropped,full}/{train,test}", "data/cropped, data/full", "data/full/{train,test}"),
        ("data/{train,test}-00000-of-00001 default/{train,test}/0000", "data, default", "default/{train,test}/0000"),
        ("{train,test} full/{train,test}", "., full", "full/{train,test}"),
        ("cropped/train full/{train,test}", "cropped, full", "full/{train,test}"),
        ("cropped/test full/{train,test}", "cropped, full", "full/{train,test}"),
        ("{train,test,train_extra}", "., _extra", "train_extra test"),
        ("data/{train,test}-0 data/train_extra-0", "data, data/_extra", "data/train_extra-0 data/test-0"),
        ("{train,test,test2}", "., 2", "train test2"),
        ("{train,test,training}", "., ing", "training test"),
        ("{train,test} train-v2", "., -v2", "train-v2 test"),
        ("{train,test}-v{1,2}", "-v1, -v2", "{train,test}-v2"),
    ],
)
def test_configurations_side_by_side_are_refused_until_one_is_chosen(there: str, configs: str, chosen: str) -> None:
    with pytest.raises(AmbiguousData) as raised:
        choose_splits(names(there), None, "path x")
    assert str(raised.value) == f"config must be one of {configs}, which lie side by side in path x; got null"
    last = configs.split(", ")[-1]
    train, test = choose_splits(names(there), last, "path x")
    assert sorted([*train, *test]) == sorted(names(chosen))
    with pytest.raises(AmbiguousData, match=r"^config must be null or one of .* got 'other'$"):
        choose_splits(names(there), "other", "path x")


def test_training_images_of_one_configuration_never_go_with_test_images_of_another() -> None:
    with pytest.raises(AmbiguousData, match=r"^config must be one of cropped, full, which"):
        choose_splits(names("cropped/train full/test"), None, "path x")
    with pytest.raises(DataNotFound, match=r"^config 'cropped' of path x has no test split$"):
        choose_splits(names("cropped/train full/test"), "cropped", "path x")


@pytest.mark.parametrize(
    ("there", "message"),
    [
        (
            "train test train-00000-of-00001",
            "has train-00000-of-00001.parquet beside train.parquet, which are numbered",
        ),
        ("test train-00000-of-00001 train-0000{0,1}-of-00002", "has train-00000-of-00001.parquet beside train-0000"),
        ("train/0000 train test", "numbered differently: only one of them can count"),
        ("train train/train test", "has both train.parquet and train/train.parquet: only one of them can count"),
        (
            "test train-00000-of-00001-{0123456789abcdef,fedcba9876543210}",
            "has both train-00000-of-00001-0123456789abc",
        ),
        ("test train-{0,2}", "is incomplete: train-1.parquet is missing"),
        ("train/{0000,0001,0003} test/0000", "is incomplete: train/0002.parquet is missing"),
        ("train test-00001-of-00003", "is incomplete: test-00000-of-00003.parquet is missing"),
    ],
)
def test_parts_that_are_there_twice_or_not_at_all(there: str, message: str) -> None:
    with pytest.raises(DataError) as raised:
        choose_splits(names(there), None, "path x")
    assert str(raised.value).startswith("path x ")
    assert message in str(raised.value)


def test_the_chosen_configuration_is_read_alone_and_is_in_the_name(tmp_path: Path) -> None:
    for number, config in enumerate(("cropped", "full")):
        for split in ("train", "test"):
            write(tmp_path / "set" / config / f"{split}-00000-of-00001.parquet", table([0, 1, 0][: 2 + number]))
    source = Published(path=tmp_path / "set", config="full")
    assert list(source.files()) == ["full/train-00000-of-00001.parquet", "full/test-00000-of-00001.parquet"]
    assert source.name == "set-full"
    assert gray_levels(source.load(4).train.pixels) == [0, 1, 2]
    assert len(Parquet(path=tmp_path / "set", config="cropped").load(4).test) == 2
    assert Parquet(path="x", config=2, domain_column="d", source="a", name="n").name == "n-2-a"  # type: ignore[arg-type]
    with pytest.raises(AmbiguousData):
        Published(path=tmp_path / "set").files()


def test_only_parquet_has_configurations(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"^config must be null where .* holds no parquet files; got 'full'$"):
        Published(path=folder(tmp_path), config="full").files()
    with pytest.raises(ValueError, match=r"^config must be a text"):
        Published(path=tmp_path, config="")
