from __future__ import annotations

import pytest
import torch

from robustft.cli.build import parts_of
from robustft.cli.runs.starts import change, earlier_starts, this_start
from robustft.device import search_precision
from tests.conf.test_conf import composed

THEN = {"started": "2025-01-01T00:00:00+00:00", "versions": {"torch": "2.6.0", "numpy": "2.0"}, "git_commit": "abc"}


def test_a_run_of_before_has_one_start():
    assert earlier_starts({}) == []
    assert earlier_starts({"run_id": "x", **THEN}) == [THEN]
    assert earlier_starts({**THEN, "starts": [THEN, THEN]}) == [THEN, THEN]


@pytest.mark.parametrize(
    ("now", "line"),
    [
        ({}, None),
        ({"started": "2026-01-01T00:00:00+00:00", "threads": 4, "device": "a GPU"}, None),  # not known of then
        ({"git_commit": "def"}, "this run was started with commit abc, resumes with commit def"),
        (
            {"versions": {"torch": "2.14.1", "numpy": "2.0", "timm": "1.0"}, "git_commit": None},
            "this run was started with torch 2.6.0, commit abc, resumes with torch 2.14.1, commit None",
        ),
    ],
)
def test_what_changed_is_one_line(now, line):
    assert change([THEN], THEN | now) == line
    assert change([], THEN | now) is None


def test_it_is_the_start_before_that_is_compared_with():
    now = THEN | {"git_commit": "def"}
    assert change([THEN, now], now) is None
    assert change([now, THEN], now) is not None


def test_threads_device_and_precision_are_those_of_this_process():
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        start = this_start(parts_of(composed("suite.precision=bf16", "trainer.accelerator=cpu")))
    finally:
        torch.set_num_threads(threads)
    assert (start["threads"], start["precision"]) == (3, "bf16")
    assert start["device"]
    assert start["versions"]["torch"] == torch.__version__.partition("+")[0]


def test_auto_is_float32_on_a_processor():
    assert search_precision("auto", "cpu") == search_precision("float32", "cuda") == "float32"
    assert search_precision("bf16", "cpu") == "bf16"
