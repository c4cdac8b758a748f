from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from robustft.data.domain_folder import DomainFolder
from robustft.data.domains import Domains
from robustft.data.errors import DataError, DataNotFound
from robustft.data.parquet import Parquet
from tests.data.pictures import domain_folder, folder, parquet


def test_folders_are_found(tmp_path: Path) -> None:
    found = Domains(path=domain_folder(tmp_path), source="photo")
    expected = DomainFolder(path=tmp_path, source="photo")
    assert found.files() == expected.files()
    assert found.name == expected.name
    assert np.array_equal(found.load(4).train.pixels, expected.load(4).train.pixels)


def test_parquet_is_found(tmp_path: Path) -> None:
    parquet(tmp_path, [0, 1, 1, 0], [0, 1, 1, 0], domains=["photo", "photo", "art", "art"])
    found = Domains(path=tmp_path, source="photo", name="p")
    expected = Parquet(path=tmp_path, source="photo", domain_column="domain", name="p")
    assert found.files() == expected.files()
    assert found.name == expected.name == "p-photo"
    assert np.array_equal(found.load(4).train.pixels, expected.load(4).train.pixels)


def test_parquet_in_directories_is_not_taken_for_folders(tmp_path: Path) -> None:
    parquet(tmp_path / "flat", [0, 1], [0, 1], domains=["photo", "photo"])
    for split in ("train", "test"):
        (tmp_path / split).mkdir()
        (tmp_path / "flat" / f"{split}.parquet").rename(tmp_path / split / "0000.parquet")
    assert sorted(Domains(path=tmp_path, source="photo").files()) == ["test/0000.parquet", "train/0000.parquet"]


def test_neither_form(tmp_path: Path) -> None:
    with pytest.raises(DataNotFound, match=r"^path must be a directory, but .* does not exist$"):
        Domains(path=tmp_path / "gone", source="photo").files()
    (tmp_path / "empty").mkdir()
    for root in (tmp_path / "empty", folder(tmp_path / "plain")):
        with pytest.raises(
            DataNotFound, match=r"has no images with domains: looked for parquet .* SPLIT/DOMAIN/CLASS/\*$"
        ):
            Domains(path=root, source="cat").files()


@pytest.mark.parametrize("form", ["folder", "parquet"])
@pytest.mark.parametrize(("source", "start"), [(None, "source must be given: "), ("foto", "source must be one of ")])
def test_both_forms_name_the_domains(tmp_path: Path, form: str, source: str | None, start: str) -> None:
    if form == "folder":
        domain_folder(tmp_path)
    else:
        parquet(tmp_path, [0, 1, 0], [0, 1, 0], domains=["art", "photo", "sketch"])
    with pytest.raises(DataError) as raised:
        Domains(path=tmp_path, source=source).files()
    assert str(raised.value).startswith(start)
    assert f"the domains of path {tmp_path}: art, photo, sketch" in str(raised.value)


def test_arguments_are_checked_when_built() -> None:
    with pytest.raises(ValueError, match=r"^path must be given"):
        Domains(path=None, source="photo")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^label_column must be a text"):
        Domains(path="x", source="photo", label_column="")
