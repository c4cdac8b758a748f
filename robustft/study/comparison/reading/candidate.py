"""A run as a comparison reads it: what it is listed as, and what of it is compared."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from robustft.canonical_hash import canonical_hash
from robustft.lease import holder_of
from robustft.study.comparison.compared_run import ComparedRun, ListedRun
from robustft.study.comparison.identity_names import Named
from robustft.study.comparison.reading.collection import Place
from robustft.study.comparison.reading.run_identity import RunIdentity, object_or_empty
from robustft.study.comparison.setting import Setting
from robustft.study.confidence.state_confidence import state_confidence
from robustft.study.eps_curve import EpsCurve, eps_curves
from robustft.study.frontier import frontier_area, frontier_steps
from robustft.study.further_attacks import further_attacks
from robustft.study.plain_file import DamagedFile, MissingFile, plain_line
from robustft.study.records.condition_names import ConditionNames, condition_names
from robustft.study.records.gate_summary import failed_gates
from robustft.study.records.outcomes import packed_outcomes
from robustft.study.records.quick_records import shown_records
from robustft.study.records.record import Record
from robustft.study.records.record_file import RECORDS, last_record
from robustft.study.run_command import run_command
from robustft.study.run_file import LEASE, read_run
from robustft.study.run_state import RunState, run_state, state_in
from robustft.study.tradeoff import TradeoffPoint, best_step, peak_step, tradeoff_points
from robustft.study.uncertainty.setting_draws import SeedCurve

NO_INTERVAL = "no interval"

_STATE = re.compile(r"step-(\d{1,18})\.safetensors")


@dataclass(frozen=True, kw_only=True)
class Comparable:
    """A finished run as far as it is compared.

    setting, strategy: what they are named by.
    run: without their names, which are known only once all runs are.
    curve: its states chosen on validation.
    test_set: the hash of the test images.
    """

    setting: Named
    strategy: Named
    run: ComparedRun
    curve: SeedCurve
    test_set: str


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A run of a collection.

    listed: without the names of its setting and strategy.
    dataset: the name; part: the hash of the setting as far as run.json has it, without the evaluated images; strategy.
        None: not known.
    comparable: None: it is not compared.
    """

    listed: ListedRun
    dataset: str | None = None
    part: str | None = None
    strategy: Named | None = None
    comparable: Comparable | None = None


def candidate(place: Place) -> Candidate:
    """What is known of the run there. Whatever its files hold, it is listed, at least as damaged.

    >>> candidate(Place(name="lora/seed-0", directory=Path("nowhere"))).listed.state
    'waiting'
    """
    directory = place.directory
    try:
        content = read_run(directory, whole=True, rows=False)
        if content is None or content["status"] != "finished":
            return _unfinished(place, content)
        records = shown_records(directory / RECORDS)
    except (DamagedFile, OSError) as error:
        return _damaged(place, error)
    listed = _listed(place, state_in(directory, content, records[-1] if records else None), content, records[-1:])
    try:
        identity = RunIdentity(content)
        return _finished(place, listed, identity, records)
    except (DamagedFile, ValueError, OSError) as error:
        return Candidate(listed=replace(listed, state="damaged", reason=_line(directory, error)))


def _finished(place: Place, listed: ListedRun, identity: RunIdentity, records: Sequence[Record]) -> Candidate:
    strategy = identity.named_strategy()
    known = Candidate(listed=listed, dataset=identity.dataset, part=identity.part, strategy=strategy)
    points, names = _points(identity, records)
    if not points:
        attack = f"{identity.label}, {identity.norm}, eps_255={identity.eps_255:g}"
        reason = f"no step was measured completely, clean and under {attack}, on validation and test images"
        return replace(known, listed=replace(listed, reason=reason))
    totals = sorted({count.total for point in points for count in (point.clean, point.robust)})
    if len(totals) > 1:
        reason = f"its states were measured on different numbers of test images, {totals[0]:,} to {totals[-1]:,}"
        return replace(known, listed=replace(listed, reason=reason))
    setting = identity.named_setting(totals[0])
    selected = frontier_steps(points)
    curve, lack = _curve(place.directory, points, selected, records, names, seed=identity.seed)
    best, last = best_step(points), points[-1].step
    run = ComparedRun(
        name=place.name,
        directory=place.directory,
        run_id=str(identity.content.get("run_id", "")),
        setting=Setting(
            key=setting.key,
            name=setting.name,
            dataset=identity.dataset,
            backbone=identity.backbone,
            norm=identity.norm,
            eps_255=identity.eps_255,
            attack=identity.label,
            images=totals[0],
            is_pretext="pretext" in identity.setting["dataset"],
        ),
        strategy=identity.method,
        method=identity.method,
        seed=identity.seed,
        points=tuple(points),
        selected=tuple(selected),
        best=best,
        peak=peak_step(points),
        last=last,
        states=_states(place.directory),
        further=further_attacks(records, points[0], names),
        confidence=state_confidence(place.directory, records, best),
        eps_curves=tuple(_eps_curves(records, (best, last), names)),
        failed_gates=tuple(failed_gates(records, names.of)),
        command=place.command or run_command(place.directory) or identity.command,
    )
    comparable = Comparable(
        setting=setting,
        strategy=strategy,
        run=run,
        curve=curve,
        test_set=canonical_hash({"dataset": identity.setting["dataset"], "images": totals[0]}, characters=16),
    )
    return replace(known, listed=replace(listed, state="compared", reason=lack), comparable=comparable)


