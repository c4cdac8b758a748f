"""Measures a model: the one place that training, `robustft evaluate` and the tests get their numbers from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache

import numpy as np
from torch import nn

from robustft import checks
from robustft.attacks.engine.block_size import images_of_block
from robustft.attacks.engine.perturbations import Perturbations
from robustft.attacks.engine.queried_model import Network
from robustft.data.corruptions.corrupted_images import CorruptedImages, corrupted_sets
from robustft.data.corruptions.names import CORRUPTIONS
from robustft.data.dataset import Images
from robustft.data.split import fixed_subset
from robustft.device import device_name, search_precision
from robustft.evaluation.blocks import BlockStore, FinishedBlocks, model_fingerprint
from robustft.evaluation.measurement import Measurement
from robustft.evaluation.suite import Suite
from robustft.evaluation.trial import Finished, Trial, device_of
from robustft.study.records.condition import Condition
from robustft.study.records.predictions import Predictions


class Evaluator:
    """suite x model -> measurements.

    suite: what to measure.
    validation, test: the splits.
    ood: name -> images of another domain or data set; unknown: the same, of images that belong to no class.
    seed: of the attacks' noise.
    notes: name of an OOD set -> what a reader of its numbers must know.
    of_all: what a reader of any of them must know.
    block: images that an attack is made on at a time; changes speed, and results by rounding at most. None: as many as
        fit the suite's batch size.

    Raises:
        ValueError: if two conditions would have one name.

    >>> from robustft.attacks import Pgd, ThreatModel
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
        unknown: Mapping[str, Images] | None = None,
        notes: Mapping[str, tuple[str, ...]] | None = None,
        of_all: tuple[str, ...] = (),
        block: int | None = None,
    ) -> None:
        def rows_of(images: Images) -> np.ndarray:
            return fixed_subset(len(images), suite.max_images)

        def subset(images: Images) -> Images:
            return images if len(rows_of(images)) == len(images) else images.take(rows_of(images))

        self.suite = suite
        self.seed = seed
        self.block = checks.optional(checks.whole_number, "block", block, at_least=1) or images_of_block(
            suite.batch_size
        )
        self._notes, self._of_all = notes or {}, of_all
        self._last_network: Network | None = None
        self._images: dict[Condition, Images | CorruptedImages] = {
            Condition(split="validation"): subset(validation),
            Condition(split="test"): subset(test),
            **{Condition(split="test", shift=name): subset(images) for name, images in ood.items()},
            **{
                Condition(split="test", shift=name, unknown=True): subset(images)
                for name, images in (unknown or {}).items()
            },
        }
        self._corrupted = suite.corrupted()
        self._sum = Condition(split="test", corruption=CORRUPTIONS) if self._corrupted else None
        for condition in (*self._corrupted, *([self._sum] if self._sum else [])):
            if condition in self._images:
                raise ValueError(f"corruptions have the name of a data set in other conditions: {condition.ood}")
        corrupted = corrupted_sets(subset(test), rows_of(test), suite.corruptions, suite.severities)
        self._images |= zip(self._corrupted, corrupted.values(), strict=True)
        self._conditions = tuple(suite.conditions(ood, unknown or ()))

    def conditions(self) -> tuple[Condition, ...]:
        """Everything that `evaluate` measures, in its order: attacks behind what they attack, the sum behind all."""
        return self._conditions

    def evaluate(
        self,
        model: nn.Module,
        wanted: Callable[[Condition], bool] = lambda condition: True,
        tried_first: Callable[[Condition], Perturbations | None] = lambda condition: None,
        blocks: BlockStore | None = None,
    ) -> Iterator[Measurement]:
        """Measures the `wanted` conditions of `model` ((N, 3, H, W) in [0, 1] -> logits), one after the other.

        The model and all random generators are as before between two measurements as well as at the end.

        tried_first: perturbations that broke images of earlier states, for attacks that start warm.
        blocks: where finished blocks of long measurements are kept; None: nowhere.
        """
        finished = None if blocks is None else self._finished(model, blocks)
        clean: dict[Condition, Measurement] = {}
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
                measurement = clean[condition] = self._trial(model, condition, finished).clean(condition)
                if wanted(condition):
                    is_part = condition.severity is not None
                    yield replace(measurement, predictions=None) if is_part else measurement
            elif wanted(condition):
                if condition not in attacked:
                    trial = self._trial(model, condition, finished)
                    attacked |= self._measure_attack(
                        trial, condition, wanted, clean[condition.clean].correct, tried_first
                    )
                yield attacked.pop(condition)

    def _network(self, model: nn.Module) -> Network:
        """The model as attacks query it; the last one is reused, since compiling takes time."""
        if self._last_network is None or self._last_network.model is not model:
            low_precision = search_precision(self.suite.precision, device_of(model).type) == "bf16"
            self._last_network = Network(
                model=model, most=self.suite.batch_size, low_precision=low_precision, compiled=self.suite.compile
            )
        return self._last_network

    def _trial(self, model: nn.Module, condition: Condition, finished: Finished | None) -> Trial:
        """The model on the images of `condition`."""
        return Trial(
            network=self._network(model),
            images=self._images[condition.clean],
            seed=self.seed,
            batch_size=self.suite.batch_size,
            block=self.block,
            notes=(*self._of_all, *(() if condition.shift is None else self._notes.get(condition.shift, ()))),
            finished=finished,
        )

    def _finished(self, model: nn.Module, blocks: BlockStore) -> Finished:
        """The finished blocks of `model` as it is now, made on this kind of device as they would be now."""

        @cache
        def origin() -> tuple[str, ...]:
            device, network = device_of(model), self._network(model)
            precision = "bf16" if network.low_precision else "own precision"
            compiled = "compiled" if network.compiled else "not compiled"
            return device_name(str(device)), precision, compiled, str(self.seed), model_fingerprint(model)

        def finished(condition: Condition, tried_first: str) -> FinishedBlocks:
            return blocks.finished(condition, (*origin(), tried_first))

        return finished

    def _summed(self, condition: Condition, clean: Mapping[Condition, Measurement]) -> Measurement:
        """With the predictions of all its parts, which have no file of their own."""
        parts = [clean[part] for part in self._corrupted]
        predictions = [part.predictions for part in parts if part.predictions is not None]
        return Measurement(
            condition=condition,
            correct=np.concatenate([part.correct for part in parts]),
            predictions=Predictions.together(predictions),
            seconds=0,
            forward_passes=0,
            backward_passes=0,
            sum_of=self._corrupted,
        )

    def _measure_attack(
        self,
        trial: Trial,
        condition: Condition,
        wanted: Callable[[Condition], bool],
        clean: np.ndarray,
        tried_first: Callable[[Condition], Perturbations | None],
    ) -> dict[Condition, Measurement]:
        """The attack of `condition` at every wanted size.

        From small to large: what a small eps breaks a larger one does too, and need not be attacked again. What is
        wrong when clean is never attacked.
        """
        assert condition.attack is not None
        threat_models = {
            replace(condition, eps=threat_model.eps): threat_model for threat_model in self.suite.threat_models
        }
        sizes = sorted(threat_models, key=lambda size: threat_models[size].eps)
        largest = max((size for size in sizes if wanted(size)), key=sizes.index)
        correct = clean
        measurements: dict[Condition, Measurement] = {}
        for size in sizes[: sizes.index(largest) + 1]:
            measurement = trial.attacked(
                size,
                self.suite.attacks[condition.attack],
                threat_models[size],
                correct,
                tried_first=tried_first(size),
                is_last=size == largest,
            )
            correct = measurement.correct
            measurements[size] = measurement
        return {size: measurement for size, measurement in measurements.items() if wanted(size)}
