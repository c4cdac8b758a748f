"""From directories to a comparison of the runs in them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from robustft.study.comparison.compared_run import ComparedRun
from robustft.study.comparison.comparison import LEVEL, Comparison, Ranking, averaged
from robustft.study.comparison.identity_names import setting_names, strategy_names
from robustft.study.comparison.rankings import overall_ranking, setting_ranking
from robustft.study.comparison.reading.candidate import Candidate, Comparable, candidate
from robustft.study.comparison.reading.collection import Place, collect
from robustft.study.comparison.setting import Setting
from robustft.study.uncertainty.setting_draws import area_draws

_MOST = 8
"""Of a kind in a warning."""


def compare(
    roots: Sequence[Path],
    *,
    image_draws: int = 2000,
    seed_terms: int = 10,
    seed: int = 0,
) -> Comparison:
    """The finished runs in and below `roots` beside each other, and what became of the others.

    What is found depends on the files alone, not on the time: a running run's seconds count up to its last record.

    roots: directories of runs, of studies or of parts of one, or with many of these; a run in several counts once.
    image_draws: of the test images; seed_terms: for each of them; seed: of both.

    >>> compare([Path("nowhere")]).runs
    ()
    """
    collection = collect(roots)
    candidates = _named(_once({place: candidate(place) for place in collection.places}))
    comparables = [one.comparable for one in candidates if one.comparable is not None]
    rankings: list[Ranking] = []
    warnings = list(collection.warnings)
    for setting, of_setting in _by_setting(comparables):
        strategies = _by_strategy(of_setting)
        drawn = area_draws(
            {name: [one.curve for one in of_strategy] for name, of_strategy in strategies.items()},
            images=setting.images,
            setting=setting.key,
            test_set=of_setting[0].test_set,
            image_draws=image_draws,
            seed_terms=seed_terms,
            seed=seed,
        )
        runs = {name: [one.run for one in of_strategy] for name, of_strategy in strategies.items()}
        rankings.append(setting_ranking(setting, runs, drawn))
        warnings += _warnings(rankings[-1], [one.run for one in of_setting])
    tasks = averaged(rankings)
    overall = overall_ranking(tasks) if len(tasks) > 1 else None
    if len(tasks) > 1 and overall is None:
        warnings.append("no strategy is in every setting: there is no mean over settings")
    warnings += _too_few_draws([*rankings, *([] if overall is None else [overall])], image_draws, seed_terms)
    return Comparison(
        title=collection.title,
        roots=tuple(roots),
        runs=tuple(one.run for one in comparables),
        listed=tuple(one.listed for one in candidates),
        rankings=tuple(rankings),
        overall=overall,
        warnings=tuple(warnings),
        image_draws=image_draws,
        seed_terms=seed_terms,
        seed=seed,
    )


def _once(candidates: Mapping[Place, Candidate]) -> list[Candidate]:
    """The same runs; of several with one setting, strategy and seed one is compared: with outcomes, of the first root.

    A copy of a study beside it must not make its strategies surer.
    """
    first: dict[tuple[str, str, int], str] = {}
    for place in sorted(candidates, key=lambda place: (candidates[place].listed.reason is not None, place.root)):
        if (comparable := candidates[place].comparable) is not None:
            first.setdefault(_identity(comparable), place.name)
    once = []
    for one in candidates.values():
        same = one.listed.name if one.comparable is None else first[_identity(one.comparable)]
        if same != one.listed.name:
            reason = f"the same run as {same}, which is compared"
            one = replace(one, comparable=None, listed=replace(one.listed, state="finished", reason=reason))
        once.append(one)
    return once


def _identity(comparable: Comparable) -> tuple[str, str, int]:
    return comparable.setting.key, comparable.strategy.key, comparable.run.seed


def _named(candidates: Sequence[Candidate]) -> list[Candidate]:
    """The same runs with the names of their settings and strategies, which those that are compared decide."""
    in_settings: dict[str, list[Comparable]] = {}
    by_part: dict[str | None, set[str]] = {}
    for one in candidates:
        if one.comparable is not None:
            in_settings.setdefault(one.comparable.setting.key, []).append(one.comparable)
            by_part.setdefault(one.part, set()).add(one.comparable.setting.key)
    settings = setting_names(of_setting[0].setting for of_setting in in_settings.values())
    strategies = strategy_names([[one.strategy for one in of_setting] for of_setting in in_settings.values()])
    named = []
    for one in candidates:
        keys = by_part.get(one.part, set()) if one.comparable is None else {one.comparable.setting.key}
        setting = settings[next(iter(keys))] if len(keys) == 1 else one.dataset
        strategy = None if one.strategy is None else strategies.get(one.strategy.key, one.strategy.name)
        comparable = one.comparable
        if comparable is not None and setting is not None and strategy is not None:
            run = replace(comparable.run, setting=replace(comparable.run.setting, name=setting), strategy=strategy)
            comparable = replace(comparable, run=run)
        listed = replace(one.listed, setting=setting, strategy=strategy)
        named.append(replace(one, comparable=comparable, listed=listed))
    return named


def _by_setting(comparables: Sequence[Comparable]) -> list[tuple[Setting, list[Comparable]]]:
    """The runs of each setting, by its name."""
    groups: dict[str, list[Comparable]] = {}
    for one in comparables:
        groups.setdefault(one.run.setting.name, []).append(one)
    return [(of_setting[0].run.setting, of_setting) for _, of_setting in sorted(groups.items())]


def _by_strategy(comparables: Sequence[Comparable]) -> Mapping[str, list[Comparable]]:
    """The runs of each strategy, by its seeds."""
    groups: dict[str, list[Comparable]] = {}
    for one in sorted(comparables, key=lambda one: (one.run.strategy, one.run.seed)):
        groups.setdefault(one.run.strategy, []).append(one)
    return groups


def _warnings(ranking: Ranking, runs: Sequence[ComparedRun]) -> Iterator[str]:
    """What keeps the strategies of a setting from being compared like for like."""
    missing = [
        f"{result.strategy} {', '.join(map(str, result.missing_seeds))}"
        for result in ranking.strategies
        if result.missing_seeds
    ]
    if missing:
        yield f"{ranking.name}: seeds that others have are missing: {_several(missing)}"
    schedules: dict[tuple[int, ...], dict[str, None]] = {}
    for run in runs:
        schedules.setdefault(tuple(point.step for point in run.points), {})[run.strategy] = None
    if len(schedules) > 1:
        kinds = [
            f"{len(steps)} states up to step {steps[-1]:,} ({', '.join(strategies)})"
            for steps, strategies in sorted(schedules.items(), key=lambda item: (-len(item[0]), item[0]))
        ]
        yield f"{ranking.name}: schedules differ, and more states reach more area: {_several(kinds)}"


def _too_few_draws(rankings: Sequence[Ranking], image_draws: int, seed_terms: int) -> Iterator[str]:
    """Where Holm's correction leaves nothing to find: the smallest p-value of B draws is 2 / (B + 1)."""
    pairs = max((len(ranking.pairs) for ranking in rankings if ranking.draws), default=0)
    needed = math.ceil((2 * pairs / LEVEL - 1) / seed_terms)
    if image_draws < needed:
        yield f"with {pairs:,} pairs in a table no two strategies can be called different: that takes draws={needed}"


def _several(lines: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(lines) - _MOST
    return "; ".join(lines[:_MOST]) + (f"; and {more} more" if more > 0 else "")
