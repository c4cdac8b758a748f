"""Finished runs with all that they measured, outcomes too, as runs write it; hundreds of thousands of lines in seconds.

Every image has a difficulty, every strategy a skill that grows with the steps while its robustness rises and falls; an
image is classified correctly if the skill exceeds its difficulty and some noise. So outcomes are correlated between
states, strategies and seeds, as they are in life, and their true order is that of `METHODS`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from made_up_study import NOW, start, utc, write_description
from numpy.typing import NDArray

from robustft.canonical_hash import canonical_hash
from robustft.study.frontier import pareto
from robustft.study.records.condition import Condition
from robustft.study.study_file import StudyRun, write_study

METHODS = ("full", "bitfit", "compacter", "lora", "adapter", "ia3", "linear_probe")
DATASETS = (
    *("cifar10", "cifar100", "caltech256", "cub200", "stanford_dogs"),
    *(f"domainnet-{domain}" for domain in ("clipart", "infograph", "painting", "quickdraw", "real", "sketch")),
)
CORRUPTIONS = ("brightness", "contrast", "defocus_blur", "elastic", "fog", "frost", "gaussian_noise", "glass_blur")
CORRUPTIONS += ("impulse_noise", "jpeg", "motion_blur", "pixelate", "shot_noise", "snow", "zoom_blur")
PGD = {"attack": "Pgd", "steps": 15, "random_start": True}
SETTINGS = canonical_hash(PGD, characters=12)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What is measured at every step.

    steps: how many, from 0 to 9,000; images, validation_images: of a split.
    shifts: other domains' test sets; corruptions: whether all 15 in 5 severities.
    outcomes: `test` has those of the test split, attacked or not, and of the shifts; `selected` clean and attacked ones
        of the states on the validation frontier; `none`. Those of corruptions and validation, which no report reads,
        are never written.
    """

    steps: int = 21
    images: int = 10_000
    validation_images: int = 5_000
    shifts: int = 0
    corruptions: bool = False
    outcomes: str = "test"

    @property
    def evaluated(self) -> list[int]:
        """The steps."""
        return sorted({0, *np.unique(np.geomspace(1, 9000, self.steps - 1).round().astype(int)).tolist()})

    @property
    def corrupted(self) -> list[str]:
        """The names of all corruptions and severities."""
        return [f"{name}-{severity}" for name in CORRUPTIONS for severity in range(1, 6)] if self.corruptions else []


def write_measured(
    study: Path,
    measured: Measured,
    *,
    datasets: Sequence[str] = DATASETS,
    methods: Sequence[str] = METHODS,
    seeds: int = 3,
    variants: Sequence[Mapping[str, Any]] = ({},),
) -> int:
    """A study of finished runs: every data set, method, variant of the trainer's settings and seed; their number.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     write_measured(Path(directory), Measured(steps=3, images=20), datasets=["digits"], seeds=1)
    7
    """
    runs = []
    for dataset in datasets:
        difficulty = np.random.default_rng([7, *dataset.encode()]).standard_normal(measured.images, dtype=np.float32)
        for rank, method in enumerate(methods):
            for variant, settings in enumerate(variants):
                behind = "".join(f"+{name}-{value}" for name, value in settings.items())
                for seed in range(seeds):
                    directory = study / dataset / "vit_base_in21k" / method / f"seed-{seed}{behind}"
                    _describe(directory, dataset, method, seed, settings, measured)
                    generator = np.random.default_rng([rank, variant, seed, *dataset.encode()])
                    _Curve(directory, measured, difficulty, generator, 0.9 - 0.2 * rank + 0.02 * variant).write()
                    words = [f"method={method}", f"dataset={dataset}", f"seed={seed}"]
                    words += [f"trainer.{name}={value}" for name, value in settings.items()]
                    runs.append(StudyRun(directory, tuple(words)))
    write_study(study, runs)
    return len(runs)


def _describe(
    directory: Path, dataset: str, method: str, seed: int, settings: Mapping[str, Any], measured: Measured
) -> None:
    identity = {
        "seed": seed,
        "dataset": {
            "_target_": "robustft.data.Hub",
            "fingerprint": canonical_hash({"dataset": dataset, "images": measured.images}, characters=32),
        },
        "backbone": {
            "_target_": "robustft.backbones.TimmModel",
            "name": "vit_base_patch16_224.orig_in21k",
            "weights": "0cd1705e030e8afa525654b555c80729",
        },
        "method": {"_target_": f"robustft.methods.{method.title().replace('_', '')}"},
        "threat_model": {"_target_": "robustft.attacks.ThreatModel", "norm": "linf", "eps_255": 1},
        "attack": {"pgd": {"_target_": "robustft.attacks.Pgd", "steps": 15, "random_start": True}},
        "schedule": {"_target_": "robustft.evaluation.Log", "points": measured.steps},
        "trainer": {"_target_": "robustft.training.TrainingPlan", "max_steps": None, "epochs": 20, **settings},
    }
    write_description(
        directory,
        "finished",
        starts=[start(NOW - 7200, NOW - 1800)],
        validation_rows=measured.validation_images,
        run_id=canonical_hash(identity, characters=12),
        identity=identity,
        attacks={SETTINGS: PGD},
        seed=seed,
    )


