"""Measures a model: the one place that training, `robustft evaluate` and the tests get their numbers from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from robustft.attacks.attack import Attack
from robustft.attacks.engine.perturbations import Perturbations
from robustft.attacks.engine.queried_model import Network
from robustft.attacks.engine.search import Search, SearchResult, merged
from robustft.attacks.threat_model import ThreatModel
from robustft.attacks.verdict import classified_correctly
from robustft.data.corruptions.corrupted_images import CorruptedImages, corrupted_sets
from robustft.data.corruptions.names import CORRUPTIONS
from robustft.data.dataset import Images
from robustft.data.dataset_name import ood_name
from robustft.data.split import fixed_subset
from robustft.device import search_precision
from robustft.evaluation.gates import checked
from robustft.evaluation.measurement import Condition, Measurement
from robustft.evaluation.shards import Shards
from robustft.evaluation.suite import Suite
from robustft.evaluation.undisturbed import undisturbed
from robustft.study.gate import Gate
from robustft.study.record import split_condition

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
        self._last_network: Network | None = None
        corrupted = corrupted_sets(subset(test), rows_of(test), suite.corruptions, suite.severities)
        self._corrupted = tuple(corrupted)
        for name in {*corrupted, CORRUPTIONS} & set(ood) if corrupted else ():
            raise ValueError(f"corruptions have the name of a data set in other conditions: {name}")
        for name in ood:
            ood_name("ood", name)
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
            conditions += [Condition(split=split, name="clean"), *self._attacks(split)]
        for name in self._ood:
            conditions.append(Condition(split="test", name=f"ood:{name}"))
            if self.suite.attack_ood:
                conditions += self._attacks("test", prefix=f"ood:{name}/")
        conditions += [Condition(split="test", name=f"ood:{name}") for name in self._corrupted]
        if self._corrupted:
            conditions.append(Condition(split="test", name=f"ood:{CORRUPTIONS}"))
        return tuple(conditions)

    def evaluate(
        self,
        model: nn.Module,
        wanted: Callable[[Condition], bool] = lambda condition: True,
        tried_first: Callable[[Condition], Perturbations | None] = lambda condition: None,
    ) -> Iterator[Measurement]:
        """Measures the `wanted` conditions of `model` ((N, 3, H, W) in [0, 1] -> logits), one after the other.

        The model and all random generators are as before between two measurements as well as at the end.

        tried_first: perturbations that broke images of earlier states, for attacks that start warm.
        """
        clean: dict[Place, np.ndarray] = {}
        attacked: dict[Condition, Measurement] = {}
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
                if condition not in attacked:
                    sizes = [
                        other
                        for other in self.conditions()
                        if (other.split, other.name) == (condition.split, condition.name)
                    ]
                    attacked |= self._measure_attack(model, sizes, wanted, images, clean[place], tried_first)
                yield attacked.pop(condition)

    def _network(self, model: nn.Module) -> Network:
        """The model as this suite's attacks ask it; kept, for compiling and finding out what fits takes time."""
        if self._last_network is None or self._last_network.model is not model:
            low_precision = search_precision(self.suite.precision, _device(model).type) == "bf16"
            self._last_network = Network(
                model=model, most=self.suite.batch_size, low_precision=low_precision, compiled=self.suite.compile
            )
        return self._last_network

    def _attacks(self, split: str, prefix: str = "") -> list[Condition]:
        return [
            Condition(
                split=split,
                name=prefix + name,
                norm=threat_model.norm,
                eps=threat_model.eps,
                attack=attack.settings_hash,
            )
            for name, attack in self.suite.attacks.items()
            for threat_model in self.suite.threat_models
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
        network, shards = self._network(model), Shards.of_this_process()
        correct = np.zeros(len(images), dtype=bool)
        with undisturbed(model):
            for rows in shards.mine(torch.arange(len(images))).split(self.suite.batch_size):
                pixels, labels = self._on_device(model, images, rows.numpy())
                correct[rows.numpy()] = classified_correctly(network.logits(pixels), labels).cpu().numpy()
        return Measurement(
            condition=condition,
            correct=np.logical_or.reduce(shards.gathered(correct)),
            seconds=time.perf_counter() - begin,
            forward_passes=len(images),
            backward_passes=0,
            notes=self._notes_on(condition),
        )

    def _measure_attack(
        self,
        model: nn.Module,
        sizes: Sequence[Condition],
        wanted: Callable[[Condition], bool],
        images: Images | CorruptedImages,
        clean: np.ndarray,
        tried_first: Callable[[Condition], Perturbations | None],
    ) -> dict[Condition, Measurement]:
        """The wanted ones of `sizes`, conditions that differ in eps alone.

        From small to large: what a small eps breaks a larger one does too, and need not be attacked again. What is
        wrong when clean is never attacked.
        """
        largest = max(condition.eps or 0 for condition in sizes if wanted(condition))
        attack = self.suite.attacks[sizes[0].name.rpartition("/")[2]]
        threat_models = {threat_model.eps: threat_model for threat_model in self.suite.threat_models}
        correct = clean
        found: dict[Condition, Measurement] = {}
        for condition in sorted(sizes, key=lambda condition: condition.eps or 0):
            if condition.eps is None or condition.eps > largest:
                continue
            measurement = self._measure_size(
                model, condition, threat_models[condition.eps], images, correct, attack, tried_first(condition)
            )
            correct = measurement.correct
            found[condition] = measurement
        return {condition: measurement for condition, measurement in found.items() if wanted(condition)}

    def _measure_size(
        self,
        model: nn.Module,
        condition: Condition,
        threat_model: ThreatModel,
        images: Images | CorruptedImages,
        unbroken: np.ndarray,
        attack: Attack,
        tried_first: Perturbations | None,
    ) -> Measurement:
        begin = time.perf_counter()
        network, shards = self._network(model), Shards.of_this_process()
        rows = shards.mine(torch.from_numpy(np.flatnonzero(unbroken)))
        with undisturbed(model):
            search = Search(
                network=network,
                fetch=lambda some: self._on_device(model, images, some.numpy()),
                threat_model=threat_model,
                seed=self.seed,
                slots=self.suite.batch_size,
            )
            found = search.run(attack, rows, tried_first=tried_first)
        broken = np.zeros(len(unbroken), dtype=bool)
        broken[rows[found.broken].numpy()] = True
        everybody = shards.gathered((found, broken))
        together = merged([one for one, _ in everybody])
        correct = unbroken & ~np.logical_or.reduce([one for _, one in everybody])
        seconds = time.perf_counter() - begin
        gates: tuple[Gate, ...] = ()
        if attack.is_strong:
            with undisturbed(model):
                gates = checked(search, attack, correct, by_part=together.by_part)
        return Measurement(
            condition=condition,
            correct=correct,
            seconds=seconds,
            forward_passes=together.forward_passes,
            backward_passes=together.backward_passes,
            notes=(*self._notes_on(condition), *together.notes, *_by_part(together)),
            perturbations=together.perturbations,
            gates=gates,
        )

    def _notes_on(self, condition: Condition) -> tuple[str, ...]:
        return tuple(self._notes.get(_clean_place(condition)[1] or "", ()))

    @staticmethod
    def _on_device(model: nn.Module, images: Images | CorruptedImages, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        pixels, labels = images.batch(rows)
        device = _device(model)
        type_ = torch.float64 if next(model.parameters()).dtype == torch.float64 else torch.float32
        return torch.from_numpy(pixels).to(device).to(type_).div_(255), torch.from_numpy(labels).to(device)


def _by_part(found: SearchResult) -> tuple[str, ...]:
    """Which parts of an ensemble, or a warm start, broke how many."""
    if len(found.by_part) < 2:
        return ()
    return ("broken by " + ", ".join(f"{name}: {count}" for name, count in found.by_part.items()),)


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device


def _clean_place(condition: Condition) -> Place:
    return condition.split, split_condition(condition.name)[0]
