"""W&B's own `wandb sync` with a server of the tests' own."""

from __future__ import annotations

from pathlib import Path

import pytest

from robustft.training.trackers.wandb_sync import segments_of, send
from tests.training.trackers.segments import write_segment
from tests.training.trackers.wandb_server import wandb_server


@pytest.fixture(scope="module")
def server_of_module():
    with wandb_server() as server:
        yield server


@pytest.fixture
def server(server_of_module, monkeypatch):
    server = server_of_module
    server.status = 200
    for told in (server.runs, server.streams, server.files):
        told.clear()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


def steps_sent(server, run_id: str = "this") -> list[int]:
    return [row["step"] for row in server.history(run_id)]


def waiting(*run_dirs: Path) -> dict[Path, list]:
    return {run_dir: [each for each in segments_of(run_dir) if not each.is_sent] for run_dir in run_dirs}


def test_the_segments_of_a_run_arrive_in_order_as_one_run_and_each_once(server, tmp_path):
    first = write_segment(tmp_path, [0, 1])
    write_segment(tmp_path, [2, 3])
    result = send(waiting(tmp_path))
    assert (len(result.sent), result.failures) == (2, {})
    assert steps_sent(server) == [0, 1, 2, 3]
    run = server.runs["this"]
    assert (run["groupName"], run["jobType"], run["tags"]) == ("lab", "train", ["digits", "lora", "glyph_vit"])
    assert first.is_sent

    write_segment(tmp_path, [4])
    assert [len(segments) for segments in waiting(tmp_path).values()] == [1]
    assert send(waiting(tmp_path)).failures == {}
    assert steps_sent(server) == [0, 1, 2, 3, 4]
    assert send(waiting(tmp_path)).sent == []


def test_a_segment_that_a_kill_has_cut_off_is_sent_as_far_as_it_goes_and_so_is_the_next(server, tmp_path):
    cut_off = write_segment(tmp_path, range(50))
    cut_off.file.write_bytes(cut_off.file.read_bytes()[:-400])
    write_segment(tmp_path, [50, 51])
    result = send(waiting(tmp_path))
    assert (len(result.sent), result.failures) == (2, {})
    steps = steps_sent(server)
    assert steps[-2:] == [50, 51]
    assert steps[:-2] == list(range(len(steps) - 2))
    assert len(steps) > 40
    assert cut_off.is_sent


def test_a_segment_that_is_none_stops_its_run_alone(server, tmp_path):
    broken, whole = tmp_path / "broken", tmp_path / "whole"
    write_segment(broken, [0], run_id="broken").file.write_bytes(b"nonsense")
    write_segment(broken, [1], run_id="broken")
    write_segment(whole, [0], run_id="whole")
    result = send(waiting(broken, whole))
    assert [segment.run_id for segment in result.sent] == ["whole"]
    (reason,) = result.failures.values()
    assert list(result.failures) == [broken]
    assert "Failed to read" in reason
    assert "\n" not in reason
    assert "broken" not in server.streams


def test_what_the_server_refuses_is_a_line_and_is_sent_the_next_time(server, tmp_path):
    write_segment(tmp_path, [0])
    server.status = 401
    result = send(waiting(tmp_path))
    assert (result.sent, list(result.failures.values())) == ([], ["it is broken"])
    server.status = 200
    assert len(send(waiting(tmp_path)).sent) == 1
    assert steps_sent(server) == [0]


def test_without_a_key_there_is_a_line(server, tmp_path, monkeypatch):
    write_segment(tmp_path, [0])
    monkeypatch.delenv("WANDB_API_KEY")
    monkeypatch.setenv("HOME", str(tmp_path))
    (reason,) = send(waiting(tmp_path)).failures.values()
    assert reason.startswith("No API key configured")


@pytest.mark.soak
@pytest.mark.parametrize("status", [500, None])
def test_a_server_that_fails_again_and_again_is_given_up(server, status, tmp_path, monkeypatch):
    write_segment(tmp_path, [0])
    server.status = status or 200
    if status is None:
        monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    assert len(send(waiting(tmp_path)).failures) == 1
