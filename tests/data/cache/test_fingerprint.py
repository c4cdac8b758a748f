from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from robustft.data.cache import fingerprint as fingerprints
from robustft.data.cache.fingerprint import fingerprint, lasting_stamp, stamp
from robustft.data.errors import DataError


def _files(root: Path, contents: dict[str, bytes]) -> dict[str, Path]:
    root.mkdir()
    for number, content in enumerate(contents.values()):
        (root / str(number)).write_bytes(content)
    return {name: root / str(number) for number, name in enumerate(contents)}


def test_fingerprint_knows_no_place_time_or_order(tmp_path: Path) -> None:
    contents = {"a": b"1" * 3_000_000, "b/c": b""}
    first, second = _files(tmp_path / "x", contents), _files(tmp_path / "y", contents)
    os.utime(second["a"], (1, 1))
    assert fingerprint(first) == fingerprint(dict(reversed(second.items())))


@pytest.mark.parametrize(
    "other", [{"a": b"12", "b": b"4"}, {"a": b"12", "c": b"3"}, {"a": b"123", "b": b""}, {"a": b"12"}]
)
def test_fingerprint_knows_names_and_contents(tmp_path: Path, other: dict[str, bytes]) -> None:
    assert fingerprint(_files(tmp_path / "x", {"a": b"12", "b": b"3"})) != fingerprint(_files(tmp_path / "y", other))


def test_stamp_sees_every_rewriting_even_if_size_and_time_are_put_back(tmp_path: Path) -> None:
    files = _files(tmp_path / "x", {"a": b"12"})
    os.utime(files["a"], ns=(1, 1000))
    before = stamp(files)
    assert stamp(files) == before
    time.sleep(0.02)  # clocks of file systems tick slowly
    files["a"].write_bytes(b"34")
    os.utime(files["a"], ns=(1, 1000))
    rewritten = stamp(files)
    assert rewritten != before
    (tmp_path / "b").write_bytes(b"34")
    os.utime(tmp_path / "b", ns=(1, 1000))
    (tmp_path / "b").replace(files["a"])
    assert stamp(files) not in (before, rewritten)


def test_a_stamp_lasts_only_where_another_change_would_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = _files(tmp_path / "x", {"a": b"12", "b": b"3"})
    assert lasting_stamp(files) is None
    monkeypatch.setattr(fingerprints, "_TICK_NANOSECONDS", -1)
    assert lasting_stamp(files) == stamp(files)


@pytest.mark.parametrize("describe", [fingerprint, stamp, lasting_stamp])
def test_a_file_that_is_gone_is_one_line(tmp_path: Path, describe: Callable[[Mapping[str, Path]], str | None]) -> None:
    with pytest.raises(DataError, match=r"^path cannot be read: .*No such file"):
        describe({"a": tmp_path / "a"})
