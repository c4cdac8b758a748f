from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from robustft import lease
from robustft.data.cache import build_lock, cached_split
from robustft.data.cache.cached_split import CachedSplit, decode_splits
from robustft.data.cache.chunk_layout import ChunkLayout
from robustft.data.cache.decoding_worker import DecodingProcess
from robustft.data.dataset import Dataset, Images
from robustft.data.encoded import EncodedDataset, EncodedImages
from robustft.data.errors import CacheError, DataError
from robustft.data.images.decode import decode_all
from robustft.data.source import Source
from robustft.data.sources.folder import Folder
from robustft.data.sources.parquet import Parquet
from robustft.data.sources.published import Published
from tests.data.pictures import SHARED, folder, put, save, table, write

ROOT = Path(__file__).parents[3]

LOADING = """
import os, signal, sys
from robustft.data.cache import build
from robustft.data.cache import cached_split
from robustft.data.sources.folder import Folder
from robustft.data.cache.chunk_layout import ChunkLayout
cached_split.IN_MEMORY_BYTES = 0
ChunkLayout.chunk_images = 2
chunks = int(sys.argv[2])
line = build._line
def counted(*arguments):
    global chunks
    chunks -= 1
    if chunks < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return line(*arguments)
build._line = counted
data = Folder(path=sys.argv[1]).load(8)
print(int(data.train.pixels.sum()), int(data.test.pixels.sum()))
"""


