"""Records are the truth, a tracker is a mirror: nothing that happens to W&B changes how a run ends."""

from __future__ import annotations

import pytest

from robustft.training.tracker import TrackedRun


class Broken:
    """A run of W&B's on a disk that is full: whatever is asked of it fails."""

    def __init__(self) -> None:
        self.asked = 0

    def __getattr__(self, name: str):
        self.asked += 1
        raise OSError(28, "No space left on device")


def log(tracked: TrackedRun) -> None:
    tracked.log(1, {"train/loss": 0.5})


def finish(tracked: TrackedRun) -> None:
    tracked.finish(columns=["step"], rows=[[0]], picture=None, summary={})


def close(tracked: TrackedRun) -> None:
    tracked.close()


@pytest.mark.parametrize("first", [log, finish, close], ids=lambda act: act.__name__)
def test_a_mirror_that_breaks_is_told_once_and_left_alone(first, capsys):
    broken = Broken()
    tracked = TrackedRun(broken, log_every=1)
    for act in (first, log, finish, close):
        act(tracked)
    assert capsys.readouterr().err == (
        "robustft: the run continues without W&B, which failed: OSError: [Errno 28] No space left on device\n"
    )
    assert broken.asked == 1
