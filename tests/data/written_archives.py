"""Small archives made for the tests, in exactly the form in which the authors of the sets publish them."""

from __future__ import annotations

import io
import pickle
import struct
from pathlib import Path
from typing import Any

import numpy as np

from tests.data.pictures import encoded, put

CIFAR10 = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
DOMAINS = ("clipart", "infograph", "painting", "quickdraw", "real", "sketch")


class _Python2(pickle._Pickler):  # type: ignore[misc]
    """Writes as Python 2 did: bytes are its plain strings, and numpy is called as it was then."""

    def save_bytes(self, value: bytes) -> None:
        if len(value) < 256:
            self.write(pickle.SHORT_BINSTRING + struct.pack("<B", len(value)) + value)
        else:
            self.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)
        self.memoize(value)

    dispatch = {**pickle._Pickler.dispatch, bytes: save_bytes}  # noqa: RUF012


def python2_pickle(value: Any) -> bytes:
    buffer = io.BytesIO()
    _Python2(buffer, protocol=2).dump(value)
    return buffer.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def cifar_pixels(labels: list[int]) -> np.ndarray:
    """uint8 (N, 3072): red, then green, then blue, each row by row. Red is the label, the left edge of blue is 255."""
    pixels = np.zeros((len(labels), 3, 32, 32), np.uint8)
    pixels[:, 0] = np.array(labels)[:, None, None]
    pixels[:, 2, :, 0] = 255
    return pixels.reshape(len(labels), -1)


def cifar10_python(root: Path) -> Path:
    """Two images of each class in training, one in test."""
    labels = {f"data_batch_{number + 1}": list(range(10))[number * 2 : number * 2 + 4] for number in range(4)}
    labels |= {"data_batch_5": [0, 1, 8, 9], "test_batch": list(range(10))}
    for name, of_file in labels.items():
        batch = {
            b"batch_label": b"training batch 1 of 5",
            b"labels": of_file,
            b"data": cifar_pixels(of_file),
            b"filenames": [b"%d.png" % label for label in of_file],
        }
        put(root / "cifar-10-batches-py" / name, python2_pickle(batch))
    # The published file is a pickle of protocol 0, which is text.
    names = "".join(f"S'{name}'\np{place}\na" for place, name in enumerate(CIFAR10, start=5))
    meta = f"(dp1\nS'num_cases_per_batch'\np2\nI10000\nsS'label_names'\np3\n(lp4\n{names}sS'num_vis'\np15\nI3072\ns."
    put(root / "cifar-10-batches-py" / "batches.meta", meta.encode())
    return root


def cifar10_binary(root: Path) -> Path:
    """The images of cifar10_python."""
    parts = {f"data_batch_{number + 1}": list(range(10))[number * 2 : number * 2 + 4] for number in range(4)}
    parts |= {"data_batch_5": [0, 1, 8, 9], "test_batch": list(range(10))}
    for name, labels in parts.items():
        records = np.concatenate([np.array(labels, np.uint8)[:, None], cifar_pixels(labels)], axis=1)
        put(root / "cifar-10-batches-bin" / f"{name}.bin", records.tobytes())
    put(root / "cifar-10-batches-bin" / "batches.meta.txt", ("\n".join(CIFAR10) + "\n\n").encode())
    return root


def cifar100_python(root: Path) -> Path:
    """One image of each class in both splits; the coarse labels are wrong on purpose for whoever reads them."""
    labels = list(range(100))
    for name in ("train", "test"):
        batch = {
            b"filenames": [b"%d.png" % label for label in labels],
            b"batch_label": b"training batch 1 of 1",
            b"fine_labels": labels,
            b"coarse_labels": [label // 5 for label in labels],
            b"data": cifar_pixels(labels),
        }
        put(root / "cifar-100-python" / name, python2_pickle(batch))
    names = {
        b"fine_label_names": [b"fine_%d" % label for label in labels],
        b"coarse_label_names": [b"coarse_%d" % label for label in range(20)],
    }
    put(root / "cifar-100-python" / "meta", python2_pickle(names))
    return root


def cifar100_binary(root: Path) -> Path:
    """The images of cifar100_python."""
    labels = np.arange(100, dtype=np.uint8)
    records = np.concatenate([(labels // 5)[:, None], labels[:, None], cifar_pixels(labels.tolist())], axis=1)
    for name in ("train", "test"):
        put(root / "cifar-100-binary" / f"{name}.bin", records.tobytes())
    names = "\n".join(f"fine_{label}" for label in labels) + "\n"
    put(root / "cifar-100-binary" / "fine_label_names.txt", names.encode())
    put(root / "cifar-100-binary" / "coarse_label_names.txt", b"\n".join(b"coarse_%d" % label for label in range(20)))
    return root


def cub(root: Path, classes: int = 200) -> Path:
    """Two images a class, the first for training; image n is gray of level n % 256."""
    lists: dict[str, list[str]] = {"images": [], "train_test_split": [], "image_class_labels": [], "classes": []}
    here = root / "CUB_200_2011"
    for label in range(1, classes + 1):
        folder = f"{label:03d}.Bird_{label}"
        lists["classes"].append(f"{label} {folder}")
        for index in range(2):
            number = len(lists["images"]) + 1
            name = f"{folder}/Bird_{label}_{number:04d}_{796000 + number}.jpg"
            lists["images"].append(f"{number} {name}")
            lists["train_test_split"].append(f"{number} {1 - index}")
            lists["image_class_labels"].append(f"{number} {label}")
            put(here / "images" / name, encoded((number % 256,) * 3))
    for list_name, lines in lists.items():
        put(here / f"{list_name}.txt", ("\n".join(lines) + "\n").encode())
    put(here / "bounding_boxes.txt", b"1 60.0 27.0 325.0 304.0\n")
    return root


def caltech(root: Path, classes: int = 257) -> Path:
    """Images 1 to 6 of each class; what image 5 is, gray of level 5, is for testing."""
    here = root / "256_ObjectCategories"
    for label in range(1, classes + 1):
        name = {1: "ak47", 56: "dog", 198: "spider", 251: "airplanes-101", 257: "clutter"}.get(label, f"thing-{label}")
        for number in (1, 4, 5, 6):
            put(here / f"{label:03d}.{name}" / f"{label:03d}_{number:04d}.jpg", encoded((number,) * 3))
    if classes == 257:  # as in the published archive
        put(here / "198.spider" / "RENAME2", b"#!/bin/sh")
        put(here / "056.dog" / "greg" / "vision309" / "0.jpg", b"no image")
    return root


def domainnet(root: Path, classes: int = 345, domains: tuple[str, ...] = DOMAINS) -> Path:
    """One training and one test image of each class and domain; red is the class, green the domain, blue the split."""
    for number, domain in enumerate(domains):
        for split, blue in (("train", 0), ("test", 200)):
            lines = []
            for label in range(classes):
                name = f"{domain}/thing_{label}/{domain}_{label:03d}_{blue:06d}.jpg"
                put(root / name, encoded((label % 256, number, blue), size=(2, 2)))
                lines.append(f"{name} {label}")
            put(root / f"{domain}_{split}.txt", ("\n".join(lines) + "\n").encode())
    return root
