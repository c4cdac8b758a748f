"""What finished runs tell about the cost of others: their rates, and the passes that attacks really took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import Any

from robustft.attacks.passes import Passes
from robustft.objectives.update_passes import UpdatePasses
from robustft.planning.cost import RecordedPasses
from robustft.planning.rates import BACKWARD, EXIT, START_UP, Rates
from robustft.planning.work import STANDARD, Parameters
from robustft.study.records.condition import Condition
from robustft.study.records.predictions import images_of
from robustft.study.records.record import Record
from robustft.study.run import Run

Key = tuple[str | None, float | None, str | None]
"""Of an attack's passes: its settings, eps / 255, and the OOD set that it attacks."""

_COUNTS = ("total", "trainable", "head")

ENOUGH = 3
"""Runs of one data set, backbone, method and objective that are read: others tell nothing new."""


@dataclass(kw_only=True)
class _Total:
    seconds: float = 0
    forward: float = 0
    backward: float = 0
    images: float = 0
    records: int = 0

    def add(self, record: Record) -> None:
        self.seconds += record.seconds
        self.forward += record.forward_passes
        self.backward += record.backward_passes
        self.images += images_of(record)
        self.records += 1


@dataclass(frozen=True, kw_only=True)
class ObservedRun:
    """What one finished run took.

    clean: all clean measurements; attacks: by attack; trained: seconds between the measurements, and images of the
    updates in them, None if the run was interrupted; update: passes of an update; around: seconds before the first
    measurement and after the last.
    """

    dataset: str
    backbone: str
    method: str
    device: str
    clean: _Total
    attacks: Mapping[Key, _Total]
    trained: tuple[float, float] | None
    around: tuple[float, float] | None
    parameters: Parameters | None
    classes: int
    objective: str = STANDARD
    update: UpdatePasses = field(default_factory=UpdatePasses)

    def training(self, forward: float, backward: float) -> tuple[float, float] | None:
        """(seconds, passes) of what its updates took beside the passes that change no parameter, which take `forward`
        and `backward` seconds; None where that is not known."""
        if self.trained is None:
            return None
        seconds, images = self.trained
        beside = self.update.beside
        own = seconds - images * (beside.forward * forward + beside.backward * backward)
        return (own, images * self.update.trained) if own > 0 else None


class Observations:
    """Of many runs. What is asked for is answered by the runs most like it: of the same data set, backbone, method and
    objective, else of the same backbone, method and objective, else of any objective, else of the same backbone.

    >>> Observations([]).rates("digits", "glyph_vit", "full") is None
    True
    """

    def __init__(self, runs: Iterable[ObservedRun]) -> None:
        self.runs = tuple(runs)

    def rates(self, dataset: str, backbone: str, method: str, objective: str = STANDARD) -> Rates | None:
        """Rates of the runs most like this; None if there is no run of the backbone."""
        alike = self._alike(dataset, backbone, method, objective)
        forward = _ratio((run.clean.seconds, run.clean.forward) for run in alike)
        if forward is None:
            return None
        attacks = [total for run in alike for total in run.attacks.values() if total.backward]
        beyond = ((total.seconds - forward * total.forward, total.backward) for total in attacks)
        backward = _ratio(beyond) or BACKWARD * forward
        training = _ratio(run.training(forward, backward) for run in alike)
        around = [run.around for run in alike if run.around]
        devices = Counter(run.device for run in alike)
        return Rates(
            forward=forward,
            backward=max(backward, 0.2 * forward),
            training=training or 3 * forward,
            start_up=sum(before for before, _ in around) / len(around) if around else START_UP,
            exit=sum(after for _, after in around) / len(around) if around else EXIT,
            source=f"finished runs of {backbone} on {' and '.join(sorted(devices))}",
        )

    def passes(
        self, dataset: str, backbone: str, method: str, condition: Condition, objective: str = STANDARD
    ) -> RecordedPasses | None:
        """Passes per image of the split that the attack took in the runs most like this; None if there is none."""
        key = _key(condition)
        for alike in self._ranked(dataset, backbone, method, objective):
            totals = [run.attacks[key] for run in alike if key in run.attacks]
            images = sum(total.images for total in totals)
            if images:
                return RecordedPasses(
                    passes=Passes(
                        forward=sum(total.forward for total in totals) / images,
                        backward=sum(total.backward for total in totals) / images,
                    ),
                    of_method=all((run.method, run.objective) == (method, objective) for run in alike),
                )
        return None

    def parameters(self, backbone: str, method: str, classes: int) -> Parameters | None:
        """Of a run of the backbone and the method, the head for `classes`."""
        for run in self.runs:
            if (run.backbone, run.method) == (backbone, method) and run.parameters is not None and run.classes:
                head = run.parameters.head * classes // run.classes
                return replace(run.parameters, total=run.parameters.total - run.parameters.head + head, head=head)
        return None

    def _alike(self, *kind: str) -> Sequence[ObservedRun]:
        return next(filter(None, self._ranked(*kind)), ())

    def _ranked(self, dataset: str, backbone: str, method: str, objective: str) -> Iterator[Sequence[ObservedRun]]:
        """Runs from the most to the least alike."""
        of_backbone = [run for run in self.runs if run.backbone == backbone]
        of_method = [run for run in of_backbone if run.method == method]
        for runs in ([run for run in of_method if run.objective == objective], of_method):
            yield [run for run in runs if run.dataset == dataset]
            yield runs
        yield of_backbone


