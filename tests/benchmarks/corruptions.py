"""Our corruptions beside those of the package `imagecorruptions`: python tests/benchmarks/corruptions.py [--json]

For each corruption, over some images and all severities at 224 px: the mean distance from the original in 8-bit levels,
ours and theirs; the mean distance between the two for what has no randomness; and the accuracy of a linear classifier
of digits on either. `imagecorruptions` (1.1.2) needs no more than to be installed: what numpy and scikit-image have
renamed since is given back to it here.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import types
import warnings

import numpy as np
from PIL import Image

from robustft.data.corruptions.corrupt import corrupt
from robustft.data.corruptions.names import COMMON, EXTRA, SEVERITIES
from robustft.data.sources.digits import Digits

RESOLUTION = 224
WITHOUT_RANDOMNESS = (
    "defocus_blur",
    "zoom_blur",
    "brightness",
    "contrast",
    "pixelate",
    "jpeg_compression",
    "gaussian_blur",
    "saturate",
)


def theirs(name: str, severity: int, image: np.ndarray) -> np.ndarray:
    """uint8 (R, R, 3), also where the package has not kept up."""
    from imagecorruptions import corrupt as package_corrupt

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return package_corrupt(image, severity=severity, corruption_name=name)


def prepare_theirs() -> bool:
    """Whether the package is there; gives it what it misses."""
    if "pkg_resources" not in sys.modules:
        try:
            import pkg_resources  # noqa: F401
        except ImportError:
            from pathlib import Path

            stand_in = types.ModuleType("pkg_resources")
            stand_in.resource_filename = lambda module, name: str(  # type: ignore[attr-defined]
                Path(sys.modules[module].__file__ or "").parent / name
            )
            sys.modules["pkg_resources"] = stand_in
    try:
        import scipy.ndimage as ndimage

        sys.modules.setdefault("scipy.ndimage.interpolation", ndimage)
        import imagecorruptions.corruptions as module
    except ImportError:
        return False
    setattr(np, "float_", np.float64)  # noqa: B010
    from skimage.filters import gaussian

    def renamed(image: np.ndarray, *args: object, multichannel: bool = False, **settings: object) -> np.ndarray:
        return gaussian(image, *args, channel_axis=-1 if multichannel else None, **settings)

    module.gaussian = renamed
    return True


def pictures(count: int) -> list[np.ndarray]:
    """Smooth coloured pictures with edges: what blur, noise and colour changes act on, made from nothing."""
    made = []
    for seed in range(count):
        random = np.random.default_rng(seed)
        small = Image.fromarray(random.integers(0, 256, (7, 7, 3), dtype=np.uint8))
        image = np.array(small.resize((RESOLUTION, RESOLUTION), Image.Resampling.BICUBIC))
        for _ in range(6):
            top, left = random.integers(0, 180, 2)
            image[top : top + random.integers(10, 80), left : left + random.integers(10, 80)] = random.integers(
                0, 256, 3
            )
        made.append(image)
    return made


def real_pictures(folder: str, count: int) -> list[np.ndarray]:
    """Pictures below `folder`, squashed as the data room does."""
    from pathlib import Path

    from robustft.data.images.decode import decode

    files = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    chosen = [files[index] for index in np.linspace(0, len(files) - 1, count).astype(int)]
    return [np.ascontiguousarray(decode(path, RESOLUTION).transpose(1, 2, 0)) for path in chosen]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--images", type=int, default=10)
    parser.add_argument("--digits", type=int, default=60)
    parser.add_argument("--folder", help="take pictures from here instead of making them")
    given = parser.parse_args()
    both = prepare_theirs()
    if not both:
        print("imagecorruptions is not installed: ours alone", file=sys.stderr)
    from sklearn.linear_model import LogisticRegression

    digits = Digits().load(28)
    classifier = LogisticRegression(max_iter=200).fit(_features(digits.train.pixels), digits.train.labels)
    test = Digits().load(RESOLUTION).test
    rows = np.linspace(0, len(test) - 1, given.digits).astype(int)
    large, labels = test.pixels[rows].transpose(0, 2, 3, 1), test.labels[rows]
    images = real_pictures(given.folder, given.images) if given.folder else pictures(given.images)
    clean = _accuracy(classifier, list(large), labels)
    print(f"clean accuracy {clean:.3f}", file=sys.stderr)
    np.random.seed(0)  # noqa: NPY002  the package draws from the global generator
    found = {}
    for name in (*COMMON, *EXTRA):
        entry: dict[str, object] = {"ours": [], "theirs": [], "between": [], "ours_acc": [], "theirs_acc": []}
        begin = time.perf_counter()
        for severity in SEVERITIES:
            ways = {
                "ours": lambda image, index, name=name, severity=severity: corrupt(
                    image.transpose(2, 0, 1), name, severity, index=index
                ).transpose(1, 2, 0)
            }
            if both:
                ways["theirs"] = lambda image, index, name=name, severity=severity: theirs(name, severity, image)
            made = {way: [change(image, index) for index, image in enumerate(images)] for way, change in ways.items()}
            for way, corrupted in made.items():
                entry[way].append(round(_distance(corrupted, images), 2))  # type: ignore[attr-defined]
                changed = [ways[way](image, index) for index, image in enumerate(large)]
                entry[f"{way}_acc"].append(round(_accuracy(classifier, changed, labels), 3))  # type: ignore[attr-defined]
            if both and name in WITHOUT_RANDOMNESS:
                entry["between"].append(round(_distance(made["ours"], made["theirs"]), 2))  # type: ignore[attr-defined]
        entry["seconds"] = round(time.perf_counter() - begin, 1)
        found[name] = entry
        print(f"{name:18}", *(f"{key} {value}" for key, value in entry.items() if value), flush=True)
    if given.json:
        print(json.dumps({"clean_accuracy": clean, "corruptions": found}))


def _features(pixels: np.ndarray) -> np.ndarray:
    return pixels.mean(axis=1).reshape(len(pixels), -1) / 255


def _accuracy(classifier: object, images: list[np.ndarray], labels: np.ndarray) -> float:
    small = np.stack([np.asarray(Image.fromarray(image).resize((28, 28), Image.Resampling.BOX)) for image in images])
    return float(classifier.score(_features(small.transpose(0, 3, 1, 2)), labels))  # type: ignore[attr-defined]


def _distance(ones: list[np.ndarray], others: list[np.ndarray]) -> float:
    return float(np.mean([np.abs(a.astype(int) - b.astype(int)).mean() for a, b in zip(ones, others, strict=True)]))


if __name__ == "__main__":
    main()