@dataclass(frozen=True)
class _Curve:
    """The records and outcomes of one run."""

    directory: Path
    measured: Measured
    difficulty: NDArray[np.float32]
    generator: np.random.Generator
    skill: float

    def write(self) -> None:
        """records.jsonl, outcomes/ and, empty, states/."""
        lines, selecting, packed = [], [], {}
        for step in self.measured.evaluated:
            clean, robust = self._outcomes(step)
            of_validation = [self._validation(share) for share in (clean.mean(), robust.mean())]
            selecting.append([count / self.measured.validation_images for count in of_validation])
            packed[step] = {"clean": clean, "pgd": robust}
            lines += self._lines(step, clean, robust, of_validation, packed[step])
        (self.directory / "records.jsonl").write_text("".join(lines))
        chosen = pareto(*np.transpose(selecting))
        selected = [self.measured.evaluated[index] for index in chosen]
        for step, of_step in packed.items():
            if self.measured.outcomes == "test" or (self.measured.outcomes == "selected" and step in selected):
                for name, correct in of_step.items():
                    if self.measured.outcomes == "test" or name in ("clean", "pgd"):
                        _write_outcomes(self.directory, step, name, correct)
        (self.directory / "states").mkdir()
        for step in selected:
            (self.directory / "states" / f"step-{step:06d}.safetensors").touch()

    def _outcomes(self, step: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Clean and attacked, of the test split: clean accuracy rises, robust accuracy falls again at the end."""
        progress = np.log1p(step) / np.log1p(9000)
        noise = self.generator.standard_normal((2, self.measured.images), dtype=np.float32) / 2
        spread = self.generator.normal(scale=0.03)
        clean = 3 * progress - 1.3 + spread > self.difficulty + noise[0]
        robust = clean & (self.skill + 2.2 * progress - 2.4 * progress**3 - 0.8 + spread > self.difficulty + noise[1])
        return clean, robust

    def _validation(self, share: float) -> int:
        return int(self.generator.binomial(self.measured.validation_images, share))

    def _lines(
        self,
        step: int,
        clean: NDArray[np.bool_],
        robust: NDArray[np.bool_],
        of_validation: Sequence[int],
        outcomes: dict[str, NDArray[np.bool_]],
    ) -> Iterator[str]:
        images = self.measured.images
        for name, correct in zip(("clean", "pgd"), of_validation, strict=True):
            yield line(step, "validation", name, correct, self.measured.validation_images)
        yield line(step, "test", "clean", int(clean.sum()), images)
        yield line(step, "test", "pgd", int(robust.sum()), images)
        for shift in range(self.measured.shifts):
            name = f"ood:shift{shift}"
            outcomes[name] = clean & (self.generator.random(images) < 0.9 - 0.1 * shift)
            yield line(step, "test", name, int(outcomes[name].sum()), images)
        shares = self.generator.uniform(0.3, 0.9, size=len(self.measured.corrupted))
        counts = [int(share * clean.sum()) for share in shares]
        for name, correct in zip(self.measured.corrupted, counts, strict=True):
            yield line(step, "test", f"ood:{name}", correct, images)
        if counts:
            parts = [f"ood:{name}" for name in self.measured.corrupted]
            yield line(step, "test", "ood:corruptions", sum(counts), images * len(counts), parts)


_KEYS: dict[tuple[int, str, str], str] = {}


def key(step: int, split: str, name: str) -> str:
    """Of a record; the same in all runs, so each is hashed once."""
    if (step, split, name) not in _KEYS:
        threat = {"norm": "linf", "eps": 1 / 255, "settings": SETTINGS} if name == "pgd" else {}
        _KEYS[step, split, name] = Condition.recorded(split=split, name=name, **threat).key(step)
    return _KEYS[step, split, name]


def line(step: int, split: str, name: str, correct: int, total: int, parts: Sequence[str] = ()) -> str:
    """What `Record.to_json` writes, without the checks of a record."""
    norm, eps, settings, eps_255 = ('"linf"', repr(1 / 255), f'"{SETTINGS}"', "1.0")
    if name != "pgd":
        norm = eps = settings = eps_255 = "null"
    listed = ", ".join(f'"{part}"' for part in parts)
    sum_of = f', "sum_of": [{listed}]' if parts else ""
    return (
        f'{{"key": "{key(step, split, name)}", "step": {step}, "epoch": {round(step / 450, 4)}, "split": "{split}", '
        f'"condition": "{name}", "norm": {norm}, "eps": {eps}, "attack": {settings}, "correct": {correct}, '
        f'"total": {total}, "seconds": 31.512, "forward_passes": {total}, "backward_passes": 0, '
        f'"time": "{utc(NOW - 7200 + step / 2)}", "notes": []{sum_of}, "eps_255": {eps_255}}}\n'
    )


def _write_outcomes(directory: Path, step: int, name: str, correct: NDArray[np.bool_]) -> None:
    path = directory / "outcomes" / "test" / f"{key(step, 'test', name)}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as file:
        np.save(file, np.packbits(correct), allow_pickle=False)
