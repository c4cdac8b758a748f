"""The datasets that charts share, so that a page holds every state once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from robustft.report.charts.chart import Cell, Dataset, dataset
from robustft.report.charts.line_data import line_datasets
from robustft.report.charts.places import DIGITS, panel_order
from robustft.report.charts.surface import heights
from robustft.study.comparison.compared_run import ComparedRun
from robustft.study.comparison.comparison import Comparison
from robustft.study.comparison.findings import Findings
from robustft.study.findings.setting_runs import by_setting
from robustft.study.frontier import frontier_area
from robustft.study.tradeoff import Count

MOST_POINTS = 20_000
"""States that are drawn; with more in a study, only those chosen on validation are."""


def chart_data(comparison: Comparison, findings: Findings) -> dict[str, Dataset]:
    """Name -> rows; only datasets that have rows.

    areas, run_areas, pairs: per setting and over `all settings`.
    points: a row per state; steps: means over seeds; bands: surfaces of frontiers.
    eps, domains, attacks: means over seeds, with the range of seeds; shifts, lines: OOD on clean accuracy.
    """
    named = {
        "areas": _areas(comparison),
        "run_areas": _run_areas(comparison),
        "points": _points(comparison),
        "steps": _steps(comparison),
        "bands": _bands(comparison, findings),
        "eps": _eps(comparison),
        "pairs": _pairs(comparison),
        "domains": _domains(comparison),
        **line_datasets(comparison, findings, every_state=is_drawn_whole(comparison)),
        "attacks": _attacks(findings),
    }
    return {name: rows for name, rows in named.items() if len(rows)}


def is_drawn_whole(comparison: Comparison) -> bool:
    """Whether every state is drawn, and not only the chosen ones."""
    return sum(len(run.points) for run in comparison.runs) <= MOST_POINTS


def has_seeds(comparison: Comparison) -> bool:
    """Whether any strategy has more than one seed, so that a mean is more than its run."""
    return any(len(result.seeds) > 1 for ranking in comparison.rankings for result in ranking.strategies)


def _groups(comparison: Comparison) -> Iterator[tuple[str, str, tuple[ComparedRun, ...]]]:
    """(setting, strategy, its runs), settings by name and strategies from the highest area."""
    for setting in by_setting(comparison):
        for strategy, runs in setting.by_strategy.items():
            yield setting.name, strategy, runs


def _areas(comparison: Comparison) -> Dataset:
    rows: list[list[Cell]] = []
    for panel, ranking in panel_order(comparison):
        for result in ranking.strategies:
            area = result.area
            rows.append(
                [
                    panel,
                    result.strategy,
                    round(area.value, DIGITS),
                    *(None if end is None else round(end, DIGITS) for end in (area.low, area.high)),
                    result.rank,
                    result.first,
                    len(result.seeds),
                ]
            )
    return dataset(("panel", "strategy", "area", "low", "high", "rank", "first", "seeds"), rows)


def _run_areas(comparison: Comparison) -> Dataset:
    rows: list[list[Cell]] = [
        [run.setting.name, run.strategy, run.name, run.seed, round(frontier_area(run.points), DIGITS)]
        for run in (comparison.runs if is_drawn_whole(comparison) and has_seeds(comparison) else ())
    ]
    return dataset(("panel", "strategy", "run", "seed", "area"), rows)


def _points(comparison: Comparison) -> Dataset:
    whole = is_drawn_whole(comparison)
    rows: list[list[Cell]] = []
    for run in comparison.runs:
        selected = set(run.selected)
        for point in run.points:
            if not whole and point.step not in selected and point.step != run.peak:
                continue
            ood = point.mean_ood
            marks = [name for name in ("best", "peak", "last") if getattr(run, name) == point.step]
            rows.append(
                [
                    run.setting.name,
                    run.strategy,
                    run.name,
                    point.step,
                    round(point.clean.rate, DIGITS),
                    round(point.robust.rate, DIGITS),
                    None if ood is None else round(ood, DIGITS),
                    int(point.step in selected),
                    ", ".join(marks),
                ]
            )
    return dataset(("panel", "strategy", "run", "step", "clean", "robust", "ood", "chosen", "state"), rows)


def _steps(comparison: Comparison) -> Dataset:
    """Means over seeds, of steps that all runs of a strategy have."""
    rows: list[list[Cell]] = []
    for setting, strategy, runs in _groups(comparison):
        by_step = [{point.step: point for point in run.points} for run in runs]
        for step in sorted(set.intersection(*map(set, by_step))):
            points = [of_run[step] for of_run in by_step]
            oods = [point.mean_ood for point in points]
            known = [ood for ood in oods if ood is not None]
            rows.append(
                [
                    setting,
                    strategy,
                    step,
                    round(fmean(point.clean.rate for point in points), DIGITS),
                    round(fmean(point.robust.rate for point in points), DIGITS),
                    round(fmean(known), DIGITS) if len(known) == len(points) else None,
                    len(runs),
                ]
            )
    return dataset(("panel", "strategy", "step", "clean", "robust", "ood", "seeds"), rows)


def _bands(comparison: Comparison, findings: Findings) -> Dataset:
    settings = {setting.name for setting in comparison.settings}
    rows: list[list[Cell]] = []
    for band in findings.bands:
        if band.setting in settings:
            rows += [
                [
                    band.setting,
                    band.strategy,
                    f"{band.x}/{band.y}",
                    *(None if value is None else round(value, DIGITS) for value in row),
                ]
                for row in heights(band)
            ]
    return dataset(("panel", "strategy", "plane", "x", "median", "low", "high"), rows)


def _eps(comparison: Comparison) -> Dataset:
    rows: list[list[Cell]] = []
    for setting, strategy, runs in _groups(comparison):
        measured: dict[tuple[str, str, str], dict[float, list[Count]]] = {}
        for run in runs:
            for curve in run.eps_curves:
                for state in ("best", "last"):
                    if getattr(run, state) == curve.step:
                        sizes = measured.setdefault((curve.attack, str(curve.norm), state), {})
                        for size, count in curve.counts.items():
                            sizes.setdefault(size, []).append(count)
        for (attack, norm, state), sizes in measured.items():
            for size, counts in sorted(sizes.items()):
                if len(counts) == max(map(len, sizes.values())):  # a mean over fewer seeds is no point of the curve
                    rows.append([setting, f"{attack} ({norm})", strategy, state, size, *_spread(counts), len(counts)])
    return dataset(("panel", "attack", "strategy", "state", "eps", "accuracy", "low", "high", "seeds"), rows)


def _pairs(comparison: Comparison) -> Dataset:
    rows: list[list[Cell]] = []
    for panel, ranking in panel_order(comparison):
        for place, pair in enumerate(ranking.pairs):
            value, low, high = pair.difference.value, pair.difference.low, pair.difference.high
            different = pair.differs and not ranking.images_only
            rows.append(
                [
                    panel,
                    f"{pair.a} − {pair.b}",  # noqa: RUF001 - a minus sign
                    pair.a,
                    pair.b,
                    place,
                    round(value, DIGITS),
                    *(None if end is None else round(end, DIGITS) for end in (low, high)),
                    None if pair.p_holm is None else round(pair.p_holm, DIGITS),
                    "different at 5 %" if different else "not told apart",
                ]
            )
    names = ("panel", "pair", "a", "b", "place", "difference", "low", "high", "p_holm", "verdict")
    return dataset(names, rows)


def _domains(comparison: Comparison) -> Dataset:
    rows: list[list[Cell]] = []
    for setting, strategy, runs in _groups(comparison):
        at_best = [run.point(run.best) for run in runs]
        for shift in dict.fromkeys(shift for point in at_best for shift in point.ood):
            counts = [point.ood[shift] for point in at_best if shift in point.ood]
            rows.append([setting, strategy, shift, *_spread(counts), len(counts)])
    return dataset(("panel", "strategy", "domain", "accuracy", "low", "high", "seeds"), rows)


def _attacks(findings: Findings) -> Dataset:
    rows: list[list[Cell]] = []
    for order in findings.attack_orders:
        changed = {strategy for pair in order.changed for strategy in pair}
        for strategy, rates in order.robust.items():
            for attack, rate in zip((order.main, order.attack), rates, strict=True):
                changes = "order changes" if strategy in changed else "same order"
                rows.append(
                    [f"{order.setting}, {order.attack}", strategy, attack, int(attack == order.attack), rate, changes]
                )
    return dataset(("panel", "strategy", "attack", "place", "robust", "order"), rows)


def _spread(counts: Sequence[Count]) -> tuple[float, float, float]:
    """Mean, lowest and highest of the seeds."""
    rates = [count.rate for count in counts]
    return round(fmean(rates), DIGITS), round(min(rates), DIGITS), round(max(rates), DIGITS)
