"""The one place that looks in which form a data set lies."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from robustft.data.archives.caltech import CaltechArchive
from robustft.data.archives.cifar import CifarArchive
from robustft.data.archives.cub import CubArchive
from robustft.data.archives.domainnet import DomainNetArchive
from robustft.data.errors import DataError, DataNotFound
from robustft.data.source import Source
from robustft.data.sources.domain_folder import DomainFolder
from robustft.data.sources.folder import Folder
from robustft.data.sources.parquet import Parquet
from robustft.data.sources.published import Published
from tests.data import written_archives
from tests.data.pictures import domain_folder, folder, parquet, put, save


def same(one: Source, other: Source) -> bool:
    return (
        one.files() == other.files()
        and one.name == other.name
        and np.array_equal(one.load(4).train.pixels, other.load(4).train.pixels)
    )


def test_image_folders_are_found(tmp_path: Path) -> None:
    folder(tmp_path)
    assert same(Published(path=tmp_path), Folder(path=tmp_path))
    assert same(Published(path=tmp_path, name="n", hub_id="a/b"), Folder(path=tmp_path, name="n"))


def test_domain_folders_are_found(tmp_path: Path) -> None:
    domain_folder(tmp_path)
    found = Published(path=tmp_path, domain_column="domain", source="photo")
    assert same(found, DomainFolder(path=tmp_path, source="photo"))


def test_parquet_is_found(tmp_path: Path) -> None:
    options: dict[str, Any] = {"domain_column": "domain", "source": "photo", "name": "p"}
    parquet(tmp_path, [0, 1, 1, 0], [0, 1, 1, 0], domains=["photo", "photo", "art", "art"])
    assert same(Published(path=tmp_path, **options), Parquet(path=tmp_path, **options))
    assert Published(path=tmp_path, **options).name == "p-photo"


def test_parquet_in_directories_is_not_taken_for_folders(tmp_path: Path) -> None:
    parquet(tmp_path / "flat", [0, 1], [0, 1], domains=["photo", "photo"])
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        (tmp_path / "flat" / f"{split}.parquet").rename(tmp_path / split / "0000.parquet")
    for options in ({}, {"domain_column": "domain", "source": "photo"}):
        assert sorted(Published(path=tmp_path, **options).files()) == ["test/0000.parquet", "train/0000.parquet"]


ARCHIVES: list[tuple[Any, Callable[[Path], Path], str]] = [
    (CifarArchive(classes=10), written_archives.cifar10_python, "cifar-10-batches-py"),
    (CifarArchive(classes=10), written_archives.cifar10_binary, "cifar-10-batches-bin"),
    (CifarArchive(classes=100), written_archives.cifar100_python, "cifar-100-python"),
    (CifarArchive(classes=100), written_archives.cifar100_binary, "cifar-100-binary"),
    (CubArchive(), partial(written_archives.cub, classes=3), "CUB_200_2011"),
    (CaltechArchive(), partial(written_archives.caltech, classes=3), "256_ObjectCategories"),
    (DomainNetArchive(), partial(written_archives.domainnet, classes=3), ""),
]


@pytest.mark.parametrize(
    ("archive", "make", "directory"), ARCHIVES, ids=[name or "domainnet" for _, _, name in ARCHIVES]
)
def test_an_archive_is_found_where_it_lies_and_around_it(
    tmp_path: Path, archive: Any, make: Callable[[Path], Path], directory: str
) -> None:
    make(tmp_path)
    domains = {"domain_column": "domain", "source": "real"} if isinstance(archive, DomainNetArchive) else {}
    around, inside = (
        Published(path=path, archive=archive, name="n", **domains) for path in (tmp_path, tmp_path / directory)
    )
    assert around.files() == inside.files()
    assert len(around.files()) > 2
    assert same(around, inside)


@pytest.mark.parametrize("other", range(len(ARCHIVES)))
def test_another_sets_archive_is_not_taken(tmp_path: Path, other: int) -> None:
    archive, make, directory = ARCHIVES[other]
    make(tmp_path)
    for asked, _, mine in ARCHIVES:
        if type(asked) is type(archive) and asked.layout == archive.layout:
            continue
        with pytest.raises(DataNotFound, match=r"^path .* holds none of the original archive .*; image folders SPLIT"):
            Published(path=tmp_path / directory, archive=asked, name="n").files()
        assert mine != directory


@pytest.mark.parametrize("domains", [False, True])
def test_no_form_names_all_that_are_accepted(tmp_path: Path, domains: bool) -> None:
    options: dict[str, Any] = {"domain_column": "domain", "source": "cat"} if domains else {}
    with pytest.raises(DataNotFound, match=r"^path must be a directory, but .* does not exist$"):
        Published(path=tmp_path / "gone", **options).files()
    folders = r"SPLIT/DOMAIN/CLASS/\*" if domains else r"SPLIT/CLASS/\*"
    parquet_files = r"parquet files \*\*/\{train,validation,test\}\*\.parquet"
    forms = rf"image folders {folders} \(SPLIT is train or test\); {parquet_files}"
    with pytest.raises(DataNotFound, match=rf"^path {tmp_path} holds none of {forms}; found nothing$"):
        Published(path=tmp_path, **options).files()
    put(tmp_path / "cifar-10-python.tar.gz")
    with pytest.raises(
        DataNotFound,
        match=r"holds none of the original archive cifar-10-batches-py/ or cifar-10-batches-bin/; .*"
        rf"{forms}; found cifar-10-python\.tar\.gz$",
    ):
        Published(path=tmp_path, archive=CifarArchive(classes=10), **options).files()


def test_folders_of_the_other_depth_are_not_taken(tmp_path: Path) -> None:
    with pytest.raises(
        DataNotFound, match=r"holds none of image folders SPLIT/DOMAIN/CLASS/\* .*; found test/, train/$"
    ):
        Published(path=folder(tmp_path / "plain"), domain_column="domain", source="cat").files()
    with pytest.raises(DataNotFound, match=r"holds none of image folders SPLIT/CLASS/\*"):
        Published(path=domain_folder(tmp_path / "domains")).files()


def test_one_split_alone_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataNotFound, match="has no test split"):
        Published(path=folder(tmp_path, splits=("train",))).files()


@pytest.mark.parametrize("form", ["folder", "parquet", "archive"])
@pytest.mark.parametrize(("source", "start"), [(None, "source must be given: "), ("foto", "source must be one of ")])
def test_every_form_names_the_domains(tmp_path: Path, form: str, source: str | None, start: str) -> None:
    names = ("art", "photo", "sketch")
    if form == "folder":
        domain_folder(tmp_path)
    elif form == "archive":
        written_archives.domainnet(tmp_path, classes=2, domains=names)
    else:
        parquet(tmp_path, [0, 1, 0], [0, 1, 0], domains=list(names))
    with pytest.raises(DataError) as raised:
        Published(path=tmp_path, archive=DomainNetArchive(), domain_column="domain", source=source).files()
    assert str(raised.value).startswith(start)
    assert f"the domains of path {tmp_path}: art, photo, sketch" in str(raised.value)


@pytest.mark.parametrize("form", ["folder", "domain folder", "parquet", "archive"])
def test_resize_reaches_every_form(tmp_path: Path, form: str) -> None:
    pixels = np.zeros((8, 24, 3), np.uint8)
    pixels[:, 8:16] = 255
    wide = save(Image.fromarray(pixels))
    archive = CubArchive() if form == "archive" else None
    options: dict[str, Any] = {}
    if form == "folder":
        folder(tmp_path)
    elif form == "domain folder":
        domain_folder(tmp_path)
        options = {"domain_column": "domain", "source": "photo"}
    elif form == "archive":
        written_archives.cub(tmp_path, classes=2)
    else:
        parquet(tmp_path, [0, 1], [0, 1], images=[wide, wide])
    for file in (*tmp_path.rglob("*.png"), *tmp_path.rglob("*.jpg")):
        file.write_bytes(wide)
    squash, crop = (
        Published(path=tmp_path, archive=archive, resize=resize, **options) for resize in ("squash", "crop")
    )
    assert (crop.load(8).train.pixels == 255).all()
    assert squash.load(8).train.pixels.min() == 0
    assert crop.resize == "crop"


def test_a_path_wins_over_the_hub_and_has_no_provenance(tmp_path: Path) -> None:
    source = Published(path=folder(tmp_path), hub_id="nobody/nothing", revision="v1")
    assert len(source.files()) == 6
    assert source.provenance() == {}


def test_listing_files_decodes_none(tmp_path: Path) -> None:
    written_archives.domainnet(tmp_path, classes=2)
    for file in tmp_path.rglob("*.jpg"):
        file.write_bytes(b"no image")
    source = Published(path=tmp_path, archive=DomainNetArchive(), domain_column="domain", source="real")
    assert len(source.files()) == 1 + 6 + 2 + 6 * 2
    with pytest.raises(DataError, match="2 of 2 images do not decode"):
        source.load(4)


def test_arguments_are_checked_when_built() -> None:
    with pytest.raises(ValueError, match=r"^path must be given, or hub_id$"):
        Published()
    with pytest.raises(ValueError, match=r"^label_column must be a text"):
        Published(path="x", label_column="")
    with pytest.raises(ValueError, match=r"^archive must be null or an archive"):
        Published(path="x", archive="cifar10")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^resize must be one of squash, crop; got 'fit'$"):
        Published(path="x", resize="fit")
    for other in (Folder, DomainFolder):
        with pytest.raises(ValueError, match=r"^resize must be one of"):
            other(path="x", resize="fit", **({} if other is Folder else {"source": "a"}))
