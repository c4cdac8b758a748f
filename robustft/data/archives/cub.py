"""CUB-200-2011 as its authors publish it: `CUB_200_2011/` with its lists."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from robustft.data.archives.archive import Archive, path_inside, read_pairs, root_with_file, whole_number_in
from robustft.data.encoded import EncodedDataset, EncodedImages
from robustft.data.errors import DataError

_IMAGES = "images.txt"
_SPLIT = "train_test_split.txt"
_LABELS = "image_class_labels.txt"
_CLASSES = "classes.txt"


class CubArchive(Archive):
    """`images.txt`, `train_test_split.txt`, `image_class_labels.txt`, `classes.txt` and `images/`.

    The split is the authors'. Classes are named as in `classes.txt`, without the number
    (`001.Black_footed_Albatross`).
    """

    layout = "CUB_200_2011/"

    def root_in(self, path: Path) -> Path | None:
        return root_with_file(_SPLIT, path, ("CUB_200_2011",))

    def files(self, root: Path, source: str | None) -> dict[str, Path]:
        lists = {name: root / name for name in (_IMAGES, _SPLIT, _LABELS, _CLASSES)}
        return lists | {f"images/{name}": file for name, file in _image_files(root).values()}

    def read(self, root: Path, source: str | None) -> EncodedDataset:
        origin = f"path {root}"
        classes = {whole_number_in(number, root / _CLASSES): name for number, name in read_pairs(root / _CLASSES)}
        numbers = sorted(classes)
        images = _image_files(root)
        labels, for_training = (
            {name: whole_number_in(value, root / file) for name, value in read_pairs(root / file)}
            for file in (_LABELS, _SPLIT)
        )
        for file, values in ((_LABELS, labels), (_SPLIT, for_training)):
            if values.keys() != images.keys():
                name = min(values.keys() ^ images.keys())
                raise DataError(f"{origin} has the image {name} in only one of {_IMAGES} and {file}")
        if unnamed := sorted(set(labels.values()) - set(numbers)):
            raise DataError(f"{origin} has the class {unnamed[0]} in {_LABELS}, but not in {_CLASSES}")

        def split(training: bool) -> EncodedImages:
            names = [name for name in images if bool(for_training[name]) is training]
            return EncodedImages(
                labels=np.array([numbers.index(labels[name]) for name in names], dtype=np.int64),
                items=[images[name] for name in names],
            )

        return EncodedDataset(
            origin=origin,
            classes=tuple(classes[number].partition(".")[2] or classes[number] for number in numbers),
            train=split(True),
            test=split(False),
            ood={},
        )


def _image_files(root: Path) -> dict[str, tuple[str, Path]]:
    """Image number, as text -> (name in images.txt, file), in the order of images.txt."""
    return {
        number: (name, path_inside(root / "images", name, root / _IMAGES))
        for number, name in read_pairs(root / _IMAGES)
    }
