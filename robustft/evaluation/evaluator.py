"""Measures a model: the one place that training, `robustft evaluate` and the tests get their numbers from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping

import numpy as np
import torch
from torch import Tensor, nn

from robustft.attacks.attack import Attack
from robustft.attacks.search import Search
from robustft.data.corruptions.corrupted import CorruptedImages, corrupted_sets
from robustft.data.dataset import Images
from robustft.data.split import fixed_subset
from robustft.evaluation.measurement import Condition, Measurement
from robustft.evaluation.suite import Suite
from robustft.evaluation.undisturbed import undisturbed
from robustft.study.record import split_condition

CORRUPTIONS = "corruptions"
"""Behind `ood:` in the name of the condition that is all corruptions and severities together."""

Place = tuple[str, str | None]
"""Which images: a split, and the OOD set that takes its place."""


class Evaluator:
    """suite x model -> measurements.

    suite: what to measure.
    validation, test: the splits.
    ood: name -> images of another domain or data set.
    seed: of the attacks' noise.
    notes: name of an OOD set -> what a reader of its numbers must know.
    """

    def __init__(
        self,
        *,
        suite: Suite,
        validation: Images,
        test: Images,
        ood: Mapping[str, Images],
        seed: int,
        notes: Mapping[str, tuple[str, ...]] | None = None,
    ) -> None:
        def rows_of(images: Images) -> np.ndarray:
            return fixed_subset(len(images), suite.max_images)

        def subset(images: Images) -> Images:
            return images if len(rows_of(images)) == len(images) else images.take(rows_of(images))

        self.suite = suite
        self.seed = seed
        self._notes = notes or {}
        self._ood = tuple(ood)
        corrupted = corrupted_sets(subset(test), rows_of(test), suite.corruptions, suite.severities)
        self._corrupted = tuple(corrupted)
        for name in {*corrupted, CORRUPTIONS} & set(ood) if corrupted else ():
            raise ValueError(f"corruptions have the name of a data set in other conditions: {name}")
        self._images: dict[Place, Images | CorruptedImages] = {
            ("validation", None): subset(validation),
            ("test", None): subset(test),
            **{("test", name): subset(images) for name, images in ood.items()},
            **{("test", name): images for name, images in corrupted.items()},
        }

    def conditions(self) -> tuple[Condition, ...]:
        """Everything that `evaluate` measures, in its order: attacks behind what they attack, the sum behind all."""
        conditions: list[Condition] = []
        for split in ("validation", "test"):
            conditions += [Condition(split=split, name="clean"), *self._attacks(split, "{}")]
        for name in self._ood:
            conditions.append(Condition(split="test", name=f"ood:{name}"))
            if self.suite.attack_ood:
                conditions += self._attacks("test", f"ood:{name}/{{}}")
        conditions += [Condition(split="test", name=f"ood:{name}") for name in self._corrupted]
        if self._corrupted:
            conditions.append(Condition(split="test", name=f"ood:{CORRUPTIONS}"))
        return tuple(conditions)

    def evaluate(
        self, model: nn.Module, wanted: Callable[[Condition], bool] = lambda condition: True
    ) -> Iterator[Measurement]:
        """Measures the `wanted` conditions of `model` ((N, 3, H, W) in [0, 1] -> logits), one after the other.

        The model and all random generators are as before between two measurements as well as at the end.
        """
        clean: dict[Place, np.ndarray] = {}
        # An attack starts from the clean outcomes and the sum from its parts': these are looked at for either's sake.
        needed = {_clean_place(condition) for condition in self.conditions() if wanted(condition)}
        if ("test", CORRUPTIONS) in needed:
            needed |= {("test", name) for name in self._corrupted}
        for condition in self.conditions():
            place = _clean_place(condition)
            if place not in needed:
                continue
            if place == ("test", CORRUPTIONS):
                yield self._summed(condition, clean)
                continue
            images = self._images[place]
            if condition.attack is None:
                measurement = self._measure_clean(model, condition, images)
                clean[place] = measurement.correct
                if wanted(condition):
                    yield measurement
            elif wanted(condition):
                attack = self.suite.attacks[condition.name.rpartition("/")[2]]
                yield self._measure_attack(model, condition, images, clean[place], attack)

    def _attacks(self, split: str, form: str) -> list[Condition]:
        threat_model = self.suite.threat_model
        return [
            Condition(
                split=split,
                name=form.format(name),
                norm=threat_model.norm,
                eps=threat_model.eps,
                attack=attack.settings_hash,
            )
            for name, attack in self.suite.attacks.items()
        ]

    def _summed(self, condition: Condition, clean: Mapping[Place, np.ndarray]) -> Measurement:
        return Measurement(
            condition=condition,
            correct=np.concatenate([clean["test", name] for name in self._corrupted]),
            seconds=0,
            forward_passes=0,
            backward_passes=0,
            sum_of=tuple(f"ood:{name}" for name in self._corrupted),
        )

    def _measure_clean(self, model: nn.Module, condition: Condition, images: Images | CorruptedImages) -> Measurement:
        begin = time.perf_counter()
        correct = np.zeros(len(images), dtype=bool)
        with undisturbed(model), torch.no_grad():
            for rows in self._batches(np.arange(len(images))):
                pixels, labels = self._on_device(model, images, rows)
                correct[rows] = (model(pixels).argmax(1) == labels).cpu().numpy()
        return Measurement(
            condition=condition,
            correct=correct,
            seconds=time.perf_counter() - begin,
            forward_passes=len(images),
            backward_passes=0,
            notes=self._notes_on(condition),
        )

    def _measure_attack(
        self,
        model: nn.Module,
        condition: Condition,
        images: Images | CorruptedImages,
        clean: np.ndarray,
        attack: Attack,
    ) -> Measurement:
        begin = time.perf_counter()
        correct = clean.copy()  # what is wrong when clean is never attacked
        rows = torch.from_numpy(np.flatnonzero(clean))
        with undisturbed(model):
            search = Search(
                model=model,
                fetch=lambda some: self._on_device(model, images, some.numpy()),
                threat_model=self.suite.threat_model,
                seed=self.seed,
                slots=self.suite.batch_size,
            )
            found = search.run(attack, rows)
        correct[rows.numpy()] &= ~found.broken.numpy()
        return Measurement(
            condition=condition,
            correct=correct,
            seconds=time.perf_counter() - begin,
            forward_passes=found.forward_passes,
            backward_passes=found.backward_passes,
            notes=self._notes_on(condition),
        )

    def _notes_on(self, condition: Condition) -> tuple[str, ...]:
        return tuple(self._notes.get(_clean_place(condition)[1] or "", ()))

    def _batches(self, rows: np.ndarray) -> list[np.ndarray]:
        size = self.suite.batch_size
        return [rows[begin : begin + size] for begin in range(0, len(rows), size)]

    @staticmethod
    def _on_device(model: nn.Module, images: Images | CorruptedImages, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        device = next(model.parameters()).device
        pixels, labels = images.batch(rows)
        return torch.from_numpy(pixels).to(device).float().div_(255), torch.from_numpy(labels).to(device)


def _clean_place(condition: Condition) -> Place:
    return condition.split, split_condition(condition.name)[0]