@pytest.fixture(autouse=True)
def directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Everything is cached, however small, in chunks of two images, in a cache of the test's own."""
    monkeypatch.setenv("ROBUSTFT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cached_split, "IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(ChunkLayout, "chunk_images", 2)
    return tmp_path / "cache"


def noise(seed: int, size: tuple[int, int] = (13, 9)) -> bytes:
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return save(Image.fromarray(pixels), "JPEG", quality=90)


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """11 + 4 pictures of noise in two classes."""
    for split, count in (("train", 11), ("test", 4)):
        for row in range(count):
            put(tmp_path / "pictures" / split / f"class {row % 2}" / f"{row}.jpg", noise(row + 100 * (split == "test")))
    return tmp_path / "pictures"


def entries(directory: Path) -> list[Path]:
    return sorted((directory / "images").iterdir())


def fresh(images: EncodedImages, resolution: int) -> np.ndarray:
    return decode_all(images.items, resolution, count=len(images.labels))


def same(one: Dataset, other: Dataset) -> bool:
    pairs = [(one.train, other.train), (one.test, other.test)]
    pairs += [(one.ood[name], other.ood[name]) for name in (*one.ood, *other.ood)]
    return all(np.array_equal(a.pixels, b.pixels) and np.array_equal(a.labels, b.labels) for a, b in pairs)


def in_memory(source: Any, resolution: int, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    with monkeypatch.context() as patch:
        patch.setattr(cached_split, "IN_MEMORY_BYTES", 1 << 40)
        data = source.load(resolution)
    assert not isinstance(data.train.pixels, np.memmap)
    return data


def no_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise AssertionError("decoded again")

    monkeypatch.setattr(cached_split, "build_pixels", refuse)


def test_the_first_use_decodes_and_later_ones_map(pictures: Path, directory: Path, monkeypatch) -> None:
    first = Folder(path=pictures).load(8)
    assert isinstance(first.train.pixels, np.memmap)
    assert len(entries(directory)) == 2
    assert {path.name for path in entries(directory)[0].iterdir()} == {"pixels.uint8", "labels.npy", "index.json"}
    no_decoding(monkeypatch)
    assert same(first, Folder(path=pictures).load(8))


def test_pixels_are_those_of_a_fresh_decoding(pictures: Path, monkeypatch) -> None:
    source = Folder(path=pictures)
    assert same(source.load(8), in_memory(source, 8, monkeypatch))


def test_parquet_rows_are_those_of_a_fresh_decoding_and_shared_between_sources(
    tmp_path: Path, directory: Path, monkeypatch
) -> None:
    for split, count in (("train", 9), ("test", 9)):
        made = table(
            [row % 2 for row in range(count)], images=[noise(row) for row in range(count)], domains=list("abc" * 3)
        )
        write(tmp_path / f"{split}.parquet", made)
    for source in "ab":
        data = Published(path=tmp_path, source=source, domain_column="domain")
        assert same(data.load(8), in_memory(data, 8, monkeypatch))
    # Two training splits, and three test splits that are `test` of one and out of distribution for the others.
    assert len(entries(directory)) == 5


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the pictures of ../shared/data")
@pytest.mark.parametrize(
    ("source", "resolution"),
    [
        (Parquet(path=SHARED / "pacs", domain_column="domain", source="sketch"), 28),
        pytest.param(
            Parquet(path=SHARED / "pacs", domain_column="domain", source="sketch"), 65, marks=pytest.mark.soak
        ),
        pytest.param(Parquet(path=SHARED / "cifar10", image_column="img"), 65, marks=pytest.mark.soak),
        pytest.param(Folder(path=SHARED / "caltech101"), 65, marks=pytest.mark.soak),
    ],
)
def test_real_pictures_are_those_of_a_fresh_decoding(source: Source, resolution: int, monkeypatch) -> None:
    monkeypatch.undo()
    monkeypatch.setattr(cached_split, "IN_MEMORY_BYTES", 0)
    assert same(source.load(resolution), in_memory(source, resolution, monkeypatch))


def test_the_key_is_content_and_transform(pictures: Path, directory: Path, tmp_path: Path, monkeypatch) -> None:
    Folder(path=pictures).load(8)
    shutil.copytree(pictures, tmp_path / "elsewhere")
    Folder(path=tmp_path / "elsewhere").load(8)
    assert len(entries(directory)) == 2
    Folder(path=pictures).load(9)
    assert len(entries(directory)) == 4
    put(pictures / "train" / "class 0" / "0.jpg", noise(77))
    Folder(path=pictures).load(8)
    assert len(entries(directory)) == 5
    monkeypatch.setattr(cached_split, "DECODER_VERSION", 2)
    Folder(path=pictures).load(8)
    assert len(entries(directory)) == 7


def test_the_way_of_resizing_and_the_labels_are_part_of_the_key(directory: Path) -> None:
    items = [(str(row), noise(row)) for row in range(4)]
    for labels, resize in (([0, 1, 0, 1], "squash"), ([0, 1, 0, 1], "crop"), ([1, 1, 0, 1], "squash")):
        split = EncodedImages(labels=np.array(labels), items=items).cached(8, resize, "these")
        images_of(split)
    assert len(entries(directory)) == 3


def images_of(split: CachedSplit) -> Images:
    return decode_splits([split], "these")[0]


@pytest.mark.parametrize(
    ("name", "place"),
    [("pixels.uint8", 0), ("pixels.uint8", 0.5), ("pixels.uint8", 0.99), ("labels.npy", 0.9), ("index.json", 0.02)],
)
def test_a_flipped_byte_is_noticed_and_the_entry_rebuilt(
    pictures: Path, directory: Path, name: str, place: float, capfd, monkeypatch
) -> None:
    first = Folder(path=pictures).load(8)
    expected = in_memory(Folder(path=pictures), 8, monkeypatch)
    del first
    for entry in entries(directory):
        file = entry / name
        content = bytearray(file.read_bytes())
        content[int(place * len(content))] ^= 1
        file.write_bytes(content)
    assert same(Folder(path=pictures).load(8), expected)
    again = capfd.readouterr().err.splitlines()
    if name == "pixels.uint8":
        assert len(again) == 2
        assert all("was changed on disk" in line and "it is built again" in line for line in again)
    assert len(entries(directory)) == 2
    assert same(Folder(path=pictures).load(8), expected)
    if name == "pixels.uint8":
        assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", ["pixels.uint8", "labels.npy", "index.json"])
def test_a_cut_file_is_noticed(pictures: Path, directory: Path, name: str, monkeypatch) -> None:
    Folder(path=pictures).load(8)
    for entry in entries(directory):
        content = (entry / name).read_bytes()
        (entry / name).write_bytes(content[: len(content) // 2])
    assert same(Folder(path=pictures).load(8), in_memory(Folder(path=pictures), 8, monkeypatch))


def test_an_open_entry_survives_its_rebuilding(pictures: Path, directory: Path) -> None:
    first = Folder(path=pictures).load(8)
    before = first.train.batch(np.arange(11))[0]
    for entry in entries(directory):
        shutil.rmtree(entry)
    Folder(path=pictures).load(8)
    assert np.array_equal(first.train.batch(np.arange(11))[0], before)


def test_images_that_do_not_decode_are_one_line_and_leave_nothing(pictures: Path, directory: Path) -> None:
    put(pictures / "train" / "class 0" / "2.jpg", noise(2)[:200])
    put(pictures / "train" / "class 1" / "9.jpg", b"text")
    with pytest.raises(DataError) as raised:
        Folder(path=pictures).load(8)
    message = str(raised.value)
    assert "training split: 2 of 11 images do not decode; the first is train/class 0/2.jpg: " in message
    assert "\n" not in message
    assert entries(directory) == []


def test_a_count_that_is_not_the_items_is_an_error_and_leaves_nothing(directory: Path) -> None:
    for count in (3, 5):
        images = EncodedImages(labels=np.zeros(count, np.int64), items=[(str(row), noise(row)) for row in range(4)])
        with pytest.raises(DataError, match="changed while they were read"):
            images_of(images.cached(8, "squash", "these"))
    assert entries(directory) == []


def test_too_little_disk_is_said_before_with_what_is_needed(pictures: Path, directory: Path, monkeypatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 10, 2_000_000))  # type: ignore[attr-defined]
    with pytest.raises(CacheError) as raised:
        Folder(path=pictures).load(224)
    needed = 15 * 3 * 224**2 / 1e6
    message = str(raised.value)
    assert message.startswith(f"ROBUSTFT_CACHE needs {needed:.1f} MB for the decoded images of path ")
    assert "has 2.0 MB free" in message
    assert not (directory / "images").exists()


def test_a_cache_that_cannot_be_written_is_one_line(pictures: Path, tmp_path: Path, monkeypatch) -> None:
    put(tmp_path / "file", b"")
    monkeypatch.setenv("ROBUSTFT_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(CacheError, match=r"^ROBUSTFT_CACHE must be a directory .* got .*file/cache \("):
        Folder(path=pictures).load(8)


def test_a_cache_that_cannot_be_written_is_read(pictures: Path, directory: Path, monkeypatch) -> None:
    first = Folder(path=pictures).load(8)

    def refuse(*arguments: Any, **options: Any) -> None:
        raise PermissionError(13, "Permission denied")

    for name in ("mkdir", "write_text"):
        monkeypatch.setattr(Path, name, refuse)
    assert same(first, Folder(path=pictures).load(8))


def test_a_full_disk_is_one_line_and_the_build_resumes(pictures: Path, directory: Path, monkeypatch) -> None:
    def full(*arguments: Any, **options: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(cached_split, "synchronise", full)
        with pytest.raises(CacheError, match=r"^ROBUSTFT_CACHE: the disk of .* is full; path .* takes"):
            Folder(path=pictures).load(8)
    assert [path.suffix for path in entries(directory)] == [".building"]
    assert same(Folder(path=pictures).load(8), in_memory(Folder(path=pictures), 8, monkeypatch))
    assert [path.suffix for path in entries(directory)] == ["", ""]


def load_elsewhere(path: Path, *, chunks: int = 1000) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", LOADING, str(path), str(chunks)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_killed_build_is_resumed_and_never_read(pictures: Path, directory: Path, monkeypatch) -> None:
    killed = load_elsewhere(pictures, chunks=3)
    killed.communicate(timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert [path.suffix for path in entries(directory)] == [".building"]
    finished = (entries(directory)[0] / "finished.txt").read_text().splitlines()
    assert len(finished) == 3
    decoded = []
    real = cached_split.build_pixels

    def watched(building: Path, layout: ChunkLayout, items: Any, **options: Any) -> list[int]:
        progress = options["decoders"].progress
        update = progress.update
        monkeypatch.setattr(progress, "update", lambda count: (decoded.append(count), update(count)))
        return real(building, layout, items, **options)

    with monkeypatch.context() as patch:
        patch.setattr(cached_split, "build_pixels", watched)
        data = Folder(path=pictures).load(8)
    assert decoded[0] == 6  # three chunks of two from the killed build
    assert same(data, in_memory(Folder(path=pictures), 8, monkeypatch))


def test_what_a_killed_build_left_damaged_is_decoded_again(pictures: Path, directory: Path, monkeypatch) -> None:
    load_elsewhere(pictures, chunks=4).communicate(timeout=60)
    building = entries(directory)[0]
    with (building / "pixels.uint8").open("r+b") as file:
        file.write(b"\0" * 3 * 64 * 3)
    with (building / "finished.txt").open("a") as file:
        file.write("5 12")  # half a line
    assert same(Folder(path=pictures).load(8), in_memory(Folder(path=pictures), 8, monkeypatch))


def test_of_several_processes_one_builds_and_all_read_the_same(pictures: Path, directory: Path, monkeypatch) -> None:
    processes = [load_elsewhere(pictures) for _ in range(3)]
    answers = [process.communicate(timeout=120) for process in processes]
    expected = in_memory(Folder(path=pictures), 8, monkeypatch)
    line = f"{int(expected.train.pixels.sum())} {int(expected.test.pixels.sum())}"
    assert [out.strip() for out, _ in answers] == [line] * 3
    assert [path.suffix for path in entries(directory)] == ["", ""]


def test_who_waits_says_for_whom_and_does_not_build(pictures: Path, directory: Path, monkeypatch, capfd) -> None:
    split = Folder(path=pictures)
    real = cached_split.build_pixels
    waiting: list[subprocess.Popen] = []

    def while_another_starts(*arguments: Any, **options: Any) -> list[int]:
        if not waiting:
            waiting.append(load_elsewhere(pictures))
            assert waiting[0].stderr is not None
            said.append(waiting[0].stderr.readline())  # it waits by now
        return real(*arguments, **options)

    said: list[str] = []
    monkeypatch.setattr(cached_split, "build_pixels", while_another_starts)
    split.load(8)
    out, _ = waiting[0].communicate(timeout=60)
    assert f"waiting for {socket.gethostname()} (process {os.getpid()}), " in said[0]
    assert "training split" in said[0]
    assert waiting[0].returncode == 0
    assert out


def lease_of(directory: Path, *, host: str = "another") -> Path:
    """The lease of the build that was killed last, as a process on another machine would have it."""
    key = entries(directory)[0].stem
    path = directory / "locks" / f"{key}.lease"
    path.write_text(f"filelock/2\npid=7\nhost={host}\nmode=lease\ntoken=0a\nduration=120.0\n")
    return path


def test_a_builder_on_another_machine_is_waited_for_until_it_is_dead(
    pictures: Path, directory: Path, monkeypatch, capfd
) -> None:
    folder_of = Folder(path=pictures)
    load_elsewhere(pictures, chunks=2).communicate(timeout=60)
    held = lease_of(directory)
    naps = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) == 3:  # it has not been heard of for long
            os.utime(held, (0, 0))

    monkeypatch.setattr(build_lock.time, "sleep", nap)
    folder_of.load(8)
    assert len(naps) == 3
    assert capfd.readouterr().err.count("waiting for another (process 7), which decodes") == 1
    assert list(held.parent.iterdir()) == []


def test_where_an_abandoned_lease_cannot_be_removed_everybody_builds_alone_and_the_first_is_taken(
    pictures: Path, directory: Path, monkeypatch
) -> None:
    def refuse(path: Path, file: object) -> None:
        raise PermissionError(1, "Operation not permitted", str(path))

    load_elsewhere(pictures, chunks=2).communicate(timeout=60)
    os.utime(lease_of(directory), (0, 0))
    monkeypatch.setattr(lease.claim, "set_aside", refuse)
    real = cached_split.synchronise
    times = []

    def late(building: Path) -> None:
        real(building)
        if not times:
            times.append(1)
            Folder(path=pictures).load(8)  # another one is faster

    monkeypatch.setattr(cached_split, "synchronise", late)
    assert same(Folder(path=pictures).load(8), in_memory(Folder(path=pictures), 8, monkeypatch))
    assert sorted(path.suffix for path in entries(directory)) == ["", "", ".building"]


def test_a_builder_that_stood_still_leaves_the_build_to_who_took_it_over(
    pictures: Path, directory: Path, monkeypatch
) -> None:
    real = cached_split.build_pixels
    times = []

    def slow(building: Path, *arguments: Any, **options: Any) -> list[int]:
        if not times:
            times.append(1)
            (held,) = (directory / "locks").glob("*.lease")
            os.utime(held, (0, 0))
            assert load_elsewhere(pictures).wait(timeout=60) == 0
        return real(building, *arguments, **options)

    monkeypatch.setattr(cached_split, "build_pixels", slow)
    with pytest.raises(lease.LeaseLost, match="writes nothing more"):
        Folder(path=pictures).load(8)
    finished = [path for path in entries(directory) if path.suffix == ""]
    assert len(finished) == 2
    assert same(Folder(path=pictures).load(8), in_memory(Folder(path=pictures), 8, monkeypatch))


def test_small_splits_stay_in_memory(pictures: Path, directory: Path, monkeypatch) -> None:
    monkeypatch.setattr(cached_split, "IN_MEMORY_BYTES", 1 << 20)
    data = Folder(path=pictures).load(8)
    assert type(data.train.pixels) is np.ndarray
    assert not directory.exists()


def test_what_cannot_be_learned_from_is_said_before_anything_is_decoded(tmp_path: Path, directory: Path) -> None:
    with pytest.raises(DataError, match="at least 2 classes"):
        Folder(path=folder(tmp_path / "one", classes=("cat",))).load(8)
    assert not directory.exists()


def test_a_dead_decoding_process_is_one_line_and_what_was_done_is_kept(directory: Path, monkeypatch) -> None:
    real = DecodingProcess.receive
    calls = []

    def dying(self: DecodingProcess) -> Any:
        calls.append(1)
        if len(calls) > 2:
            self._process.kill()
            self._process.wait()
        return real(self)

    monkeypatch.setattr(DecodingProcess, "receive", dying)
    images = EncodedImages(labels=np.zeros(40, np.int64), items=[(str(row), noise(row)) for row in range(40)])
    with pytest.raises(CacheError, match="ended with signal SIGKILL"):
        images_of(images.cached(8, "squash", "these"))
    assert [path.suffix for path in entries(directory)] == [".building"]


def test_a_data_set_is_an_encoded_one_at_its_resolution() -> None:
    items = [(str(row), noise(row)) for row in range(6)]
    encoded = EncodedImages(labels=np.array([0, 1] * 3), items=items)
    data = EncodedDataset(origin="here", classes=("a", "b"), train=encoded, test=encoded, ood={"x": encoded}).decode(8)
    for images in (data.train, data.test, data.ood["x"]):
        assert isinstance(images, Images)
        assert np.array_equal(images.pixels, fresh(encoded, 8))
