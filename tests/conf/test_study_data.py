"""Every data set of the study, loaded with its yaml from a small set of exactly its form on the hub, or its archive."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hydra import compose, initialize_config_dir

from robustft.cli.app import conf_dir
from robustft.cli.build import build
from tests.data import written_archives
from tests.data.pictures import every_mode, folder, put, write

DOMAINS = list(written_archives.DOMAINS)


def source_of(key: str, *words: str) -> Any:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return build(compose("train", overrides=list(words)), key, without=("mapping", "unknown"))


def loaded(*words: str) -> Any:
    return source_of("dataset", *words).load(4)


def hub_form(
    root: Path, image: str, columns: dict[str, list[Any]], names: dict[str, list[str]], splits: tuple[str, ...]
) -> Path:
    """Shards as on the hub, whose rows are pictures of every mode in turn; `names` are ClassLabel names."""
    modes = every_mode()
    rows = len(next(iter(columns.values())))
    struct = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    images = [{"bytes": modes[row % len(modes)][0], "path": f"{row}.jpg"} for row in range(rows)]
    made = pa.table({image: pa.array(images, struct)} | {name: pa.array(values) for name, values in columns.items()})
    features = {name: {"names": entries, "_type": "ClassLabel"} for name, entries in names.items()}
    made = made.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    for split in splits:
        half = (rows + 1) // 2
        for number, part in enumerate((made.slice(0, half), made.slice(half))):
            write(root / "data" / f"{split}-{number:05d}-of-00002.parquet", part, rows_per_group=64)
    put(root / "README.md", b"---\n")
    return root


def numbered(count: int) -> list[str]:
    return [f"name {number}" for number in range(count)]


SETS: dict[str, tuple[str, dict[str, list[Any]], dict[str, list[str]], tuple[str, ...]]] = {
    "cifar10": ("img", {"label": list(range(10))}, {"label": written_archives.CIFAR10}, ("train", "test")),
    "cifar100": (
        "img",
        {"fine_label": list(range(100)), "coarse_label": [label // 5 for label in range(100)]},
        {"fine_label": numbered(100), "coarse_label": numbered(20)},
        ("train", "test"),
    ),
    "caltech256": (
        "image",
        {"label": list(range(1, 258)), "text": numbered(257)},
        {},
        ("train", "validation", "test"),
    ),
    "cub200": ("image", {"label": list(range(200))}, {"label": numbered(200)}, ("train", "test")),
    "stanford_dogs": ("pixel_values", {"label": list(range(120))}, {"label": numbered(120)}, ("train", "test")),
}


@pytest.mark.parametrize("dataset", SETS)
def test_a_set_in_the_form_of_the_hub(tmp_path: Path, dataset: str) -> None:
    image, columns, names, splits = SETS[dataset]
    data = loaded(f"dataset={dataset}", f"dataset.path={hub_form(tmp_path, image, columns, names, splits)}")
    count = {"cifar10": 10, "cifar100": 100, "caltech256": 257, "cub200": 200, "stanford_dogs": 120}[dataset]
    assert data.classes == tuple(written_archives.CIFAR10 if dataset == "cifar10" else numbered(count))
    assert data.ood == {}
    expected = [color for _, color in every_mode()]
    for images in (data.train, data.test):
        assert images.labels.tolist() == list(range(count))
        for row, pixels in enumerate(images.pixels):
            assert np.abs(pixels.astype(int) - np.array(expected[row % len(expected)])[:, None, None]).max() <= 3


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("named", [True, False])
def test_domainnet_in_the_form_of_the_hub(tmp_path: Path, number: int, named: bool) -> None:
    """345 classes; `domain` is 0..5 in the order of the paper, whether the files name the numbers or not."""
    labels = [label for label in range(345) for _ in range(6)] if number == 0 else [0, 344] * 6
    domains = list(range(6)) * 345 if number == 0 else [domain for domain in range(6) for _ in range(2)]
    names = {"label": numbered(345)} | ({"domain": DOMAINS} if named else {})
    hub_form(tmp_path, "image", {"label": labels, "domain": domains}, names, ("train", "test"))
    data = loaded(f"dataset=domainnet_{DOMAINS[number]}", f"dataset.path={tmp_path}")
    assert data.classes == tuple(numbered(345))
    assert list(data.ood) == [name for name in DOMAINS if name != DOMAINS[number]]
    expected = list(range(345)) if number == 0 else [0, 344]
    for images in (data.train, data.test, *data.ood.values()):
        assert images.labels.tolist() == expected


@pytest.mark.parametrize(
    ("dataset", "make", "classes", "images"),
    [
        ("cifar10", written_archives.cifar10_python, 10, 30),
        ("cifar10", written_archives.cifar10_binary, 10, 30),
        ("cifar100", written_archives.cifar100_python, 100, 200),
        ("cifar100", written_archives.cifar100_binary, 100, 200),
        ("cub200", written_archives.cub, 200, 400),
        ("caltech256", written_archives.caltech, 257, 257 * 4),
        ("domainnet_sketch", written_archives.domainnet, 345, 345 * 2),
    ],
)
def test_a_set_as_its_authors_publish_it(
    tmp_path: Path, dataset: str, make: Callable[[Path], Path], classes: int, images: int
) -> None:
    data = loaded(f"dataset={dataset}", f"dataset.path={make(tmp_path)}")
    assert len(data.classes) == len(set(data.classes)) == classes
    assert len(data.train) + len(data.test) == images
    assert set(data.train.labels.tolist()) == set(data.test.labels.tolist()) == set(range(classes))
    assert len(data.ood) == (5 if dataset.startswith("domainnet") else 0)


def cifar10_hub_form(root: Path) -> Path:
    return hub_form(root, *SETS["cifar10"])


def cifar10_folders(root: Path) -> Path:
    return folder(root, classes=tuple(written_archives.CIFAR10))


@pytest.mark.parametrize(
    "make", [written_archives.cifar10_python, written_archives.cifar10_binary, cifar10_hub_form, cifar10_folders]
)
def test_a_shift_set_reads_every_form_that_the_data_set_reads(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    place = make(tmp_path)
    dataset = source_of("dataset", "dataset=cifar10", f"dataset.path={place}")
    shift = source_of("shift.cifar10", "shift=[cifar10]", f"shift.cifar10.path={place}")
    assert shift.files() == dataset.files()
    one, other = dataset.load(4), shift.load(4)
    assert one.classes == other.classes == tuple(written_archives.CIFAR10)
    assert np.array_equal(one.test.pixels, other.test.pixels)
    assert np.array_equal(one.test.labels, other.test.labels)
