from __future__ import annotations

import os
from pathlib import Path

import pytest

from robustft.data.cache import fingerprint as fingerprints
from robustft.data.cache import fingerprint_cache
from robustft.data.cache.fingerprint import fingerprint
from robustft.data.cache.fingerprint_cache import cached_fingerprint
from tests.data.pictures import put


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that was left alone for long, is worth remembering, and that this process has not seen."""
    monkeypatch.setenv("ROBUSTFT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fingerprint_cache, "_MIN_CACHED_BYTES", 0)
    monkeypatch.setattr(fingerprints, "_TICK_NANOSECONDS", -1)
    monkeypatch.setattr(fingerprints, "_digests", {})
    return put(tmp_path / "a", b"one")


def test_it_is_the_fingerprint_and_is_not_worked_out_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = fingerprint({"a": file})
    assert cached_fingerprint({"a": file}) == expected
    monkeypatch.setattr(fingerprint_cache, "fingerprint", None)
    assert cached_fingerprint({"a": file}) == expected


def test_a_touched_file_is_read_again(file: Path) -> None:
    cached_fingerprint({"a": file})
    file.write_bytes(b"two")
    os.utime(file, ns=(1, 1))
    assert cached_fingerprint({"a": file}) == fingerprint({"a": file})


def test_what_was_changed_just_now_is_not_remembered(file: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(fingerprints, "_TICK_NANOSECONDS", 10**15)
    cached_fingerprint({"a": file})
    assert not (tmp_path / "cache").exists()
    assert fingerprints._digests == {}


def test_a_cache_that_cannot_be_written_does_not_matter(file: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("ROBUSTFT_CACHE", str(file / "below a file"))
    assert cached_fingerprint({"a": file}) == fingerprint({"a": file})
