from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from robustft.data.errors import DataError, DataNotFound
from robustft.data.sources.domain_folder import DomainFolder
from tests.data.pictures import domain_folder, folder, put


def test_one_domain_is_trained_on_and_the_others_are_out_of_distribution(tmp_path: Path) -> None:
    data = DomainFolder(path=domain_folder(tmp_path), source="photo").load(4)
    assert data.classes == ("cat", "dog")
    assert data.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert set(data.train.pixels[:, 1].flat) == set(data.test.pixels[:, 1].flat) == {50}
    assert list(data.ood) == ["art", "sketch"]
    assert data.ood["sketch"].labels.tolist() == [0, 1]
    assert set(data.ood["sketch"].pixels[:, 1].flat) == {100}


def test_files_leave_the_other_domains_training_images_out(tmp_path: Path) -> None:
    files = DomainFolder(path=domain_folder(tmp_path), source="photo").files()
    assert {name.rsplit("/", 2)[0] for name in files} == {"train/photo", "test/art", "test/photo", "test/sketch"}
    shutil.rmtree(tmp_path / "train" / "art")
    assert DomainFolder(path=tmp_path, source="photo").files() == files


def test_the_source_is_in_the_name(tmp_path: Path) -> None:
    assert DomainFolder(path=tmp_path / "pacs", source="photo").name == "pacs-photo"
    assert DomainFolder(path=tmp_path, source="art painting", name="p").name == "p-art-painting"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (None, r"^source must be given: one of the domains of path .*: art, photo, sketch$"),
        ("foto", r"^source must be one of the domains of path .*: art, photo, sketch; got 'foto'$"),
    ],
)
def test_the_domains_are_named(tmp_path: Path, source: str | None, message: str) -> None:
    with pytest.raises(DataError, match=message):
        DomainFolder(path=domain_folder(tmp_path), source=source).files()


def test_a_source_without_training_images(tmp_path: Path) -> None:
    shutil.rmtree(domain_folder(tmp_path) / "train" / "photo")
    with pytest.raises(DataError, match=r"^source 'photo' has no image in the training split of path "):
        DomainFolder(path=tmp_path, source="photo").load(4)


def test_a_class_that_the_source_never_saw_counts_as_wrong_and_is_told(tmp_path: Path) -> None:
    put(domain_folder(tmp_path) / "test" / "art" / "bee" / "0.png")
    with pytest.warns(UserWarning, match="images in the test split of art of classes without a training image: bee;"):
        data = DomainFolder(path=tmp_path, source="photo").load(4)
    assert data.classes == ("bee", "cat", "dog")
    assert data.train.labels.tolist() == [1, 1, 1, 2, 2, 2]
    assert data.ood["art"].labels.tolist() == [0, 1, 2]


def test_a_folder_without_domains_is_told_apart(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"has test/cat/0\.png, which is not in SPLIT/DOMAIN/CLASS/\*; dataset=folder"):
        DomainFolder(path=folder(tmp_path), source="cat").files()


def test_missing_splits(tmp_path: Path) -> None:
    with pytest.raises(DataNotFound, match=r"has no images: looked for SPLIT/DOMAIN/CLASS/\*"):
        DomainFolder(path=tmp_path, source="photo").files()
    shutil.rmtree(domain_folder(tmp_path) / "test")
    with pytest.raises(DataNotFound, match="has no test split"):
        DomainFolder(path=tmp_path, source="photo").files()
    (tmp_path / "test" / "photo").mkdir(parents=True)
    with pytest.raises(DataNotFound, match=r"has no images: looked for test/DOMAIN/CLASS/\*"):
        DomainFolder(path=tmp_path, source="photo").files()


@pytest.mark.parametrize(
    "name", ["style: sketch", "clean", "corruptions", " a", "a\nb", "caf\udce9", "x" * 101], ids=ascii
)
def test_domains_that_no_condition_can_hold_are_named(tmp_path: Path, name: str) -> None:
    domain_folder(tmp_path, domains=("photo", name))
    with pytest.raises(DataError) as raised:
        DomainFolder(path=tmp_path, source="photo").files()
    assert str(raised.value).startswith(f"path {tmp_path} has a domain {name!r}, but its name must ")


def test_a_domain_without_a_readable_image_is_named(tmp_path: Path) -> None:
    domain_folder(tmp_path)
    put(tmp_path / "test" / "clay" / "cat" / "0.heic", b"no image")
    with pytest.warns(UserWarning, match=r"^path ") as warned:
        data = DomainFolder(path=tmp_path, source="photo").load(4)
    assert list(data.ood) == ["art", "sketch"]
    assert [str(one.message) for one in warned] == [
        f"path {tmp_path}: 1 file left out: 1 .heic",
        f"path {tmp_path}: no readable image in test/clay/cat",
    ]
