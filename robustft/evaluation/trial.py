"""A trial: one model on one set of images, clean and under attack."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from robustft import interruption
from robustft.attacks.attack import Attack
from robustft.attacks.engine.perturbations import Perturbations
from robustft.attacks.engine.queried_model import Network
from robustft.attacks.engine.search import Search, SearchResult, merged
from robustft.attacks.threat_model import ThreatModel
from robustft.attacks.verdict import classified_correctly, predicted_class
from robustft.data.corruptions.corrupted_images import CorruptedImages
from robustft.data.dataset import Images
from robustft.evaluation.blocks import CLEAN_BLOCKS, FinishedBlocks, made_in_blocks, perturbations_fingerprint
from robustft.evaluation.gates import checked
from robustft.evaluation.measurement import Measurement
from robustft.evaluation.shards import Shards
from robustft.evaluation.undisturbed import undisturbed
from robustft.study.records.condition import Condition
from robustft.study.records.gate import Gate
from robustft.study.records.predictions import Predictions

Finished = Callable[[Condition, str], FinishedBlocks]
"""Condition, fingerprint of what is tried first -> the blocks of the measurement that are finished."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Measures one model on one set of images, in blocks; torch.distributed's processes share the images out.

    network: the model, as attacks query it.
    images: of every condition that is measured.
    seed: of the attacks' noise; batch_size: images per forward pass; block: images in a block of an attack.
    notes: what a reader of every measurement must know.
    finished: where finished blocks are kept; None: nowhere.
    """

    network: Network
    images: Images | CorruptedImages
    seed: int
    batch_size: int
    block: int
    notes: tuple[str, ...] = ()
    finished: Finished | None = None

    def clean(self, condition: Condition) -> Measurement:
        """The images as they are."""
        begin = time.perf_counter()
        shards = Shards.of_this_process()
        rows = torch.arange(len(self.images))
        mine = shards.mine(rows)
        size = CLEAN_BLOCKS * self.block
        result, earlier = made_in_blocks(mine, size, self._answers, self._blocks(condition), is_last=True)
        wrong = np.zeros(len(self.images), dtype=bool)
        wrong[mine[result.broken].numpy()] = True
        everybody = shards.gathered((wrong, mine, result.predicted, result.confidence))
        wrong = np.logical_or.reduce([of_process for of_process, *_ in everybody])
        return Measurement(
            condition=condition,
            correct=~wrong[:0] if condition.unknown else ~wrong,
            predictions=_in_order([answers for _, *answers in everybody]),
            seconds=time.perf_counter() - begin + earlier,
            forward_passes=len(self.images),
            backward_passes=0,
            notes=self.notes,
        )

    def attacked(
        self,
        condition: Condition,
        attack: Attack,
        threat_model: ThreatModel,
        unbroken: np.ndarray,
        *,
        tried_first: Perturbations | None = None,
        is_last: bool = True,
    ) -> Measurement:
        """One attack of one size on the images that are (N,) bool `unbroken` so far.

        is_last: whether the measurement is committed before any other is made.
        """
        begin = time.perf_counter()
        network, shards = self.network, Shards.of_this_process()
        search = Search(
            network=network, fetch=self.fetch, threat_model=threat_model, seed=self.seed, slots=self.batch_size
        )
        rows = torch.from_numpy(np.flatnonzero(unbroken))
        mine = shards.mine(rows)
        calibration = self._calibration(search, rows)

        def make(block: Tensor) -> SearchResult:
            with undisturbed(network.model):
                return search.run(attack, block, tried_first=tried_first, classes=calibration.classes)

        blocks = self._blocks(condition, tried_first)
        result, earlier = made_in_blocks(mine, self.block, make, blocks, is_last=is_last and not attack.is_strong)
        broken = np.zeros(len(unbroken), dtype=bool)
        broken[mine[result.broken].numpy()] = True
        everybody = shards.gathered((result, broken))
        together = merged([of_process for of_process, _ in everybody])
        correct = unbroken & ~np.logical_or.reduce([of_process for _, of_process in everybody])
        seconds = time.perf_counter() - begin + earlier
        gates: tuple[Gate, ...] = ()
        if attack.is_strong:
            with undisturbed(network.model):
                gates = checked(search, attack, correct, by_part=together.by_part)
        return Measurement(
            condition=condition,
            correct=correct,
            seconds=seconds,
            forward_passes=together.forward_passes + calibration.forward_passes,
            backward_passes=together.backward_passes,
            notes=(*self.notes, *together.notes, *_by_part(together)),
            perturbations=together.perturbations,
            gates=gates,
        )

    def fetch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Pixels (n, 3, H, W) in [0, 1] and labels (n,) of the images at `rows` (n,), on the model's device."""
        pixels, labels = self.images.batch(rows.numpy())
        device = device_of(self.network.model)
        type_ = torch.float64 if next(self.network.model.parameters()).dtype == torch.float64 else torch.float32
        return torch.from_numpy(pixels).to(device).to(type_).div_(255), torch.from_numpy(labels).to(device)

    def _answers(self, rows: Tensor) -> SearchResult:
        """As if what is misclassified when clean were broken by an attack; with the class that the model names."""
        parts = []
        with undisturbed(self.network.model):
            for some in rows.split(self.batch_size):
                interruption.check()
                pixels, labels = self.fetch(some)
                logits = self.network.logits(pixels)
                predicted, confidence = predicted_class(logits)
                parts.append(
                    SearchResult(
                        broken=~classified_correctly(logits, labels).cpu(),
                        forward_passes=len(some),
                        predicted=predicted.cpu(),
                        confidence=confidence.cpu(),
                    )
                )
        return merged(parts)

    def _calibration(self, search: Search, rows: Tensor) -> _Calibration:
        """Always on the first of all images under attack, whatever the blocks and processes."""
        if not len(rows):
            return _Calibration()
        before = self.network.forward_passes
        with undisturbed(self.network.model):
            classes = search.calibrate(rows)
        return _Calibration(classes=classes, forward_passes=self.network.forward_passes - before)

    def _blocks(
        self, condition: Condition, tried_first: Perturbations | None = None
    ) -> Callable[[], FinishedBlocks] | None:
        finished = self.finished
        # Blocks of before there were predictions have none: these images are measured again.
        kind = perturbations_fingerprint(tried_first) if condition.attack is not None else "with predictions"
        return None if finished is None else lambda: finished(condition, kind)


@dataclass(frozen=True, kw_only=True)
class _Calibration:
    classes: int | None = None
    forward_passes: int = 0


def _in_order(shares: Sequence[Sequence[Tensor]]) -> Predictions:
    """Of all images, from rows, classes and confidence of what each process has measured."""
    rows, predicted, confidence = (torch.cat(parts) for parts in zip(*shares, strict=True))
    order = rows.argsort()
    return Predictions(classes=predicted[order].numpy(), confidence=confidence[order].numpy())


def device_of(model: nn.Module) -> torch.device:
    """Where the model's parameters are."""
    return next(model.parameters()).device


def _by_part(result: SearchResult) -> tuple[str, ...]:
    """Which parts of an ensemble, or a warm start, broke how many."""
    if len(result.by_part) < 2:
        return ()
    return ("broken by " + ", ".join(f"{name}: {count}" for name, count in result.by_part.items()),)
