"""A program takes any number of images, and its file holds neither pickles nor this machine's paths."""

from __future__ import annotations

import zipfile

import pytest
import torch
from torch import nn

from robustft.backbones.pixel_model import PixelModel
from robustft.methods import BottleneckAdapter
from robustft.models.export.preprocessing import Preprocessing
from robustft.models.export.program import PROGRAM, Program, load_program


@pytest.fixture
def directory(tuned, export, tmp_path):
    export(tuned(BottleneckAdapter()), BottleneckAdapter(), tmp_path / "out")
    return tmp_path / "out"


@pytest.mark.parametrize("count", [1, 2, 3, 17])
def test_any_number_of_images(directory, count):
    assert load_program(directory)(torch.rand(count, 3, 16, 16)).shape == (count, 5)


def test_images_of_another_size_are_refused(directory):
    with pytest.raises((RuntimeError, AssertionError)):
        load_program(directory)(torch.rand(2, 3, 20, 20))


def test_no_pickle_and_no_path_is_inside(directory):
    with zipfile.ZipFile(directory / PROGRAM) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    assert not any(b"data.pkl" in content or content[:1] == b"\x80" for content in contents.values())
    assert not any(b"site-packages" in content or b".py" in content for content in contents.values())


class Untraceable(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(3, 2)

    def forward(self, images):
        means = images.mean((2, 3))
        return self.head(means) if float(means.sum()) > 0 else self.head(-means)


def test_what_cannot_be_traced_is_one_line(tmp_path):
    model = PixelModel(Untraceable(), resolution=4, mean=(0, 0, 0), std=(1, 1, 1))
    images = Preprocessing.of(model, resize="squash")
    with pytest.raises(ValueError, match=r"method must give a network that torch\.export can trace: .+") as error:
        Program(model=model.eval(), classes=("a", "b"), preprocessing=images).write(tmp_path)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []
