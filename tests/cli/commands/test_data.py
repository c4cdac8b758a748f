"""Getting everything ahead, and then running where there is no network at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.data.pictures import folder, parquet, put, save, table, write

REFUSING = """
import socket, sys
def refuse(*arguments, **options):
    print("NETWORK", arguments, file=sys.stderr, flush=True)
    raise OSError(101, "Network is unreachable")
def only_here(connect):
    return lambda self, *arguments: (connect if self.family == socket.AF_UNIX else refuse)(self, *arguments)
socket.socket.connect = only_here(socket.socket.connect)
socket.socket.connect_ex = only_here(socket.socket.connect_ex)
socket.getaddrinfo = socket.create_connection = refuse
from robustft.cli.app import main
main()
"""
WORDS = ("dataset=hub", "dataset.hub_id=somebody/pictures", "backbone=glyph_vit")
SHORT = (
    "method=linear_probe",
    "trainer=lab",
    "trainer.max_steps=1",
    "trainer.batch_size=16",
    "schedule=log",
    "schedule.points=1",
    "attack.pgd.steps=1",
    "suite.max_images=8",
)
COUNT = 500  # more pixels than stay in memory


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """A data set in the hub's cache, as a download leaves it."""
    repository = tmp_path / "hub" / "datasets--somebody--pictures"
    snapshot = repository / "snapshots" / "0123456789012345678901234567890123456789"
    random = np.random.default_rng(0)
    for split, count in (("train", COUNT), ("test", 20)):
        images = [save(Image.fromarray(random.integers(0, 256, (30, 40, 3), dtype=np.uint8))) for _ in range(count)]
        labels = [row % 2 for row in range(count)]
        blob = write(
            repository / "blobs" / split, table(labels, images=list(images), names={"label": ["cat", "dog"]}), 100
        )
        link = snapshot / "data" / f"{split}-00000-of-00001.parquet"
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(blob, link.parent))
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(snapshot.name)
    return tmp_path / "hub"


def test_after_data_a_run_needs_no_network(hub, tmp_path):
    def refused(*words):
        return subprocess.run(
            [sys.executable, "-c", REFUSING, *words],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            env={**os.environ, "HF_HUB_CACHE": str(hub), "ROBUSTFT_CACHE": str(tmp_path / "cache")},
        )

    done = refused("data", *WORDS)
    assert done.returncode == 0, done.stderr
    assert "NETWORK" not in done.stderr
    assert f"cache: {tmp_path / 'cache'} (ROBUSTFT_CACHE), 1.2 MB of it for these images" in done.stdout
    lines = {line.split()[0]: line.split() for line in done.stdout.splitlines() if line}
    assert lines["train"][1:3] == ["500", "2"]
    assert lines["cat"] == ["cat", "250", "10"]
    with Image.open(tmp_path / "contact-pictures.png") as sheet:
        assert sheet.height > 4 * 96
    entry = next((tmp_path / "cache" / "images").iterdir())
    before = entry.stat().st_mtime_ns
    trained = refused(*WORDS, *SHORT)
    assert trained.returncode == 0, trained.stderr
    assert "NETWORK" not in trained.stderr
    assert "area under the frontier" in trained.stdout
    assert entry.stat().st_mtime_ns == before


def test_it_says_what_there_is(words):
    code, out, err = words("data", "output=sheet.png")
    assert (code, err) == (0, "")
    assert "digits: 3 files" in out
    assert "10 classes, 28 x 28 pixels" in out
    assert "ood:mnist" in out
    assert "memory: made by every run" in out
    assert out.rstrip().endswith("contact sheet: sheet.png")


def test_a_self_supervised_set_is_shown_as_any_other(words):
    code, out, err = words("data", "pretext=rotation", "output=sheet.png")
    assert (code, err) == (0, "")
    assert "digits-rotation: 3 files" in out
    lines = {line[:22].strip(): line.split()[-3:] for line in out.splitlines()}
    assert lines["turned by 270 degrees"] == ["1,347", "450", "1,000"]


