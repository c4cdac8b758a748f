"""What W&B's own offline client keeps of a run, read back from its file."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from robustft.study.records.condition import Condition
from robustft.study.records.condition_names import ConditionNames
from robustft.study.records.record import Record
from robustft.training.mirror_to_tracker import MirrorToTracker
from robustft.training.trackers.tracked_run import tracked_run
from robustft.training.trackers.wandb_tracker import LONGEST_NAME, LONGEST_TAG, Tracker
from tests.cli import wandb_file

NAMES = ConditionNames(norm="linf", eps=8 / 255, attacks={"pgd": "0a0a"})


def record(condition: str, correct: int, step: int = 4, **changes: object) -> Record:
    attack = {"norm": "linf", "eps": 8 / 255, "settings": "0a0a"} if condition.endswith("pgd") else {}
    return Record(
        condition=Condition.recorded(name=condition, **{"split": "test"} | attack | changes),
        step=step,
        epoch=0.1,
        correct=correct,
        total=100,
        seconds=0,
        forward_passes=0,
        backward_passes=0,
        time="2025-01-31T12:00:00Z",
    )


def mirrored(run_dir: Path, records: list[Record], **words: object) -> tuple[dict[str, list], object]:
    """Values by key in the order of logging, and the run, as they lie in the offline file."""
    from wandb.proto import wandb_internal_pb2

    opening = {"name": "digits/lora/seed-0", "group": "default", "tags": ["digits"], "config": {}, "run_id": "abc"}
    with tracked_run(Tracker(), run_dir=run_dir, **opening | words) as tracked:
        mirror = MirrorToTracker(tracked, NAMES)
        for step in dict.fromkeys(record.step for record in records):
            mirror.evaluated(step, records)
        tracked.finish(columns=["step"], rows=[[4]], picture=None, summary={"area": 0.5})
    (offline,) = (run_dir / "wandb").glob("offline-run-*/run-*.wandb")
    logged: dict[str, list] = {}
    run = None
    for data in wandb_file.records(offline):
        entry = wandb_internal_pb2.Record()
        entry.ParseFromString(data)
        run = run or (entry.run if entry.HasField("run") else None)
        for item in entry.history.item:
            logged.setdefault(item.key or item.nested_key[0], []).append(json.loads(item.value_json))
    return logged, run


def test_every_condition_is_a_curve_of_its_own(tmp_path):
    different = {
        "test/clean": record("clean", 90),
        "test/pgd": record("pgd", 40),
        "validation/pgd": record("pgd", 41, split="validation"),
        "test/pgd@2": record("pgd", 70, eps=2 / 255),
        "test/pgd@0.5": record("pgd", 80, eps=0.5 / 255),
        "test/pgd@0.500000001": record("pgd", 79, eps=0.500000001 / 255),
        "test/pgd@l2-127.5": record("pgd", 60, norm="l2", eps=0.5),
        "test/pgd@l2-8": record("pgd", 65, norm="l2"),
        "test/pgd-0b0b": record("pgd", 30, settings="0b0b0b"),
        "test/pgd-0b0b@2": record("pgd", 31, settings="0b0b0b", eps=2 / 255),
        "test/ood:stl10": record("ood:stl10", 50),
        "test/ood:stl10/pgd": record("ood:stl10/pgd", 20),
        "test/ood:stl10/pgd@2": record("ood:stl10/pgd", 25, eps=2 / 255),
    }
    later = record("pgd", 44, step=9)
    logged, _ = mirrored(tmp_path, [*different.values(), later])
    assert {key: values[0] for key, values in logged.items() if key in different} == {
        key: record.accuracy for key, record in different.items()
    }
    assert logged["test/pgd"] == [0.4, 0.44]
    assert "tradeoff/points" in logged
    assert "tradeoff/curve" not in logged  # no picture could be drawn


def test_tags_and_names_are_cut_to_what_wandb_takes_and_stay_distinct(tmp_path):
    tags = ["d" * 300, "d" * 299 + "e", "日" * 64, "lora", "lora"]
    _, run = mirrored(tmp_path, [], tags=tags, name="n" * 500, group="g" * 500)
    assert [tag for tag in run.tags if len(tag) < LONGEST_TAG] == ["lora"]
    assert len(run.tags) == 4
    assert max(map(len, run.tags)) == LONGEST_TAG
    assert {len(run.display_name), len(run.run_group)} == {LONGEST_NAME}
    assert run.job_type == "train"


@pytest.mark.parametrize("tag", ["digits", "x" * LONGEST_TAG])
def test_what_fits_stays_as_it_is(tmp_path, tag):
    _, run = mirrored(tmp_path, [], tags=[tag])
    assert (list(run.tags), run.display_name, run.run_group) == ([tag], "digits/lora/seed-0", "default")


def test_an_id_that_another_process_holds_is_one_warning(tmp_path):
    opening = {"name": "digits", "group": "default", "tags": [], "config": {}, "run_id": "held"}
    script = (
        "import sys; from pathlib import Path; from robustft.training.trackers.tracked_run import tracked_run\n"
        "from robustft.training.trackers.wandb_tracker import Tracker\n"
        f"with tracked_run(Tracker(), run_dir=Path({str(tmp_path)!r}), **{opening!r}) as tracked:\n"
        "    tracked.log(1, {'train/loss': 0.5})\n"
        "print('went on')"
    )
    with tracked_run(Tracker(), run_dir=tmp_path, **opening) as holding:  # its service is inherited: WANDB_SERVICE
        is_open = threading.Event()
        holding._send(lambda mirror: is_open.set())
        assert is_open.wait(60)
        done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "went on\n")
    (line,) = done.stderr.splitlines()
    assert line.startswith("robustft: the run continues without W&B, which failed: ")
    assert line.endswith("in use (mode offline; offline and disabled need no account)")
