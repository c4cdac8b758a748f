"""What the tests of several rooms share: a model that is a formula, and the lab's backbone with tiny images."""

from __future__ import annotations

import resource
import subprocess
import sys
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from robustft.backbones.pixel_model import PixelModel
from robustft.backbones.timm_model import TimmModel
from robustft.data.dataset import Images


@pytest.fixture(autouse=True, scope="session")
def cache_of_its_own(tmp_path_factory):
    """Tests neither find nor leave decoded images where people keep theirs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROBUSTFT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def one_thread():
    """Bits are compared: how a busy machine shares sums out among threads must not matter."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def largest_file():
    """(bytes) -> a context in which no file can become larger, as on a disk with no more room than that."""

    @contextmanager
    def limited(size: int):
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited


@pytest.fixture
def on_small_disk(tmp_path):
    """(size, script) -> the process of the Python script, in a directory in which `small/` is a disk of that size."""
    (tmp_path / "small").mkdir()
    inside = ["unshare", "--user", "--map-root-user", "--mount"]

    def run(size: str, script: str) -> subprocess.CompletedProcess:
        mounted = f'mount -t tmpfs -o size={size} tmpfs small && exec "$@"'
        shell = [*inside, "sh", "-c", mounted, "sh"]
        try:
            subprocess.run([*shell, "true"], cwd=tmp_path, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no file system can be mounted here: {error}")
        return subprocess.run(
            [*shell, sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
        )

    return run


class LinearModel(nn.Module):
    """logits = W x + b on flattened pixels: everything about it is known in closed form."""

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        super().__init__()
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(len(weight)) if bias is None else bias)
        self.seen: list[Tensor] = []

    def forward(self, pixels: Tensor) -> Tensor:
        self.seen.append(pixels.detach().clone())
        return pixels.flatten(1) @ self.weight.T + self.bias


@pytest.fixture
def linear_model():
    return LinearModel


@pytest.fixture
def random_images():
    """(count, classes, resolution, seed) -> Images of noise with random labels."""

    def make(count: int, classes: int = 4, resolution: int = 8, seed: int = 0) -> Images:
        random = np.random.default_rng(seed)
        return Images(
            pixels=random.integers(0, 256, (count, 3, resolution, resolution), dtype=np.uint8),
            labels=random.integers(0, classes, count).astype(np.int64),
        )

    return make


@pytest.fixture
def tiny_backbone():
    """(classes, seed, **options) -> a two-block ViT of 8 x 8 pixels with random weights."""

    def make(classes: int = 4, seed: int = 0, **options: object) -> PixelModel:
        settings = {"patch_size": 4, "embed_dim": 32, "depth": 2, "num_heads": 2, **options}
        settings_of_vit = TimmModel(name="vit_tiny_patch16_224", pretrained=False, resolution=8, options=settings)
        return settings_of_vit.build(classes=classes, seed=seed)

    return make