def _points(identity: RunIdentity, records: Sequence[Record]) -> tuple[list[TradeoffPoint], ConditionNames]:
    """The points of the main attack under the identity's threat model, whatever else was measured since."""
    eps = next(
        (
            record.condition.eps
            for record in records
            if record.condition.attack == identity.main
            and record.condition.norm == identity.norm
            and record.condition.eps_255 == identity.eps_255
        ),
        None,
    )
    names = condition_names(
        records,
        norm=identity.norm,
        eps=identity.eps_255 / 255 if eps is None else eps,
        configured=identity.attacks,
        settings=object_or_empty(identity.content.get("attacks")),
    )
    own = names.attacks.get(identity.main)
    if eps is None or own is None:
        return [], names
    return tradeoff_points(records, identity.main, norm=identity.norm, eps=eps, settings=own), names


def _curve(
    directory: Path,
    points: Sequence[TradeoffPoint],
    selected: Sequence[int],
    records: Sequence[Record],
    names: ConditionNames,
    *,
    seed: int,
) -> tuple[SeedCurve, str | None]:
    """The selected states with their outcomes, or with why there are none."""
    import numpy as np

    area, attack = frontier_area(points), points[0].attack
    chosen = set(selected)
    test = [record for record in records if record.step in chosen and record.split == "test"]
    clean = {record.step: record for record in test if record.condition.name == "clean"}
    robust = {
        record.step: record
        for record in test
        if record.condition.name == attack
        and (record.condition.norm, record.condition.eps) == (names.norm, names.eps)
        and record.condition.settings == names.attacks[attack]
    }
    try:
        outcomes = [
            np.stack([packed_outcomes(directory, of_split[step]) for step in selected]) for of_split in (clean, robust)
        ]
    except MissingFile:
        return SeedCurve(seed=seed, area=area), f"no outcomes: {NO_INTERVAL}"
    except (DamagedFile, OSError) as error:
        return SeedCurve(seed=seed, area=area), f"damaged outcomes: {NO_INTERVAL}: {_line(directory, error)}"
    return SeedCurve(seed=seed, area=area, clean=outcomes[0], robust=outcomes[1]), None


def _eps_curves(records: Sequence[Record], steps: Sequence[int], names: ConditionNames) -> list[EpsCurve]:
    """The curves under their labels; none where every attack was made with one size."""
    sizes = {record.condition.eps for record in records if record.condition.ood is None}
    if len(sizes - {None}) < 2:
        return []
    return [
        replace(curve, attack=names.of_attack(curve.attack, curve.settings)) if curve.settings else curve
        for curve in eps_curves(records, steps)
    ]


def _states(directory: Path) -> frozenset[int]:
    """Steps whose state is a file of the run."""
    try:
        with os.scandir(directory / "states") as entries:
            names = [_STATE.fullmatch(entry.name) for entry in entries if entry.is_file(follow_symlinks=False)]
    except OSError:
        return frozenset()
    return frozenset(int(name[1]) for name in names if name)


def _unfinished(place: Place, content: Mapping[str, Any] | None) -> Candidate:
    directory = place.directory
    record = last_record(directory / RECORDS)
    now = 0.0 if record is None else datetime.fromisoformat(record.time.replace("Z", "+00:00")).timestamp()
    if content is None or content["status"] == "running":  # it may end, or have ended, at this moment
        return _sorted(
            Candidate(listed=_listed(place, run_state(directory, now=now), content or {}, [record])), content
        )
    state = state_in(directory, content, record, holder=holder_of(directory / LEASE), now=now)
    return _sorted(Candidate(listed=_listed(place, state, content, [record])), content)


def _sorted(known: Candidate, content: Mapping[str, Any] | None) -> Candidate:
    """With its setting and its strategy, as far as the identity has them."""
    if not content:
        return known
    try:
        identity = RunIdentity(content)
    except ValueError as error:
        return replace(
            known, listed=replace(known.listed, state="damaged", reason=_line(known.listed.directory, error))
        )
    return replace(known, dataset=identity.dataset, part=identity.part, strategy=identity.named_strategy())


def _damaged(place: Place, error: Exception) -> Candidate:
    """What else the run's files say stays."""
    directory = place.directory
    try:
        content = read_run(directory, whole=True, rows=False)
        listed = _listed(place, run_state(directory, now=0), content or {}, [])
    except (DamagedFile, OSError):
        content, listed = None, ListedRun(name=place.name, directory=directory, state="damaged")
    return _sorted(Candidate(listed=replace(listed, state="damaged", reason=_line(directory, error))), content)


def _listed(place: Place, state: RunState, content: Mapping[str, Any], last: Sequence[Record | None]) -> ListedRun:
    seed = content.get("seed", place.override("seed"))
    return ListedRun(
        name=place.name,
        directory=place.directory,
        state=state.state,
        reason=state.reason,
        seed=int(seed) if seed is not None and str(seed).isdecimal() and len(str(seed)) < 11 else None,
        step=state.step,
        steps=state.steps,
        last_record=next((record.time for record in last if record is not None), None),
        seconds=state.seconds,
        versions=(
            *(f"{package} {version}" for package, version in state.versions),
            *(f"commit {commit}" for commit in state.commits),
        ),
    )


def _line(directory: Path, error: Exception) -> str:
    """The message in one line, without the directory, beside which it is shown."""
    return plain_line(str(error).replace(f"{directory}/", "")) or type(error).__name__
