"""python -m robustft data: downloads and decodes what runs need, so that they need no network, and summarises it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from omegaconf import DictConfig
from tqdm import tqdm

from robustft.cli.build import Parts, parts_of
from robustft.cli.run_argument import shown
from robustft.cli.shift_sets import shift_sets
from robustft.cli.user_errors import command, naming
from robustft.data.cache.cache_directory import VARIABLE, cache_directory, gigabytes
from robustft.data.cache.fingerprint_cache import cached_fingerprint
from robustft.data.corruptions.corrupted_images import corrupted_sets
from robustft.data.dataset import Dataset, Images
from robustft.data.images.contact_sheet import draw_contact_sheet
from robustft.data.split import fixed_subset
from robustft.study.records.condition import Condition

LINE = "{:<20}  {:>9}  {:>7}  {:<31}  {:>9}  {}"
FEW_CLASSES = 12


@command
def run(config: DictConfig) -> None:
    """Downloads and decodes the data of a run with `config`, prints a summary and draws a contact sheet."""
    parts = parts_of(config)
    with naming(""):
        cache_directory()
    dataset, shifts = prepare(parts)
    splits = {"train": dataset.train, "test": dataset.test}
    splits |= {Condition(split="test", shift=name).name: images for name, images in dataset.ood.items()}
    for shift in parts.shifts.values():
        splits[shift.condition.name] = shifts[shift.source.name]
    with naming("dataset."):
        files = parts.source.files()
        size = sum(file.stat().st_size for file in files.values())
        content = cached_fingerprint(files)
        print(f"{parts.source.name}: {len(files):,} files of {gigabytes(size)}, content {content}")
    print(f"{len(dataset.classes):,} classes, {dataset.train.resolution} x {dataset.train.resolution} pixels\n")
    print(LINE.format("split", "images", "classes", "images of a class", "pixels", "lie in"))
    for name, images in splits.items():
        classes = len(np.unique(images.labels[images.labels >= 0]))
        print(LINE.format(name, f"{len(images):,}", classes, spread(images), *location(images)))
    cached_bytes = sum(images.file.stat().st_size for images in splits.values() if images.file is not None)
    print(f"\ncache: {cache_directory()} ({VARIABLE}), {gigabytes(cached_bytes)} of it for these images\n")
    for line in class_lines(dataset, splits):
        print(line)
    output = Path(config.output or f"contact-{parts.source.name}.png")
    with naming("output: "):
        draw_contact_sheet(output, splits, (*dataset.classes, "of no class"))  # label -1
    print(f"\ncontact sheet: {shown(output)}")


def prepare(parts: Parts) -> tuple[Dataset, dict[str, Images]]:
    """Downloads and computes everything of a run that needs the network or takes long.

    Returns the data set and, by name, the test images of the `shift` sets in its label space.
    """
    with naming("dataset."):
        parts.source.files()
    with naming("backbone."):
        resolution = parts.backbone.image_size()
        parts.backbone.prepare()
    with naming("dataset."):
        dataset = parts.source.load(resolution)
    shifts = {name: images for name, (images, _) in shift_sets(parts, dataset, resolution).items()}
    suite, test = parts.suite, dataset.test
    rows = fixed_subset(len(test), suite.max_images)
    with naming("suite."):
        corrupted = corrupted_sets(test.take(rows), rows, suite.corruptions, suite.severities)
    for name, images in tqdm(corrupted.items(), desc="corruptions", unit="set", disable=None if corrupted else True):
        with naming(f"suite.corruptions: {name}: "):
            images.write_to_cache()
    if corrupted:
        print(f"{len(corrupted)} corruptions of {len(rows):,} test images: {cache_directory() / 'corrupted'}")
    return dataset, shifts


def spread(images: Images) -> str:
    """Images of a class, `min 80, median 120, max 800`, over the classes with an image."""
    counts = np.unique(images.labels, return_counts=True)[1]
    if counts.min() == counts.max():
        return f"{counts[0]:,} each"
    return f"min {counts.min():,}, median {int(np.median(counts)):,}, max {counts.max():,}"


def location(images: Images) -> tuple[str, str]:
    """(size, path in the cache) of the pixels."""
    if images.file is None:
        return gigabytes(len(images) * 3 * images.resolution**2), "memory: made by every run"
    return gigabytes(images.file.stat().st_size), str(images.file.parent.relative_to(cache_directory()))


def class_lines(dataset: Dataset, splits: dict[str, Images]) -> list[str]:
    """A table of images by class and split; of many classes, those with the fewest and the most training images."""
    counts = {
        name: np.bincount(images.labels[images.labels >= 0], minlength=len(dataset.classes))
        for name, images in splits.items()
    }
    order = np.arange(len(dataset.classes))
    if len(order) > FEW_CLASSES:
        by_training = np.argsort(counts["train"], kind="stable")
        order = np.concatenate([by_training[: FEW_CLASSES // 2], by_training[-FEW_CLASSES // 2 :]])
    names = [dataset.classes[label] for label in order]
    width = min(40, max(len("class"), *map(len, names)))
    widths = {name: max(7, len(name)) for name in splits}
    head = f"{'class':<{width}}" + "".join(f"  {name:>{widths[name]}}" for name in splits)
    lines = [
        f"{name[:width]:<{width}}" + "".join(f"  {counts[split][label]:>{widths[split]},}" for split in splits)
        for label, name in zip(order, names, strict=True)
    ]
    if len(order) < len(dataset.classes):
        lines.insert(FEW_CLASSES // 2, f"... {len(dataset.classes) - len(order):,} classes in between")
    return [head, *lines]
