"""Run directories in every state, written as runs write them, with numbers that are made up; thousands in seconds."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from robustft.study.records.condition import Condition
from robustft.study.records.record import Record
from robustft.study.study_file import StudyRun, write_study

NOW = datetime(2025, 1, 31, 12, tzinfo=timezone.utc).timestamp()
"""When they are looked at."""

STEPS = 9000
EVALUATED = (0, 10, 100, 1000, 4000, 9000)
VERSIONS = {"python": "3.11.7", "robustft": "0.1.0", "torch": "2.14.1", "timm": "1.0.31", "numpy": "2.4.6"}
COMMIT = "1a2b3c4d" * 5
SPLITS = ("validation", "test")
METHODS = ("adapter", "bitfit", "compacter", "full", "ia3", "linear_probe", "lora")


def utc(seconds: float) -> str:
    """As files of runs have it."""
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds")


def start(began: float, ended: float | None = None, **changes: Any) -> dict[str, Any]:
    """One of the starts in run.json; ended: None while it is running, and for ever if it was killed."""
    content: dict[str, Any] = {
        "started": utc(began),
        "versions": VERSIONS,
        "git_commit": COMMIT,
        "device": "NVIDIA H100 80GB HBM3",
        "threads": 8,
        "precision": "bf16",
        "host": "gpu07",
        "pid": 4242,
        "job": "4711_3",
        "log": "multirun/paper/.submitit/4711_3_0_log.out",
        "records": 0,
    }
    if ended is not None:
        content |= {"ended": utc(ended), "seconds": {"total": ended - began}}
    return content | changes


def write_run(
    directory: Path,
    status: str,
    *,
    starts: Iterable[Mapping[str, Any]],
    step: int = STEPS,
    validation_rows: int = 100,
    **changes: Any,
) -> Path:
    """A run's directory with run.json and the records up to `step`, which are as old as its last start."""
    starts = list(starts)
    write_description(directory, status, starts=starts, step=step, validation_rows=validation_rows, **changes)
    lines = [record.to_json() for record in records(step, starts[-1]["started"] if starts else utc(NOW))]
    (directory / "records.jsonl").write_text("".join(f"{line}\n" for line in lines))
    return directory


def write_description(
    directory: Path,
    status: str,
    *,
    starts: Iterable[Mapping[str, Any]],
    step: int = STEPS,
    validation_rows: int = 100,
    **changes: Any,
) -> None:
    """A run's directory with run.json alone."""
    *_, dataset, backbone, method, _ = ("", "", "", *directory.parts)[-4:]
    starts = list(starts)
    content = {
        "run_id": "0c7c0d3b1931",
        "identity": {
            "seed": 0,
            "dataset": {"_target_": "robustft.data.Digits", "fingerprint": "4a030949f92b4749d925aa4e305c581c"},
            "backbone": {"_target_": "robustft.backbones.TimmModel", "name": "vit_base_patch16_224.orig_in21k"},
            "method": {"_target_": "robustft.methods.BitFit"},
            "threat_model": {"_target_": "robustft.attacks.ThreatModel", "norm": "linf", "eps_255": 1},
            "attack": {"pgd": {"_target_": "robustft.attacks.Pgd", "steps": 15, "random_start": True}},
            "schedule": {"_target_": "robustft.evaluation.Intervals", "intervals": [50, 1000, 6000]},
            "trainer": {"_target_": "robustft.training.TrainingPlan", "max_steps": None, "epochs": 20},
        },
        "contents": {"dataset": {"stamp": None, "fingerprint": "4a030949f92b4749d925aa4e305c581c"}},
        "study": "paper",
        "dataset": dataset or "digits",
        "backbone": backbone or "glyph_vit",
        "method": method or "lora",
        "seed": 0,
        "parameters": {"total": 85806346, "trainable": 102912, "head": 7690},
        "classes": [f"class {index}" for index in range(10)],
        "validation_rows": list(range(0, 9 * validation_rows, 9)),
        "attempts": len(starts),
        "steps": STEPS,
        "step": step,
        "starts": starts,
        "status": status,
        "reason": None,
    } | changes
    if status == "finished":
        content.setdefault("finished", starts[-1].get("ended"))
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "run.json").write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")


def records(up_to: int, moment: str) -> Iterator[Record]:
    """Clean and attacked, on both splits, at the evaluated steps."""
    for step in EVALUATED:
        for split in SPLITS if step <= up_to else ():
            for name, attack in (("clean", {}), ("pgd", {"norm": "linf", "eps": 1 / 255, "settings": "5e77145a"})):
                yield Record(
                    step=step,
                    epoch=step / 450,
                    condition=Condition.recorded(
                        split=split, name=name, **{"norm": None, "eps": None, "settings": None} | attack
                    ),
                    correct=6400 if attack else 9600,
                    total=10_000,
                    seconds=31.5,
                    forward_passes=10_000,
                    backward_passes=0,
                    time=moment,
                )


def write_lease(directory: Path, *, age: float = 0, host: str = "gpu07") -> None:
    """The lease of a run, refreshed `age` seconds ago on another machine."""
    directory.mkdir(parents=True, exist_ok=True)
    lease = directory / "run.lease"
    lines = ["filelock/2", "pid=4242", f"host={host}", "mode=lease", "token=abc", "duration=120.0", f"since={utc(NOW)}"]
    lease.write_text("".join(f"{line}\n" for line in lines))
    os.utime(lease, (time.time() - age,) * 2)


def write_many(study: Path, datasets: Iterable[str], *, seeds: int, waiting: float, rows_in_a_tenth: int) -> int:
    """A study in all states, with its study.json, some four fifths of what was begun finished.

    waiting: share of the runs that were not begun; rows_in_a_tenth: validation rows of every tenth run, of others 100.
    """
    names = [
        study / dataset / "vit_base_in21k" / method / f"seed-{seed}"
        for dataset in datasets
        for method in METHODS
        for seed in range(seeds)
    ]
    write_study(study, [StudyRun(name, (f"seed={name.name[5:]}",)) for name in names])
    for index, name in enumerate(names[: round(len(names) * (1 - waiting))]):
        rows = rows_in_a_tenth if index % 10 == 0 else 100
        began = NOW - 7200 - 60 * (index % 50)
        if index % 8 == 3:
            write_run(name, "running", starts=[start(began)], step=1000, validation_rows=rows)
            write_lease(name)
        elif index % 40 == 5:
            write_run(name, "running", starts=[start(began, job="4711_5")], step=100, validation_rows=rows)
            write_lease(name, age=500)
        elif index % 60 == 6:
            reason = "OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB; GPU 0 has 79 GiB"
            starts = [start(began, began + 100), start(began + 200, began + 300)]
            write_run(name, "failed", reason=reason, starts=starts, step=0, validation_rows=rows)
        elif index % 60 == 7:
            starts = [start(began, began + 3000)]
            write_run(name, "interrupted", reason="SIGTERM", starts=starts, step=100, validation_rows=rows)
        else:
            write_run(name, "finished", starts=[start(began, began + 5400)], validation_rows=rows)
    return len(names)