def observed(runs: Iterable[Run]) -> Observations:
    """What the finished ones of `runs` tell; a few of each kind are read, and what is damaged is left out."""
    seen: Counter[tuple[str, str, str, str]] = Counter()
    observations = []
    for run in runs:
        try:
            if not run.exists or not run.is_finished:
                continue
            kind = (run.dataset, run.backbone, run.method, _objective(run))
            if seen[kind] >= ENOUGH:
                continue
            observations.append(_observed(run))
            seen[kind] += 1
        except (ValueError, OSError, LookupError, TypeError):
            continue
    return Observations(observations)


def _observed(run: Run) -> ObservedRun:
    clean = _Total()
    attacks: dict[Key, _Total] = {}
    for record in run.records:
        if record.sum_of:
            continue
        if record.condition.attack is None:
            clean.add(record)
        else:
            attacks.setdefault(_key(record.condition), _Total()).add(record)
    starts = run.content.get("starts") or [{}]
    counts = run.content.get("parameters")
    begun, ended = _scheduled(run)
    whole = len(starts) == 1 and ended is not None
    return ObservedRun(
        dataset=run.dataset,
        backbone=run.backbone,
        method=run.method,
        device=str(starts[-1].get("device", "an unknown device")),
        clean=clean,
        attacks=attacks,
        trained=_trained(run, begun) if whole else None,
        around=_around(run, starts[0]) if whole else None,
        parameters=Parameters(**{name: int(counts[name]) for name in ("total", "trainable", "head")})
        if counts
        else None,
        classes=len(run.content.get("classes") or ()),
        objective=_objective(run),
        update=_update(run.content.get("update")),
    )


def _objective(run: Run) -> str:
    """The class of its objective."""
    return str(run.identity.get("objective", {}).get("_target_", STANDARD)).rpartition(".")[2]


def _update(content: Mapping[str, Any] | None) -> UpdatePasses:
    """As run.json has them; runs of before there were objectives do not."""
    if content is None:
        return UpdatePasses()
    beside = {name: float(content["beside"][name]) for name in ("forward", "backward")}
    return UpdatePasses(trained=float(content["trained"]), beside=Passes(**beside))


def _scheduled(run: Run) -> tuple[list[Record], Record | None]:
    """The records of the scheduled steps, in order, and the last of them: neither of later tiers nor of `evaluate`."""
    own = {name for name, node in run.identity["attack"].items() if node.get("when", "every") == "every"}
    records: list[Record] = []
    for record in run.records:
        attack = record.condition.attack
        if (records and record.step < records[-1].step) or (attack is not None and attack not in own):
            break
        records.append(record)
    return records, records[-1] if records else None


def _trained(run: Run, records: Sequence[Record]) -> tuple[float, float] | None:
    """(seconds between the measurements of different steps, images of the updates made in them)"""
    images = int(run.identity["trainer"]["batch_size"]) * records[-1].step
    seconds = sum(_time(later) - _time(earlier) - later.seconds for earlier, later in pairwise(records))
    return (max(0.0, seconds), images) if images else None


def _around(run: Run, start: Mapping[str, Any]) -> tuple[float, float] | None:
    """Seconds of the process before its first measurement, and after its last."""
    seconds = start.get("seconds")
    total, after = (seconds.get(name) for name in ("total", "after_last_measurement")) if seconds else (None, None)
    if not isinstance(total, int | float):
        return None
    own = run.records
    measured = _time(own[-1]) - _time(own[0]) + own[0].seconds
    around = max(0.0, total - measured)
    exit_ = min(around, float(after)) if isinstance(after, int | float) else min(around, EXIT)
    return around - exit_, exit_


def _time(record: Record) -> float:
    return datetime.fromisoformat(record.time).timestamp()


def _key(condition: Condition) -> Key:
    return condition.settings, condition.eps_255, condition.ood


def _ratio(pairs: Iterable[tuple[float, float] | None]) -> float | None:
    """Sum of the first over sum of the second; None where that is no positive number."""
    known = [pair for pair in pairs if pair is not None]
    top, bottom = sum(pair[0] for pair in known), sum(pair[1] for pair in known)
    return top / bottom if top > 0 and bottom > 0 else None
