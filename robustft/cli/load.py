"""Loads the images, splits, model and evaluator of a run from its checked parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from robustft.attacks.verdict import classified_correctly
from robustft.backbones.pixel_model import PixelModel
from robustft.cli.build import Parts
from robustft.cli.method_check import check_method, naming_method
from robustft.cli.shift_sets import shift_sets
from robustft.cli.user_errors import Mistake, naming
from robustft.data.dataset import Dataset, Images
from robustft.evaluation.evaluator import Evaluator
from robustft.evaluation.undisturbed import undisturbed
from robustft.methods.method import Method
from robustft.models.export.verification import logits_of
from robustft.models.start_state import StartState
from robustft.models.tuned_model import tuned_by


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A run in memory; `train_rows` and `validation_rows` partition the data set's training split.

    method: the run's, fitted to the model.
    start: what the model started from, if that is another run's state.
    held_apart: training images that are neither trained on nor measured, those that the model gets wrong at its start;
        None unless the objective wants them.
    shift_lines: one for each shift set, its number of images and what was left out: `ood:stl10: 800 images`.
    """

    dataset: Dataset
    train_rows: np.ndarray
    validation_rows: np.ndarray
    model: PixelModel
    method: Method
    evaluator: Evaluator
    shift_lines: tuple[str, ...]
    start: StartState | None = None
    held_apart: Images | None = None


def loaded(
    parts: Parts,
    validation_rows: Sequence[int] | None = None,
    *,
    start: Path | None = None,
    start_classes: Sequence[str] | None = None,
    trains: bool = False,
) -> Loaded:
    """Decodes the images, holds out validation rows and builds the model.

    validation_rows: those of the run's first start; None: drawn from the seed.
    start: file of the state that the run starts from; None: the backbone's own weights.
    start_classes: that state's classes: its head comes along if they are the data set's; None: it does not, because
        a state of the run itself, which has one, is loaded next.
    trains: whether the run is trained, or its states are measured again.
    """
    check_method(parts)
    with naming("backbone."):
        resolution = parts.backbone.image_size()
    with naming("dataset."):
        dataset = parts.source.load(resolution)
    count = len(dataset.train)
    if validation_rows is None:
        with naming("trainer."):
            train_rows, held_out = dataset.hold_out(np.arange(count), parts.plan.validation_fraction, parts.seed)
    else:
        held_out = np.asarray(validation_rows, dtype=np.int64)
        if held_out.max(initial=-1) >= count:
            raise Mistake(f"run: validation_rows in run.json must be rows of the {count:,} training images")
        train_rows = np.setdiff1d(np.arange(count), held_out)
    begun = None
    if start is not None:
        with naming("start.run: "):
            begun = StartState(
                start, keep_head=start_classes is not None and list(start_classes) == list(dataset.classes)
            )
    shifts = shift_sets(parts, dataset, resolution)
    unknown = {shift.source.name for shift in parts.shifts.values() if shift.unknown}
    conditions = [shift.condition for shift in parts.shifts.values()]
    notes = {name: left_out for name, (_, left_out) in shifts.items()}
    model, method = model_of(parts, len(dataset.classes), parts.seed, begun)
    apart = None
    if trains and parts.objective.needs_uncertain and parts.uncertain is None:
        with naming("trainer."):  # as many as for validation
            train_rows, rows_apart = dataset.hold_out(train_rows, parts.plan.validation_fraction, parts.seed + 1)
        with naming("objective.uncertain: "):
            apart = _misclassified(model, dataset.train.take(rows_apart), parts.suite.batch_size)
    with naming("suite."):
        evaluator = Evaluator(
            suite=parts.suite,
            validation=dataset.train.take(held_out),
            test=dataset.test,
            ood={**dataset.ood, **{name: images for name, (images, _) in shifts.items() if name not in unknown}},
            unknown={name: images for name, (images, _) in shifts.items() if name in unknown},
            seed=parts.seed,
            notes=notes,
            of_all=parts.objective.notes,
        )
    return Loaded(
        dataset=dataset,
        train_rows=train_rows,
        validation_rows=held_out,
        model=model,
        method=method,
        evaluator=evaluator,
        shift_lines=tuple(
            "; ".join([f"{condition.name}: {len(images):,} images", *left_out])
            for condition, (images, left_out) in zip(conditions, shifts.values(), strict=True)
        ),
        start=begun,
        held_apart=apart,
    )


def model_of(parts: Parts, classes: int, seed: int, start: StartState | None) -> tuple[PixelModel, Method]:
    """The model at its start, and the method fitted to it. The weights of a plain network go in before the method is
    applied, whichever it is; those of a method's own parameters after."""
    with naming("backbone."):
        model = parts.backbone.build(classes=classes, seed=seed)
    is_plain = start is not None and start.fits(model)
    if start is not None and is_plain:
        start.put_into(model)
    with naming_method(parts.method, parts.backbone):
        method = parts.method.fitted(model.network)
        model = tuned_by(method, model, seed=seed)
    if start is not None and not is_plain:
        with naming("start.run: "):
            start.put_into(model)
    return model, method


def peers_of(parts: Parts, inputs: Loaded) -> tuple[PixelModel, ...]:
    """The networks that the objective trains beside the model: same backbone and method, each with the next seed."""
    seeds = range(parts.seed + 1, parts.seed + 1 + parts.objective.peers)
    return tuple(model_of(parts, len(inputs.dataset.classes), seed, inputs.start)[0] for seed in seeds)


def _misclassified(model: PixelModel, images: Images, batch_size: int) -> Images:
    """The images that the model gets wrong. ValueError if there is none."""
    with undisturbed(model):
        logits = logits_of(model, images, batch_size=batch_size, device="cpu")
    wrong = ~classified_correctly(logits, torch.from_numpy(images.labels)).numpy()
    if not wrong.any():
        raise ValueError(f"must have images; the start gets all of the {len(images)} that are held apart right")
    return images.take(np.flatnonzero(wrong))
