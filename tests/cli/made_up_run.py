"""A run directory as a short run of the lab leaves it, without the run: written by what writes those of runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from safetensors.numpy import save_file

from robustft.cli.app import conf_dir
from robustft.cli.build import parts_of
from robustft.cli.runs import run_directory
from robustft.cli.runs.identity import contents, files_of, settings
from robustft.study.records.condition import Condition
from robustft.study.records.outcomes import write_outcomes
from robustft.study.records.record import Record
from robustft.study.records.record_file import RecordFile
from robustft.study.run import Run
from robustft.study.run_file import run_id

WORDS = ("trainer.max_steps=4", "schedule.points=2", "suite.max_images=12", "tracker.mode=disabled")
STEPS = (0, 1, 4)
RUN_JSON, RECORDS, CONFIG = "run.json", "records.jsonl", ".hydra/config.yaml"
TOTAL = 12


def composed(command: str, *words: str) -> DictConfig:
    """The configuration of a command, with what Hydra adds to it."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose(command, overrides=list(words), return_hydra_config=True)


def write_made_up_run(run_dir: Path) -> None:
    """Finished, with records and outcomes of three steps, in `run_dir`."""
    whole = composed("train", *WORDS)
    hydra, config = whole.hydra, OmegaConf.masked_copy(whole, [key for key in whole if key != "hydra"])
    parts = parts_of(config)
    found = contents(files_of(parts), {})
    identity = settings(config)
    identity["dataset"]["fingerprint"] = found["dataset"]["fingerprint"]
    identity["backbone"]["weights"] = found["backbone"]["fingerprint"]
    content: dict[str, Any] = {
        "run_id": run_id(identity),
        "identity": identity,
        "contents": found,
        "study": "default",
        "dataset": "digits",
        "backbone": "glyph_vit",
        "method": "bitfit",
        "seed": 0,
        "validation_rows": list(range(0, 1200, 9)),
        "started": "2025-01-31T12:00:00+00:00",
    }
    run_dir.mkdir(parents=True)
    run_directory.write_config(run_dir, config, hydra)
    run_directory.write_status(Run(run_dir, content), "finished")
    (run_dir / "states").mkdir()
    records = RecordFile(run_dir / "records.jsonl")
    for step in STEPS:
        save_file({"a": np.zeros(3, np.float32)}, run_dir / "states" / f"step-{step:06d}.safetensors")
        for split, condition in (
            ("validation", "clean"),
            ("validation", "pgd"),
            ("test", "clean"),
            ("test", "pgd"),
            ("test", "ood:mnist"),
        ):
            record = made_up_record(step, split, condition)
            write_outcomes(run_dir, record, np.arange(TOTAL) < record.correct)
            records.append(record)


def made_up_record(step: int, split: str, condition: str) -> Record:
    attacked = condition == "pgd"
    return Record(
        step=step,
        epoch=step / 10,
        condition=Condition.recorded(
            split=split,
            name=condition,
            norm="linf" if attacked else None,
            eps=8 / 255 if attacked else None,
            settings="5e77145a" if attacked else None,
        ),
        correct=3 + step if attacked else 8 + step,
        total=TOTAL,
        seconds=0.5,
        forward_passes=TOTAL,
        backward_passes=0,
        time="2025-01-31T12:00:00+00:00",
    )
