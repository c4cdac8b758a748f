from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from robustft.study.plain_file import DamagedFile
from robustft.study.records import record_file
from robustft.study.records.record import Record
from robustft.study.records.record_file import RecordFile, last_record, read_records

MakeRecord = Callable[..., Record]


@pytest.fixture
def three(make_record: MakeRecord) -> list[Record]:
    return [make_record(step=step) for step in (0, 10, 20)]


@pytest.fixture
def path(tmp_path: Path, three: list[Record]) -> Path:
    path = tmp_path / "run" / "records.jsonl"
    file = RecordFile(path)
    for record in three:
        file.append(record)
    return path


def test_what_is_appended_is_read_again_in_order(path: Path, three: list[Record]) -> None:
    assert read_records(path) == RecordFile(path).records == three
    assert len(path.read_text().splitlines()) == 3


def test_a_run_without_a_file_has_no_records_and_gets_none_by_looking(tmp_path: Path) -> None:
    path = tmp_path / "records.jsonl"

    assert read_records(path) == RecordFile(path).records == []
    assert not path.exists()


def test_has_answers_for_written_and_new_records(path: Path, three: list[Record], make_record: MakeRecord) -> None:
    file = RecordFile(path)
    new = make_record(step=30)

    assert all(file.has(record.key) for record in three)
    assert not file.has(new.key)
    file.append(new)
    assert file.has(new.key)


def test_the_same_measurement_is_not_written_twice(path: Path, three: list[Record], make_record: MakeRecord) -> None:
    before = path.read_bytes()

    RecordFile(path).append(make_record(step=10, correct=1))

    assert path.read_bytes() == before


def test_of_two_lines_with_one_key_the_first_counts(path: Path, three: list[Record], make_record: MakeRecord) -> None:
    with path.open("a") as file:
        file.write(make_record(step=10, correct=1).to_json() + "\n")

    assert read_records(path) == three


def test_killed_at_any_byte_of_a_write_the_file_keeps_what_was_complete(
    path: Path, three: list[Record], make_record: MakeRecord
) -> None:
    content = path.read_bytes()
    last = three[-1].to_json().encode() + b"\n"
    complete = content[: -len(last)]
    for length in range(len(last)):
        path.write_bytes(complete + last[:length])

        assert read_records(path) == three[:2]
        file = RecordFile(path)
        assert file.records == three[:2]
        assert path.read_bytes() == complete + last[:length]  # only the next append cuts it off
        file.append(three[2])
        assert path.read_bytes() == content


def test_a_file_that_is_only_a_torn_line_starts_again(path: Path, three: list[Record]) -> None:
    path.write_bytes(b'{"key": "12')

    file = RecordFile(path)
    file.append(three[0])

    assert read_records(path) == three[:1]


@pytest.mark.parametrize("damage", ["", "{", "null", '{"step": 1}', "\x00\x00", "\xff"])
def test_a_damaged_line_in_the_middle_is_an_error_with_its_place(path: Path, damage: str) -> None:
    lines = path.read_bytes().split(b"\n")
    lines[1] = damage.encode("latin-1")
    path.write_bytes(b"\n".join(lines))

    for read in (read_records, RecordFile):
        with pytest.raises(ValueError) as error:
            read(path)
        assert str(error.value).startswith(f"{path}, line 2: ")
        assert "\n" not in str(error.value)


def test_a_run_started_twice_is_noticed_and_loses_nothing(path: Path, make_record: MakeRecord) -> None:
    first, second = RecordFile(path), RecordFile(path)
    first.append(make_record(step=30))

    with pytest.raises(RuntimeError, match="started twice"):
        second.append(make_record(step=40))

    assert [record.step for record in read_records(path)] == [0, 10, 20, 30]


def test_a_file_cut_short_behind_our_back_is_not_filled_with_zeros(path: Path, make_record: MakeRecord) -> None:
    file = RecordFile(path)
    path.write_bytes(b"")

    with pytest.raises(RuntimeError, match="changed by another process"):
        file.append(make_record(step=30))


def test_a_record_is_on_the_disk_when_append_returns(
    path: Path, three: list[Record], make_record: MakeRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, new, synced = RecordFile(path), make_record(step=30), []
    to_disk = os.fsync

    def noted(descriptor: int) -> None:
        to_disk(descriptor)
        synced.append(path.read_bytes())

    monkeypatch.setattr(os, "fsync", noted)  # does what it does, and says when
    file.append(new)
    assert synced
    assert synced[-1] == path.read_bytes()
    assert synced[-1].endswith(new.to_json().encode() + b"\n")


def test_nothing_is_written_through_a_link(tmp_path: Path, make_record: MakeRecord) -> None:
    (tmp_path / "victim").write_text("no newline: a torn line, as it were")
    for target in ("victim", "new"):
        path = tmp_path / f"{target}.jsonl"
        path.symlink_to(tmp_path / target)
        with pytest.raises(DamagedFile, match=r"is a link, and nothing is written through one"):
            RecordFile(path).append(make_record())
    assert (tmp_path / "victim").read_text() == "no newline: a torn line, as it were"
    assert not (tmp_path / "new").exists()


def test_the_last_record_is_found_from_the_end(tmp_path: Path, make_record: MakeRecord) -> None:
    path = tmp_path / "records.jsonl"
    assert last_record(path) is None
    file = RecordFile(path)
    for step in range(100):
        file.append(make_record(step=step))
        assert last_record(path) == file.records[-1]
    assert path.stat().st_size > record_file._TAIL  # only a part of it was read
    file.append(make_record(step=100, notes=("long" * record_file._TAIL,)))
    assert last_record(path) == file.records[-1]


def test_a_torn_or_damaged_end_is_what_it_is_for_all_records(path: Path, three: list[Record]) -> None:
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        records = read_records(path)
        assert last_record(path) == (records[-1] if records else None)
    path.write_bytes(whole + b"{}\n")
    with pytest.raises(DamagedFile, match=r"records\.jsonl, last line: a record must have"):
        last_record(path)
