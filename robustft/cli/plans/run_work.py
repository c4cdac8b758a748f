"""The work of a composed run, counted without images, weights or torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from robustft.attacks.engine.block_size import images_of_block
from robustft.attacks.passes import Passes
from robustft.cli.build import Parts, Shift, parts_of
from robustft.cli.plans.plan_settings import PlanSettings, of
from robustft.cli.runs.run_name import backbone_label
from robustft.cli.user_errors import Mistake, naming
from robustft.data.batch_order import steps_per_epoch
from robustft.data.split_sizes import SplitSizes
from robustft.evaluation.tiers import EVERY, FRONTIER, attacks_afterwards
from robustft.planning.disk import SELECTED
from robustft.planning.known_parameters import assumed_parameters, known_parameters
from robustft.planning.observations import Observations
from robustft.planning.span import Span
from robustft.planning.work import MeasurementWork, Parameters, RunWork
from robustft.study.records.condition import Condition

SOME_CLASSES = 100
"""Of a data set whose classes nobody has counted."""


def run_work(
    directory: Path, config: DictConfig, settings: PlanSettings, observations: Observations
) -> tuple[RunWork, Parts, int]:
    """The counted work of the run that `config` describes, its parts, and its number of classes; a Mistake as `train`
    would have it, and for a data set whose size is not known."""
    parts = parts_of(config)
    choices: Any = config.hydra.runtime.choices
    sizes = _sizes(parts, settings)
    held_out = sizes.held_out(parts.plan.validation_fraction)
    per_epoch = steps_per_epoch(sizes.train - held_out, parts.plan.batch_size, drop_last=parts.plan.drop_last)
    steps = parts.schedule.steps(parts.plan.steps(per_epoch))
    backbone, method = backbone_label(config, choices), str(choices.method)
    work = RunWork(
        directory=directory,
        dataset=parts.source.name,
        backbone=backbone,
        method=method,
        seed=parts.seed,
        steps=steps,
        batch_size=min(parts.plan.batch_size, sizes.train - held_out),
        measurements=tuple(_measurements(parts, sizes, held_out, len(steps))),
        objective=type(parts.objective).__name__,
        training_factor=settings.training_factor,
        update=parts.update_passes,
        checkpoint_states=parts.checkpoint_states,
        parameters=_parameters(parts, backbone, method, sizes.classes, settings, observations),
        keep=parts.keep_states,
        tracked=parts.tracker.is_on,
        validation_images=held_out,
        block_images=images_of_block(parts.suite.batch_size),
    )
    return work, parts, sizes.classes


def _sizes(parts: Parts, settings: PlanSettings) -> SplitSizes:
    name = parts.source.name
    train, test = of(settings.train_images, name), of(settings.test_images, name)
    with naming("dataset."):
        known = None if train is not None and test is not None else parts.source.sizes()
    if known is None and (train is None or test is None):
        raise Mistake(
            f"plan.train_images and plan.test_images must be given for {name}, whose size is not known without a "
            "download: plan.train_images=N plan.test_images=N"
        )
    if known is None:
        return SplitSizes(train=train, test=test, classes=SOME_CLASSES)
    return replace(known, train=train or known.train, test=test or known.test)


def _measurements(parts: Parts, sizes: SplitSizes, held_out: int, states: int) -> Iterator[MeasurementWork]:
    """The conditions of the suite, as the evaluator has them."""
    suite = parts.suite
    shifts = {shift.condition: images for shift, images in _shifts(parts)}
    ood = {**sizes.ood, **{str(condition.shift): images for condition, images in shifts.items()}}
    unknown = [str(condition.shift) for condition in shifts if condition.unknown]
    for condition in suite.conditions([name for name in ood if name not in unknown], unknown):
        images = held_out if condition.split == "validation" else sizes.test
        images = ood[condition.shift] if condition.shift is not None else images
        images = images if suite.max_images is None else min(images, suite.max_images)
        if condition.attack is None:
            is_sum = condition.corruption is not None and condition.severity is None
            yield MeasurementWork(
                condition=condition,
                images=images * len(suite.corrupted()) if is_sum else images,
                states=Span.of(states),
                budget=Passes(forward=0 if is_sum else 1),
            )
        elif (at := _states(condition, suite.when[condition.attack], states)) is not None:
            attack = suite.attacks[condition.attack]
            yield MeasurementWork(
                condition=condition,
                images=images,
                states=at,
                budget=attack.budget(sizes.classes, str(condition.norm)),
                stops_early=attack.stops_early,
                is_strong=attack.is_strong,
            )


def _states(condition: Condition, tier: str, states: int) -> Span | None:
    """The number of states that an attack of `tier` is made on; None: it is never made on these images."""
    if tier == EVERY:
        return Span.of(states)
    if not attacks_afterwards(condition):
        return None
    return Span(1, min(states, SELECTED), states) if tier == FRONTIER else Span.of(1)


def _shifts(parts: Parts) -> Iterator[tuple[Shift, int]]:
    """Every shift set -> its test images, at most: classes without a counterpart are left out of them."""
    for key, shift in parts.shifts.items():
        with naming(f"shift.{key}."):
            sizes = shift.source.sizes()
        if sizes is None:
            raise Mistake(f"shift.{key}.path must be given: its size is not known without a download")
        yield shift, sizes.test


def _parameters(
    parts: Parts, backbone: str, method: str, classes: int, settings: PlanSettings, observations: Observations
) -> Parameters | None:
    """Known for a method with the settings of its class, from a finished run, or from what the user says."""
    has_usual_settings = parts.method == type(parts.method)()
    known = known_parameters(backbone, method, classes) if has_usual_settings else None
    known = known or observations.parameters(backbone, method, classes)
    total = of(settings.parameters, backbone)
    return known if known is not None or total is None else assumed_parameters(total, method, classes)
