from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from robustft.canonical_hash import canonical_hash
from robustft.study.records.condition import Condition
from robustft.study.records.outcomes import write_outcomes
from robustft.study.records.record import Record
from tests.benchmarks.made_up_study import NOW, start, utc, write_description

PGD = {"attack": "Pgd", "steps": 15, "random_start": True}
CURVE = {0: (1, 0, 1, 0), 50: (8, 4, 8, 4), 100: (9, 2, 9, 2)}
"""Step -> of ten images each: clean and attacked on validation, then on test. Area: 0.8 * 0.4 + 0.1 * 0.2 = 0.34."""


def record(step: int, name: str, split: str, correct: int, total: int, eps_255: float = 8, hours: int = 0) -> Record:
    """As a run makes it; under attack with the settings in PGD."""
    attacked = name == "pgd" or name.endswith("/pgd")
    threat = {"norm": "linf", "eps": eps_255 / 255, "settings": canonical_hash(PGD, characters=12)} if attacked else {}
    return Record(
        step=step,
        epoch=step / 50,
        condition=Condition.recorded(split=split, name=name, **threat),
        correct=correct,
        total=total,
        seconds=1.5,
        forward_passes=total,
        backward_passes=0,
        time=utc(NOW + 3600 * hours),
    )


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Writes a run directory as runs do; the numbers of test images have the first images correct."""

    def make(
        name: str,
        *,
        method: str = "lora",
        seed: int = 0,
        curve: Mapping[int, Sequence[int]] = CURVE,
        images: int = 10,
        ood: int | None = None,
        status: str = "finished",
        eps_255: float = 8,
        settings: Mapping[str, Any] | None = None,
        method_settings: Mapping[str, Any] | None = None,
        outcomes: bool = True,
        records: Sequence[Record] = (),
        **changes: Any,
    ) -> Path:
        directory = tmp_path / name
        identity = {
            "seed": seed,
            "dataset": {"_target_": "robustft.data.Digits", "fingerprint": "4a030949f92b4749d925aa4e305c581c"},
            "backbone": {"_target_": "robustft.backbones.TimmModel", "name": "vit_tiny", "weights": "0cd1705e030e8afa"},
            "method": {"_target_": f"robustft.methods.{method.title()}", **(method_settings or {})},
            "threat_model": {"_target_": "robustft.attacks.ThreatModel", "norm": "linf", "eps_255": eps_255},
            "attack": {"pgd": {"_target_": "robustft.attacks.Pgd", "steps": 15, "random_start": True}},
            "schedule": {"_target_": "robustft.evaluation.Intervals", "intervals": [50]},
            "trainer": {"_target_": "robustft.training.TrainingPlan", "max_steps": 100, "epochs": None},
            "suite": {"max_images": None},
            **(settings or {}),
        }
        content = {
            "run_id": canonical_hash(identity, characters=12),
            "identity": identity,
            "attacks": {canonical_hash(PGD, characters=12): PGD},
            "dataset": "digits",
            "backbone": "glyph_vit",
            "method": method,
            "seed": seed,
            "steps": 100,
        }
        write_description(directory, status, starts=[start(NOW - 60, NOW)], step=100, **(content | changes))
        measured = []
        for step, (validation_clean, validation_robust, clean, robust) in curve.items():
            measured += [
                record(step, "clean", "validation", validation_clean, 10),
                record(step, "pgd", "validation", validation_robust, 10, eps_255),
                record(step, "clean", "test", clean, images),
                record(step, "pgd", "test", robust, images, eps_255),
            ]
            if ood is not None:
                measured.append(record(step, "ood:mnist", "test", ood, images))
        lines = []
        for one in [*measured, *records]:
            lines.append(f"{one.to_json()}\n")
            if outcomes:
                write_outcomes(directory, one, np.arange(one.total) < one.correct)
        (directory / "records.jsonl").write_text("".join(lines))
        return directory

    return make
