"""Sizes that are told without decoding are those of the decoded data set."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from robustft.data.sources.digits import Digits
from robustft.data.sources.domain_folder import DomainFolder
from robustft.data.sources.folder import Folder
from robustft.data.sources.published import Published
from robustft.data.split_sizes import SplitSizes, published_sizes
from tests.data import written_archives
from tests.data.pictures import every_mode, put, write

PICTURE = every_mode()[0][0]


def sizes_of(dataset) -> SplitSizes:
    return SplitSizes(
        train=len(dataset.train),
        test=len(dataset.test),
        classes=len(dataset.classes),
        ood={name: len(images) for name, images in dataset.ood.items()},
    )


def test_of_the_digits() -> None:
    assert Digits().sizes() == sizes_of(Digits().load(4))
    assert Digits().class_names() == Digits().load(4).classes


def test_of_folders(tmp_path: Path) -> None:
    for split, count in (("train", 3), ("test", 2)):
        for number in range(count):
            for label in ("a", "b"):
                put(tmp_path / "plain" / split / label / f"{number}.png", PICTURE)
                for domain in ("photo", "sketch"):
                    put(tmp_path / "domains" / split / domain / label / f"{number}.png", PICTURE)
    plain = Folder(path=tmp_path / "plain")
    assert plain.sizes() == sizes_of(plain.load(4)) == SplitSizes(train=6, test=4, classes=2)
    domains = DomainFolder(path=tmp_path / "domains", source="photo")
    assert domains.sizes() == sizes_of(domains.load(4)) == SplitSizes(train=6, test=4, classes=2, ood={"sketch": 4})
    published = Published(path=tmp_path / "plain")
    assert published.sizes() == plain.sizes()
    assert (
        plain.class_names() == domains.class_names() == published.class_names() == plain.load(4).classes == ("a", "b")
    )


def test_of_parquet_files_with_domains(tmp_path: Path) -> None:
    struct = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    rows = [{"bytes": PICTURE, "path": "a.png"}] * 6
    table = pa.table(
        {"image": pa.array(rows, struct), "label": [0, 1, 0, 1, 0, 1], "domain": ["x", "x", "x", "x", "y", "y"]}
    )
    for split in ("train", "test"):
        write(tmp_path / f"{split}.parquet", table)
    source = Published(path=tmp_path, domain_column="domain", source="x")
    assert source.sizes() == sizes_of(source.load(4)) == SplitSizes(train=4, test=4, classes=2, ood={"y": 2})
    assert source.class_names() == source.load(4).classes


def test_of_an_archive(tmp_path: Path) -> None:
    from robustft.data.archives.cub import CubArchive

    written_archives.cub(tmp_path)
    source = Published(path=tmp_path, archive=CubArchive())
    assert source.sizes() == sizes_of(source.load(4))


def test_the_domains_of_domainnet_add_up_to_its_card() -> None:
    names = ("clipart", "infograph", "painting", "quickdraw", "real", "sketch")
    sizes = {name: published_sizes("wltjr1007/DomainNet", name) for name in names}
    assert sum(one.train for one in sizes.values() if one) == 409_832
    for name, one in sizes.items():
        assert one is not None
        assert one.test + sum(one.ood.values()) == 176_743
        assert sorted([name, *one.ood]) == sorted(names)


@pytest.mark.parametrize(("hub_id", "source"), [("me/mine", None), ("wltjr1007/DomainNet", "photo"), (None, None)])
def test_what_is_not_known_is_none(hub_id: str | None, source: str | None) -> None:
    assert published_sizes(hub_id, source) is None
