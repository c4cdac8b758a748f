"""Tables of strategies by area: one a setting, and the mean over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain
from statistics import fmean
from typing import Any

from robustft.study.area_measures import area_chosen_on_test, frontier_trapezoid, volume
from robustft.study.comparison.compared_run import ComparedRun
from robustft.study.comparison.comparison import Ranking, StrategyResult
from robustft.study.comparison.setting import Setting
from robustft.study.findings.ood_mean import has_conditions, ood_conditions, ood_mean, selected_points
from robustft.study.uncertainty.ranking import RankedStrategies, RankedStrategy, mean_over_settings, ranking
from robustft.study.uncertainty.setting_draws import AreaDraws

_MEASURES = ("trapezoid", "chosen_on_test", "volume", "peak_step", "peak_clean", "peak_robust", "lost")


def setting_ranking(setting: Setting, runs: Mapping[str, Sequence[ComparedRun]], drawn: AreaDraws) -> Ranking:
    """The strategies of one setting.

    runs: strategy -> its runs, one a seed.
    drawn: their areas.
    """
    ranked = ranking(drawn.areas, drawn.draws, images_only=drawn.images_only)
    all_seeds = {run.seed for of_strategy in runs.values() for run in of_strategy}
    conditions = ood_conditions([run for of_strategy in runs.values() for run in of_strategy])
    results = []
    for strategy in ranked.strategies:
        of_strategy = runs[strategy.strategy]
        seeds = sorted(run.seed for run in of_strategy)
        measures = [_measures(run, conditions) for run in of_strategy]
        results.append(_result(strategy, of_strategy[0].method, seeds, all_seeds.difference(seeds), measures))
    return _table(setting, ranked, results, drawn)


def overall_ranking(rankings: Sequence[Ranking]) -> Ranking | None:
    """The mean over settings, each counting the same, of strategies that are in each; None if there are none."""
    by_setting = [{result.strategy: result for result in of_setting.strategies} for of_setting in rankings]
    shared = [name for name in by_setting[0] if all(name in results for results in by_setting)] if by_setting else []
    if not shared:
        return None
    parts = {name: [results[name] for results in by_setting] for name in shared}
    drawn = AreaDraws(
        areas={name: fmean(part.area.value for part in of_name) for name, of_name in parts.items()},
        draws=mean_over_settings([of_setting.draws for of_setting in rankings]),
        images_only=any(of_setting.images_only for of_setting in rankings),
    )
    ranked = ranking(drawn.areas, drawn.draws, images_only=drawn.images_only)
    results = []
    for strategy in ranked.strategies:
        of_strategy = parts[strategy.strategy]
        seeds = set(chain.from_iterable(part.seeds for part in of_strategy))
        missing = set(chain.from_iterable(part.missing_seeds for part in of_strategy))
        measures = [{name: getattr(part, name) for name in _MEASURES} for part in of_strategy]
        results.append(_result(strategy, of_strategy[0].method, seeds, missing, measures))
    return _table(None, ranked, results, drawn)


def _result(
    strategy: RankedStrategy,
    method: str,
    seeds: Sequence[int] | set[int],
    missing_seeds: set[int],
    measures: Sequence[Mapping[str, float | None]],
) -> StrategyResult:
    """measures: of its runs, or of its settings; what not all of them have is None."""
    means: dict[str, Any] = {}
    for name in _MEASURES:
        values = [of_one[name] for of_one in measures]
        known = [value for value in values if value is not None]
        means[name] = fmean(known) if len(known) == len(values) else None
    return StrategyResult(
        strategy=strategy.strategy,
        method=method,
        seeds=tuple(sorted(seeds)),
        area=strategy.area,
        rank=strategy.rank,
        ranks=strategy.ranks,
        first=strategy.first,
        above_mean=strategy.above_mean,
        missing_seeds=tuple(sorted(missing_seeds)),
        **means,
    )


def _measures(run: ComparedRun, conditions: Sequence[str]) -> dict[str, float | None]:
    """What a table says of a run beside its area.

    conditions: OOD conditions that the setting's runs have in common: volumes over others would not compare.
    """
    peak, last = run.point(run.peak), run.point(run.last)
    return {
        "trapezoid": frontier_trapezoid(run.points),
        "chosen_on_test": area_chosen_on_test(run.points),
        "volume": _volume(run, conditions) if has_conditions(run, conditions) else None,
        "peak_step": float(peak.step),
        "peak_clean": peak.clean.rate,
        "peak_robust": peak.robust.rate,
        "lost": peak.robust.rate - last.robust.rate,
    }


def _volume(run: ComparedRun, conditions: Sequence[str]) -> float:
    """Of the states that the area has."""
    points = selected_points(run)
    ood = [ood_mean(point, conditions) for point in points]
    return volume([point.clean.rate for point in points], [point.robust.rate for point in points], ood)


def _table(
    setting: Setting | None, ranked: RankedStrategies, results: Sequence[StrategyResult], drawn: AreaDraws
) -> Ranking:
    return Ranking(
        setting=setting,
        strategies=tuple(replace(result, images_only=ranked.images_only) for result in results),
        pairs=ranked.pairs,
        leaders=ranked.leaders,
        best=ranked.best,
        images_only=ranked.images_only,
        draws={name: drawn.draws[name] for name in drawn.areas if name in drawn.draws},
    )
