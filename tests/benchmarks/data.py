"""How fast images are decoded, kept and fed, and how much memory an evaluation takes.

Every case is measured beside the other way of doing it, in turns, and the best of the turns counts, so that a machine
that is busy with something else does not decide. `--json` prints one JSON object last. The pictures are JPEGs of 500 x
375 pixels made of those in `--pictures` (../shared/data/caltech101 unless given), or of smooth noise without them.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import cycle, islice
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

RESOLUTION = 224
BATCH = 128
SIZE = (500, 375)
CLASSES = 10

MEMORY = """
import resource, sys
import numpy as np
import torch
from torch import nn
from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.data.dataset import Images
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.suite import Suite

class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 10)
    def forward(self, pixels):
        return self.head(pixels.mean((2, 3)))

def resident(name):
    for line in open("/proc/self/status"):
        if line.startswith(name):
            return int(line.split()[1]) * 1024

torch.manual_seed(0)
count, path, way = int(sys.argv[1]), sys.argv[2], sys.argv[3]
pixels = np.memmap(path, dtype=np.uint8, mode="r", shape=(count, 3, 224, 224))
model = Tiny()
with torch.no_grad():  # no image is wrong from the start, so that every one is attacked
    predicted = np.concatenate([
        model(torch.from_numpy(np.array(pixels[row : row + 1])).float() / 255).argmax(1).numpy()
        for row in range(0, count, 500)
    ])
pixels = np.memmap(path, dtype=np.uint8, mode="r", shape=(count, 3, 224, 224))
labels = np.full(count, int(np.bincount(predicted).argmax()), np.int64)
images = Images(pixels=pixels if way == "cache" else np.array(pixels), labels=labels)
attack = Pgd(steps=1)
suite = Suite(threat_model=ThreatModel(norm="linf", eps_255=1), attacks={"pgd": attack}, batch_size=128)
few = images.take(np.arange(1))
before = resident("VmRSS")
evaluator = Evaluator(suite=suite, validation=few, test=images, ood={}, seed=0)
measured = list(evaluator.evaluate(model))
attacked = int(measured[2].correct.sum())
print(resident("VmHWM") - before, attacked, sum(one.seconds for one in measured))
"""


def main() -> None:
    """Runs the cases that are asked for and prints what came out."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object last")
    parser.add_argument("--images", type=int, default=2048, help="how many pictures to decode")
    parser.add_argument("--turns", type=int, default=3, help="how often every way is measured")
    parser.add_argument("--attacked", type=int, default=10_000, help="images of the memory case; 0: leave it out")
    parser.add_argument("--pictures", type=Path, default=ROOT.parent / "shared" / "data" / "caltech101")
    parser.add_argument("--directory", type=Path, default=None, help="where to put gigabytes meanwhile")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.directory) as temporary:
        os.environ["ROBUSTFT_CACHE"] = str(Path(temporary) / "cache")
        files = make_pictures(Path(temporary) / "pictures", given.pictures, given.images)
        cases = {
            "building": building(files, given.turns),
            "feeding": feeding(files, given.turns),
            "identical": identical(files),
            "opening": opening(files, given.turns),
        }
        if given.attacked:
            cases["memory"] = memory(Path(temporary), given.attacked)
    for name, case in cases.items():
        print(f"{name:<10}", ", ".join(f"{key} {value}" for key, value in case.items()))
    if given.json:
        print(json.dumps(cases))


def make_pictures(directory: Path, originals: Path, count: int) -> list[Path]:
    """`count` JPEG files of SIZE, all different."""
    random = np.random.default_rng(0)
    found = sorted(originals.glob("train/*/*.jpg"))[:400]
    files = []
    directory.mkdir()
    for number, original in zip(range(count), cycle(found or [None]), strict=False):
        if original is None:
            noise = Image.fromarray(random.integers(0, 256, (47, 63, 3), dtype=np.uint8))
            picture = noise.resize(SIZE, Image.Resampling.BICUBIC).filter(ImageFilter.DETAIL)
        else:
            left, top = random.random(2) * 0.1
            with Image.open(original) as image:
                box = (left * image.width, top * image.height, image.width, image.height)
                picture = image.convert("RGB").resize(SIZE, Image.Resampling.BICUBIC, box=box)
        files.append(directory / f"{number:05d}.jpg")
        picture.save(files[-1], quality=90)
    return files


def split_of(files: list[Path]) -> Any:
    from robustft.data.encoded import EncodedImages

    labels = np.arange(len(files), dtype=np.int64) % CLASSES
    return EncodedImages(labels=labels, items=[(file.name, file) for file in files]).cached(RESOLUTION, "squash", "all")


def cached(files: list[Path]) -> Any:
    from robustft.data.cache.cached_split import decode_splits

    return decode_splits([split_of(files)], "benchmark")[0]


def plain(files: list[Path]) -> np.ndarray:
    """What PIL alone does, in one process."""
    pixels = np.empty((len(files), 3, RESOLUTION, RESOLUTION), np.uint8)
    for row, file in enumerate(files):
        with Image.open(file) as image:
            resized = image.convert("RGB").resize((RESOLUTION, RESOLUTION), Image.Resampling.BILINEAR)
            pixels[row] = np.asarray(resized).transpose(2, 0, 1)
    return pixels


def plain_count(files: list[Path]) -> int:
    """`plain`, whose result stays in its process."""
    return len(plain(files))


