"""Measures a model: the one place that training, `robustft evaluate` and the tests get their numbers from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from robustft.attacks.engine.perturbations import Perturbations
from robustft.attacks.engine.queried_model import Network
from robustft.attacks.engine.search import Search, SearchResult, merged
from robustft.attacks.threat_model import ThreatModel
from robustft.attacks.verdict import classified_correctly
from robustft.data.corruptions.corrupted_images import CorruptedImages, corrupted_sets
from robustft.data.corruptions.names import CORRUPTIONS
from robustft.data.dataset import Images
from robustft.data.split import fixed_subset
from robustft.device import search_precision
from robustft.evaluation.gates import checked
from robustft.evaluation.measurement import Measurement
from robustft.evaluation.shards import Shards
from robustft.evaluation.suite import Suite
from robustft.evaluation.undisturbed import undisturbed
from robustft.study.records.condition import Condition
from robustft.study.records.gate import Gate


class Evaluator:
    """suite x model -> measurements.

    suite: what to measure.
    validation, test: the splits.
    ood: name -> images of another domain or data set.
    seed: of the attacks' noise.
    notes: name of an OOD set -> what a reader of its numbers must know.

    Raises:
        ValueError: if two conditions would have one name.

    >>> from robustft.attacks import Pgd
    >>> images = Images(pixels=np.zeros((4, 3, 2, 2), np.uint8), labels=np.zeros(4, np.int64))
    >>> suite = Suite(threat_model=ThreatModel(eps_255=8), attacks={"pgd": Pgd(steps=2)})
    >>> evaluator = Evaluator(suite=suite, validation=images, test=images, ood={"sketch": images}, seed=0)
    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(12, 2))
    >>> [measurement.condition.name for measurement in evaluator.evaluate(model)]
    ['clean', 'pgd', 'clean', 'pgd', 'ood:sketch']
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
        self._last_network: Network | None = None
        self._images: dict[Condition, Images | CorruptedImages] = {
            Condition(split="validation"): subset(validation),
            Condition(split="test"): subset(test),
            **{Condition(split="test", shift=name): subset(images) for name, images in ood.items()},
        }
        self._corrupted = suite.corrupted()
        self._sum = Condition(split="test", corruption=CORRUPTIONS) if self._corrupted else None
        for condition in (*self._corrupted, *([self._sum] if self._sum else [])):
            if condition in self._images:
                raise ValueError(f"corruptions have the name of a data set in other conditions: {condition.ood}")
        corrupted = corrupted_sets(subset(test), rows_of(test), suite.corruptions, suite.severities)
        self._images |= zip(self._corrupted, corrupted.values(), strict=True)
        self._conditions = tuple(suite.conditions(ood))

    def conditions(self) -> tuple[Condition, ...]:
        """Everything that `evaluate` measures, in its order: attacks behind what they attack, the sum behind all."""
        return self._conditions

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
        clean: dict[Condition, np.ndarray] = {}
        attacked: dict[Condition, Measurement] = {}
        # An attack starts from the clean outcomes and the sum from its parts': these are measured for either's sake.
        needed = {condition.clean for condition in self._conditions if wanted(condition)}
        if self._sum in needed:
            needed |= set(self._corrupted)
        for condition in self._conditions:
            if condition.clean not in needed:
                continue
            if condition == self._sum:
                yield self._summed(condition, clean)
            elif condition.attack is None:
                clean[condition] = (measurement := self._measure_clean(model, condition)).correct
                if wanted(condition):
                    yield measurement
            elif wanted(condition):
                if condition not in attacked:
                    attacked |= self._measure_attack(model, condition, wanted, clean[condition.clean], tried_first)
                yield attacked.pop(condition)

    def _network(self, model: nn.Module) -> Network:
        """The model as attacks query it; the last one is reused, since compiling takes time."""
        if self._last_network is None or self._last_network.model is not model:
            low_precision = search_precision(self.suite.precision, _device(model).type) == "bf16"
            self._last_network = Network(
                model=model, most=self.suite.batch_size, low_precision=low_precision, compiled=self.suite.compile
            )
        return self._last_network

    def _summed(self, condition: Condition, clean: Mapping[Condition, np.ndarray]) -> Measurement:
        return Measurement(
            condition=condition,
            correct=np.concatenate([clean[part] for part in self._corrupted]),
            seconds=0,
            forward_passes=0,
            backward_passes=0,
            sum_of=self._corrupted,
        )

    def _measure_clean(self, model: nn.Module, condition: Condition) -> Measurement:
        begin = time.perf_counter()
        images = self._images[condition]
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
        condition: Condition,
        wanted: Callable[[Condition], bool],
        clean: np.ndarray,
        tried_first: Callable[[Condition], Perturbations | None],
    ) -> dict[Condition, Measurement]:
        """The attack of `condition` at every wanted size.

        From small to large: what a small eps breaks a larger one does too, and need not be attacked again. What is
        wrong when clean is never attacked.
        """
        threat_models = {
            replace(condition, eps=threat_model.eps): threat_model for threat_model in self.suite.threat_models
        }
        sizes = sorted(threat_models, key=lambda size: threat_models[size].eps)
        largest = max(threat_models[size].eps for size in sizes if wanted(size))
        correct = clean
        measurements: dict[Condition, Measurement] = {}
        for size in sizes:
            if threat_models[size].eps <= largest:
                measurement = self._measure_size(model, size, threat_models[size], correct, tried_first(size))
                correct = measurement.correct
                measurements[size] = measurement
        return {size: measurement for size, measurement in measurements.items() if wanted(size)}

    def _measure_size(
        self,
        model: nn.Module,
        condition: Condition,
        threat_model: ThreatModel,
        unbroken: np.ndarray,
        tried_first: Perturbations | None,
    ) -> Measurement:
        """One size of an attack on the images that are (N,) bool `unbroken` so far."""
        assert condition.attack is not None
        begin = time.perf_counter()
        images, attack = self._images[condition.clean], self.suite.attacks[condition.attack]
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
            result = search.run(attack, rows, tried_first=tried_first)
        broken = np.zeros(len(unbroken), dtype=bool)
        broken[rows[result.broken].numpy()] = True
        everybody = shards.gathered((result, broken))
        together = merged([of_process for of_process, _ in everybody])
        correct = unbroken & ~np.logical_or.reduce([of_process for _, of_process in everybody])
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
        return () if condition.shift is None else tuple(self._notes.get(condition.shift, ()))

    @staticmethod
    def _on_device(model: nn.Module, images: Images | CorruptedImages, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        pixels, labels = images.batch(rows)
        device = _device(model)
        type_ = torch.float64 if next(model.parameters()).dtype == torch.float64 else torch.float32
        return torch.from_numpy(pixels).to(device).to(type_).div_(255), torch.from_numpy(labels).to(device)


def _by_part(result: SearchResult) -> tuple[str, ...]:
    """Which parts of an ensemble, or a warm start, broke how many."""
    if len(result.by_part) < 2:
        return ()
    return ("broken by " + ", ".join(f"{name}: {count}" for name, count in result.by_part.items()),)


def _device(model: nn.Module) -> torch.device:
    return next(model.parameters()).device
