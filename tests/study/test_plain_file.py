from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from robustft.study.plain_file import (
    LARGEST,
    MOST_NESTED,
    DamagedFile,
    MissingFile,
    plain_bytes,
    plain_json,
    plain_line,
)


def test_a_file_is_read_whole_or_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(MissingFile) as missing:
        plain_bytes(path, "look again")
    assert str(missing.value) == f"{path} is missing; look again"
    with pytest.raises(MissingFile):
        plain_bytes(path / "below" / "nothing", "look again")
    path.write_bytes(b"12345")
    assert plain_bytes(path, "", at_most=5) == b"12345"
    with pytest.raises(DamagedFile, match="must have 4 bytes at most, has 5; ask"):
        plain_bytes(path, "ask", at_most=4)
    with pytest.raises(DamagedFile, match="must be a file, and is none"):
        plain_bytes(tmp_path, "")


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DamagedFile, match="must be a file, and is none"):
        plain_bytes(tmp_path / "pipe", "")


def test_a_reason_is_one_line_of_bounded_length() -> None:
    text = str(DamagedFile("file", "a\nb" * 5000, "do"))
    assert "\n" not in text
    assert len(text) < 400
    assert text.endswith("...; do")


@pytest.mark.parametrize(
    "value", [None, True, 0, LARGEST, -LARGEST, 1.5, 1e308, "", "ü\u2028", "\U0001f600", [], {"a": [{"b": [1, "2"]}]}]
)
def test_what_json_writes_is_read(value: object) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        assert plain_json(text) == value


def nested(levels: int) -> str:
    return '{"a":[' * (levels // 2) + "]}" * (levels // 2)


def test_nesting_has_an_end() -> None:
    assert plain_json(nested(MOST_NESTED - 2))
    # Wide is not deep.
    assert len(plain_json(json.dumps([[1]] * 500))) == 500
    for levels in (MOST_NESTED + 2, 900, 200_000):
        with pytest.raises(ValueError, match=f"nested deeper than {MOST_NESTED} levels"):
            plain_json(nested(levels))


@pytest.mark.parametrize(
    "text",
    [
        *("NaN", "[Infinity]", '{"a": -Infinity}', "1e999", "-1e400"),
        *(str(LARGEST + 1), "9" * 400, "9" * 5000, f"-{'9' * 30}"),
        *('"\\ud800"', '["\\uDFFF"]', '{"\\ud83d": 1}'),
        *("", "{", '{"a" 1}', "\ufeff{}", "[1] 2", "\0"),
    ],
)
def test_what_cannot_be_worked_with_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        plain_json(text)


def test_only_the_end_is_read_where_that_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    for last, content in ((0, b""), (2, b"45"), (5, b"12345"), (9, b"12345")):
        assert plain_bytes(path, "", last=last) == content


@pytest.mark.parametrize(
    ("value", "line"),
    [
        *((None, None), (1, None), ("", None), (" \n ", None), ("a", "a"), ("a\n\tb", "a b"), ("ü é", "ü é")),
        *(("\x1b[2J", "\\x1b[2J"), ("\x9b2J", "\\x9b2J"), ("\udc80", "\\udc80"), ("\u202ea", "\\u202ea")),
    ],
)
def test_a_line_moves_no_cursor(value: object, line: str | None) -> None:
    assert plain_line(value) == line


def test_a_line_has_an_end() -> None:
    assert len(plain_line("word " * 1000) or "") < 310