def best(ways: dict[str, Callable[[], float]], turns: int) -> dict[str, float]:
    """Way -> images/s, the best of the turns."""
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(turns):
        for name, way in ways.items():
            rates[name].append(way())
    return {name: max(found) for name, found in rates.items()}


def result(rates: dict[str, float], ours: str, other: str, wanted: float) -> dict[str, Any]:
    """Images/s of both and the ratio."""
    return {
        f"{ours}_images_per_s": round(rates[ours], 1),
        f"{other}_images_per_s": round(rates[other], 1),
        "ratio": round(rates[ours] / rates[other], 3),
        "wanted_ratio": wanted,
    }


def building(files: list[Path], turns: int) -> dict[str, Any]:
    """Everything up to the published entry, beside PIL in two processes that were started before."""
    import shutil

    files = files * 3  # starting the processes takes 0.2 s, whatever the size of the set

    from robustft.data.cache.cache_directory import cache_directory

    def cache() -> float:
        shutil.rmtree(cache_directory(), ignore_errors=True)
        begin = time.perf_counter()
        cached(files)
        return len(files) / (time.perf_counter() - begin)

    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(plain_count, [files[:8], files[8:16]]))

        def pil() -> float:
            begin = time.perf_counter()
            list(pool.map(plain_count, [files[start : start + 48] for start in range(0, len(files), 48)]))
            return len(files) / (time.perf_counter() - begin)

        return result(best({"cache": cache, "pil_2_processes": pil}, turns), "cache", "pil_2_processes", 0.85)


class Pictures:
    """A data set as people write it for torch."""

    def __init__(self, files: list[Path]) -> None:
        from torchvision import transforms

        self.files = files
        self.transform = transforms.Compose(
            [transforms.Resize((RESOLUTION, RESOLUTION)), transforms.ToTensor(), transforms.Normalize([0.5], [0.5])]
        )

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, row: int) -> tuple[Any, int]:
        with Image.open(self.files[row]) as image:
            return self.transform(image.convert("RGB")), row % CLASSES


def feeding(files: list[Path], turns: int) -> dict[str, Any]:
    """Training batches in random order, as the device gets them, beside a DataLoader that decodes."""
    import torch
    from torch.utils.data import DataLoader

    from robustft.training.data_module import TrainingBatches

    torch.set_num_threads(2)
    images = cached(files)

    def cache() -> float:
        steps = 100
        batches: Iterator[Any] = iter(
            TrainingBatches(images, np.arange(len(images)), batch_size=BATCH, seed=0, total_steps=steps)
        )
        next(batches)
        begin = time.perf_counter()
        total = sum(len(pixels) for pixels, *_ in batches)
        return total / (time.perf_counter() - begin)

    def loader() -> float:
        batches = iter(DataLoader(Pictures(files), batch_size=BATCH, shuffle=True, num_workers=2))  # type: ignore[arg-type]
        next(batches)  # the workers have started
        begin = time.perf_counter()
        total = sum(len(pixels) for pixels, _ in islice(batches, 10))
        return total / (time.perf_counter() - begin)

    rates = best({"cache": cache, "dataloader_2_workers": loader}, turns)
    return {**result(rates, "cache", "dataloader_2_workers", 10), "wanted_images_per_s": 5000}


def identical(files: list[Path]) -> dict[str, Any]:
    """Whether the pixels in the cache are those of decoding afresh, by robustft and by PIL alone."""
    from robustft.data.images.decode import decode

    begin = time.perf_counter()
    images = cached(files)
    same = all(np.array_equal(images.pixels[row], decode(file, RESOLUTION)) for row, file in enumerate(files[:300]))
    return {
        "same_as_fresh": same,
        "same_as_pil": bool(np.array_equal(images.batch(np.arange(300))[0], plain(files[:300]))),
        "seconds": round(time.perf_counter() - begin, 2),
    }


def opening(files: list[Path], turns: int) -> dict[str, Any]:
    """What it costs to compare every byte of an entry with its checksums, beside building it."""

    def open_again() -> float:
        begin = time.perf_counter()
        cached(files)
        return len(files) / (time.perf_counter() - begin)

    rate = best({"open": open_again}, turns)["open"]
    return {
        "images_per_s": round(rate),
        "gigabytes_per_s": round(rate * 3 * RESOLUTION**2 / 1e9, 2),
        "seconds": round(len(files) / rate, 3),
    }


def memory(directory: Path, count: int) -> dict[str, Any]:
    """Peak resident memory of attacking `count` images above that of the process with its model, beside an array."""
    path = directory / "attacked.uint8"
    with path.open("wb") as file:
        random = np.random.default_rng(0)
        for _ in range(count):
            file.write(random.integers(0, 256, 3 * RESOLUTION**2, dtype=np.uint8).tobytes())
    found: dict[str, Any] = {}
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(count), str(path), "cache"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    peak, unbroken, seconds = done.stdout.split()
    array = count * 3 * RESOLUTION**2
    found |= {
        "images": count,
        "peak_gigabytes_above_model": round(int(peak) / 1e9, 3),
        "wanted_gigabytes": 1.5,
        "float_array_gigabytes": round(4 * array / 1e9, 2),
        "ratio_of_float_array": round(4 * array / int(peak), 1),
        "unbroken": int(unbroken),
        "seconds": round(float(seconds), 1),
    }
    path.unlink()
    return found


if __name__ == "__main__":
    main()
