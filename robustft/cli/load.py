"""Loads the images, splits, model and evaluator of a run from its checked parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from robustft.backbones.pixel_model import PixelModel
from robustft.cli.build import Parts
from robustft.cli.method_check import check_method, naming_method
from robustft.cli.shift_sets import shift_sets
from robustft.cli.user_errors import Mistake, naming
from robustft.data.dataset import Dataset
from robustft.data.split import hold_out
from robustft.evaluation.evaluator import Evaluator
from robustft.methods.method import Method
from robustft.models.tuned_model import tuned_by
from robustft.study.records.condition import Condition


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A run in memory; `train_rows` and `validation_rows` partition the data set's training split.

    method: the run's, fitted to the model.
    shift_lines: one for each shift set, its number of images and what was left out: `ood:stl10: 800 images`.
    """

    dataset: Dataset
    train_rows: np.ndarray
    validation_rows: np.ndarray
    model: PixelModel
    method: Method
    evaluator: Evaluator
    shift_lines: tuple[str, ...]


def loaded(parts: Parts, validation_rows: Sequence[int] | None = None) -> Loaded:
    """Decodes the images, holds out validation rows and builds the model.

    validation_rows: those of the run's first start; None: drawn from the seed.
    """
    check_method(parts)
    with naming("backbone."):
        resolution = parts.backbone.image_size()
    with naming("dataset."):
        dataset = parts.source.load(resolution)
    count = len(dataset.train)
    if validation_rows is None:
        with naming("trainer."):
            train_rows, held_out = hold_out(dataset.train.labels, parts.plan.validation_fraction, parts.seed)
    else:
        held_out = np.asarray(validation_rows, dtype=np.int64)
        if held_out.max(initial=-1) >= count:
            raise Mistake(f"run: validation_rows in run.json must be rows of the {count:,} training images")
        train_rows = np.setdiff1d(np.arange(count), held_out)
    shifts = shift_sets(parts, dataset, resolution)
    notes = {name: left_out for name, (_, left_out) in shifts.items()}
    with naming("backbone."):
        model = parts.backbone.build(classes=len(dataset.classes), seed=parts.seed)
    with naming_method(parts.method, parts.backbone):
        method = parts.method.fitted(model.network)
        model = tuned_by(method, model, seed=parts.seed)
    with naming("suite."):
        evaluator = Evaluator(
            suite=parts.suite,
            validation=dataset.train.take(held_out),
            test=dataset.test,
            ood={**dataset.ood, **{name: images for name, (images, _) in shifts.items()}},
            seed=parts.seed,
            notes=notes,
        )
    return Loaded(
        dataset=dataset,
        train_rows=train_rows,
        validation_rows=held_out,
        model=model,
        method=method,
        evaluator=evaluator,
        shift_lines=tuple(
            "; ".join([f"{Condition(split='test', shift=name).name}: {len(images):,} images", *left_out])
            for name, (images, left_out) in shifts.items()
        ),
    )
