"""Measures a model: the one place that training, `robustft evaluate` and the tests get their numbers from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from robustft.attacks.attack import Attack
from robustft.attacks.noise import Noise
from robustft.attacks.search import Search
from robustft.data.dataset import Images
from robustft.data.split import fixed_subset
from robustft.evaluation.measurement import Condition, Measurement
from robustft.evaluation.suite import Suite
from robustft.evaluation.undisturbed import undisturbed


class Evaluator:
    """suite x model -> measurements.

    suite: what to measure.
    validation, test: the splits; ood: name -> images of another domain, clean accuracy only.
    seed: of the attacks' noise.
    """

    def __init__(self, *, suite: Suite, validation: Images, test: Images, ood: dict[str, Images], seed: int) -> None:
        def subset(images: Images) -> Images:
            if suite.max_images is None or suite.max_images >= len(images):
                return images
            return images.take(fixed_subset(len(images), suite.max_images))

        self.suite = suite
        self.seed = seed
        self._splits = {"validation": subset(validation), "test": subset(test)}
        self._ood = {name: subset(images) for name, images in ood.items()}

    def conditions(self) -> tuple[Condition, ...]:
        """Everything that `evaluate` measures, in its order."""
        threat_model = self.suite.threat_model
        conditions = []
        for split in self._splits:
            conditions.append(Condition(split=split, name="clean"))
            for name, attack in self.suite.attacks.items():
                conditions.append(
                    Condition(
                        split=split,
                        name=name,
                        norm=threat_model.norm,
                        eps=threat_model.eps,
                        attack=attack.settings_hash,
                    )
                )
        conditions += [Condition(split="test", name=f"ood:{name}") for name in self._ood]
        return tuple(conditions)

    def evaluate(
        self, model: nn.Module, wanted: Callable[[Condition], bool] = lambda condition: True
    ) -> Iterator[Measurement]:
        """Measures the `wanted` conditions of `model` ((N, 3, H, W) in [0, 1] -> logits), one after the other.

        The model and all random generators are as before between two measurements as well as at the end.
        """
        clean: dict[str, np.ndarray] = {}
        for condition in self.conditions():
            is_ood = condition.name.startswith("ood:")
            images = self._ood[condition.name[4:]] if is_ood else self._splits[condition.split]
            if condition.attack is None:
                # An attack starts from the clean outcomes, so the clean condition is looked at for either's sake.
                needed = wanted(condition) or (not is_ood and self._attacks_wanted(condition.split, wanted))
                if not needed:
                    continue
                measurement = self._measure_clean(model, condition, images)
                if not is_ood:
                    clean[condition.split] = measurement.correct
                if wanted(condition):
                    yield measurement
            elif wanted(condition):
                attack = self.suite.attacks[condition.name]
                yield self._measure_attack(model, condition, images, clean[condition.split], attack)

    def _attacks_wanted(self, split: str, wanted: Callable[[Condition], bool]) -> bool:
        return any(wanted(other) for other in self.conditions() if other.split == split and other.attack is not None)

    def _measure_clean(self, model: nn.Module, condition: Condition, images: Images) -> Measurement:
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
        )

    def _measure_attack(
        self, model: nn.Module, condition: Condition, images: Images, clean: np.ndarray, attack: Attack
    ) -> Measurement:
        begin = time.perf_counter()
        correct = clean.copy()  # what is wrong when clean is never attacked
        forward_passes = backward_passes = 0
        with undisturbed(model):
            for rows in self._batches(np.flatnonzero(clean)):
                pixels, labels = self._on_device(model, images, rows)
                noise = Noise(seed=self.seed, rows=torch.from_numpy(rows))
                search = Search(model, pixels, labels, self.suite.threat_model, noise)
                attack.run(search)
                correct[rows] &= ~search.broken.cpu().numpy()
                forward_passes += search.forward_passes
                backward_passes += search.backward_passes
        return Measurement(
            condition=condition,
            correct=correct,
            seconds=time.perf_counter() - begin,
            forward_passes=forward_passes,
            backward_passes=backward_passes,
        )

    def _batches(self, rows: np.ndarray) -> list[np.ndarray]:
        size = self.suite.batch_size
        return [rows[begin : begin + size] for begin in range(0, len(rows), size)]

    @staticmethod
    def _on_device(model: nn.Module, images: Images, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        device = next(model.parameters()).device
        pixels, labels = images.batch(rows)
        return torch.from_numpy(pixels).to(device).float().div_(255), torch.from_numpy(labels).to(device)