def test_shift_sets_and_corruptions_are_made_ahead(words, tmp_path, monkeypatch):
    monkeypatch.setenv("ROBUSTFT_CACHE", str(tmp_path / "cache"))
    corruptions = ("suite.corruptions=[fog,contrast]", "suite.severities=[1,5]", "suite.max_images=20")
    code, out, err = words("data", *corruptions, "shift=[digits]", "output=sheet.png")
    assert (code, err) == (0, "")
    assert f"4 corruptions of 20 test images: {tmp_path / 'cache' / 'corrupted'}" in out
    assert len(list((tmp_path / "cache" / "corrupted").glob("*.npy"))) == 4
    assert "ood:digits" in out


def test_a_mistake_is_one_line(words):
    code, _, err = words("data", "dataset=folder", "dataset.path=nowhere")
    assert code == 2
    assert err.startswith("robustft: dataset.path must be a directory")
    assert err.count("\n") == 1


def test_a_cache_that_cannot_be_written_is_named_without_a_key(words, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ROBUSTFT_CACHE", str(tmp_path / "file"))
    random = np.random.default_rng(0)
    for split, count in (("train", 500), ("test", 2)):
        images = [save(Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))) for _ in range(count)]
        write(tmp_path / "set" / f"{split}.parquet", table([row % 2 for row in range(count)], images=list(images)))
    code, _, err = words("data", "dataset=hub", "dataset.path=set", "backbone=glyph_vit")
    assert code == 2
    assert err.startswith("robustft: ROBUSTFT_CACHE must be a directory that can be written, got ")
    assert err.count("\n") == 1


def test_what_is_left_out_is_said_in_lines_of_its_own(words, tmp_path):
    folder(tmp_path / "set", classes=("cat", "dog"))
    put(tmp_path / "set" / "train" / "emu" / "0.heic", b"no image")
    code, _, err = words("data", "dataset=folder", "dataset.path=set", "backbone=glyph_vit")
    assert code == 0
    assert err.splitlines() == [
        f"robustft: path {tmp_path / 'set'}: 1 file left out: 1 .heic",
        f"robustft: path {tmp_path / 'set'}: no readable image in train/emu",
    ]


@pytest.mark.parametrize("form", ["one image", "no bytes", "bomb", "no text", "configurations"])
def test_a_set_that_cannot_be_trained_on_is_one_line_and_nothing_is_written(words, tmp_path, form, monkeypatch):
    monkeypatch.setenv("ROBUSTFT_CACHE", str(tmp_path / "cache"))
    root = tmp_path / "set"
    choice, expected = "hub", ""
    if form == "one image":
        parquet(root, [0], [0], names={"label": ["cat", "dog"]})
        expected = "dataset.path {} must have at least 2 training images, of which one is held out, found 1"
    elif form == "no bytes":
        parquet(root, [0, 1], [0, 1], images=[save(Image.new("L", (4, 4))), None])
        expected = "dataset.path {}, training split: 1 of 2 images do not decode; the first is train.parquet row 1"
    elif form == "configurations":
        for name in ("cropped", "full"):
            parquet(root / name, [0, 1], [0, 1])
        expected = "dataset.config must be one of cropped, full, which lie side by side in path {}; got null"
    else:
        choice = "folder"
        folder(root, classes=("cat", "caf\udce9" if form == "no text" else "dog"))
        expected = "dataset.path {} has a class 'train/caf\\udce9': names of classes must be UTF-8"
        if form == "bomb":
            monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
            expected = (
                "dataset.path {}, training split: 4 of 4 images do not decode; the first is train/cat/0.png: Image"
            )
    before = sorted(tmp_path.rglob("*"))
    code, _, err = words(f"dataset={choice}", "dataset.path=set", "backbone=glyph_vit")
    assert code == 2
    assert err.startswith("robustft: " + expected.format(root))
    assert err.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("home", ["~nosuchuser/x", "caf\udce9"])
def test_a_cache_that_is_nowhere_is_named(words, tmp_path, monkeypatch, home):
    folder(tmp_path / "set")
    monkeypatch.setenv("ROBUSTFT_CACHE", home)
    code, _, err = words("data", "dataset=folder", "dataset.path=set", "backbone=glyph_vit")
    assert code == 2
    assert err.startswith("robustft: ROBUSTFT_CACHE must be a path ")
    assert err.count("\n") == 1
