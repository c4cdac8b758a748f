"""Comparisons made up for tests of what is shown of them: every strategy has its own level, every seed its own luck."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from robustft.study.comparison.compared_run import ComparedRun, ListedRun
from robustft.study.comparison.comparison import Comparison, Pair, Ranking, StrategyResult
from robustft.study.comparison.setting import Setting
from robustft.study.eps_curve import EpsCurve
from robustft.study.frontier import frontier_area, frontier_steps
from robustft.study.tradeoff import Count, TradeoffPoint, best_step
from robustft.study.uncertainty.estimate import Estimate

STRATEGIES = ("bitfit", "compacter", "lora", "adapter", "ia3", "probe", "full")
IMAGES, IMAGE_DRAWS, SEED_TERMS = 450, 200, 10


def made_up_comparison(
    *,
    settings: Sequence[str] = ("digits",),
    strategies: Sequence[str] = STRATEGIES,
    seeds: int = 3,
    steps: int = 21,
    shifts: Sequence[str] = ("mnist", "usps"),
) -> Comparison:
    """A study of every strategy in every setting, with intervals; one more run is listed as running."""
    rng = np.random.default_rng(0)
    places = [_setting(name) for name in settings]
    runs = [
        _run(place, strategy, level, seed, steps, shifts, rng)
        for place in places
        for level, strategy in enumerate(strategies)
        for seed in range(seeds)
    ]
    rankings = [_ranking(place, [run for run in runs if run.setting == place], rng) for place in places]
    return Comparison(
        title="made-up",
        roots=(Path("multirun/made-up"),),
        runs=tuple(runs),
        listed=(*map(_compared, runs), _running()),
        rankings=tuple(rankings),
        overall=_ranking(None, runs, rng) if len(rankings) > 1 else None,
        warnings=(),
        image_draws=IMAGE_DRAWS,
        seed_terms=SEED_TERMS,
        seed=0,
    )


def _setting(name: str) -> Setting:
    return Setting(
        key=f"{sum(name.encode()):016x}",
        name=name,
        dataset=name.split()[0],
        backbone="glyph_vit",
        norm="linf",
        eps_255=8.0,
        attack="PGD-15",
        images=IMAGES,
    )


def _run(
    setting: Setting, strategy: str, level: int, seed: int, steps: int, shifts: Sequence[str], rng: np.random.Generator
) -> ComparedRun:
    luck = rng.normal(0, 0.01)
    points = tuple(_point(step, steps, 0.55 - 0.05 * level + luck, shifts, rng) for step in range(steps))
    directory = f"{setting.dataset}/glyph_vit/{strategy}/seed-{seed}"
    best, last = best_step(points), points[-1].step
    peak = max(points, key=lambda point: (point.validation_robust.rate, -point.step)).step
    return ComparedRun(
        name=directory,
        directory=Path("multirun/made-up") / directory,
        run_id=f"{rng.integers(2**63):016x}",
        setting=setting,
        strategy=strategy,
        method=strategy,
        seed=seed,
        points=points,
        selected=tuple(frontier_steps(points)),
        best=best,
        peak=peak,
        last=last,
        states=frozenset(point.step for point in points),
        further={"AutoAttack": {step: _count(0.9 * _rate(points, step), IMAGES) for step in (best, last)}},
        eps_curves=tuple(_eps_curve(step, points) for step in dict.fromkeys((best, last))),
        failed_gates=("step 0: more iterations break 3 more images",) if seed == 2 and level == 1 else (),
        command=f"python -m robustft dataset={setting.dataset} method={strategy} seed={seed}",
    )


def _point(place: int, steps: int, level: float, shifts: Sequence[str], rng: np.random.Generator) -> TradeoffPoint:
    """Clean accuracy rises all along, robust accuracy falls again after its peak in the middle."""
    share = place / max(1, steps - 1)
    clean = 0.1 + 0.87 * (1 - np.exp(-6 * share))
    robust = clean * level * (1 - 0.5 * share**2)
    clean, robust, validation_clean, validation_robust = np.clip(
        np.array([clean, robust, clean, robust]) + rng.normal(0, 0.008, 4), 0, 1
    )
    return TradeoffPoint(
        step=round(2 ** (place / 2)) if place else 0,
        epoch=place / 2,
        clean=_count(clean, IMAGES),
        robust=_count(robust, IMAGES),
        ood={shift: _count(clean * (0.8 - 0.2 * index), 1000) for index, shift in enumerate(shifts)},
        validation_clean=_count(validation_clean, 200),
        validation_robust=_count(validation_robust, 200),
        attack="pgd",
        norm="linf",
        eps=8 / 255,
    )


def _count(rate: float, total: int) -> Count:
    return Count(correct=round(float(rate) * total), total=total)


def _rate(points: Sequence[TradeoffPoint], step: int) -> float:
    return next(point.robust.rate for point in points if point.step == step)


def _eps_curve(step: int, points: Sequence[TradeoffPoint]) -> EpsCurve:
    counts = {eps: _count(_rate(points, step) ** (eps / 8), IMAGES) for eps in (0.0, 2.0, 4.0, 8.0, 16.0)}
    return EpsCurve(step=step, attack="pgd", norm="linf", settings=None, counts=counts)


def _ranking(setting: Setting | None, runs: Sequence[ComparedRun], rng: np.random.Generator) -> Ranking:
    """Draws as the data model lays them out: the seed terms of an image draw lie beside each other."""
    by_strategy: dict[str, list[ComparedRun]] = {}
    for run in runs:
        by_strategy.setdefault(run.strategy, []).append(run)
    areas = {name: fmean(frontier_area(run.points) for run in of) for name, of in by_strategy.items()}
    images = np.repeat(rng.normal(0, 0.01, IMAGE_DRAWS), SEED_TERMS)
    draws = {name: area + images + rng.normal(0, 0.008, images.size) for name, area in areas.items()}
    order = sorted(areas, key=lambda name: -areas[name])
    ranks = (-np.array([draws[name] for name in order])).argsort(axis=0).argsort(axis=0) + 1
    mean = np.mean([draws[name] for name in order], axis=0)
    strategies = [
        _result(name, place, areas, draws[name], draws[name] / mean - 1, ranks[place], by_strategy[name])
        for place, name in enumerate(order)
    ]
    pairs = tuple(
        Pair(a=a, b=b, difference=_estimate(areas[a] - areas[b], draws[a] - draws[b]), p=0.01, p_holm=0.03)
        for place, a in enumerate(order)
        for b in order[place + 1 :]
    )
    return Ranking(
        setting=setting,
        strategies=tuple(strategies),
        pairs=pairs,
        leaders=tuple(order[:2]),
        best=order[0] if len(order) == 1 else None,
        images_only=False,
        draws=draws,
    )


def _result(
    name: str,
    place: int,
    areas: dict[str, float],
    draws: NDArray[np.float64],
    above: NDArray[np.float64],
    ranks: NDArray[np.intp],
    runs: Sequence[ComparedRun],
) -> StrategyResult:
    peaks = [run.point(run.peak) for run in runs]
    return StrategyResult(
        strategy=name,
        method=name,
        seeds=tuple(sorted({run.seed for run in runs})),
        area=_estimate(areas[name], draws),
        rank=place + 1,
        ranks=(int(np.quantile(ranks, 0.025)), int(np.quantile(ranks, 0.975))),
        first=float((ranks == 1).mean()),
        above_mean=_estimate(areas[name] / fmean(areas.values()) - 1, above),
        trapezoid=areas[name] + 0.01,
        chosen_on_test=areas[name] + 0.004,
        volume=areas[name] * 0.7,
        peak_step=fmean(run.peak for run in runs),
        peak_clean=fmean(point.clean.rate for point in peaks),
        peak_robust=fmean(point.robust.rate for point in peaks),
        lost=fmean(run.point(run.peak).robust.rate - run.point(run.last).robust.rate for run in runs),
    )


def _estimate(value: float, draws: NDArray[np.float64]) -> Estimate:
    return Estimate(value=value, low=float(np.quantile(draws, 0.025)), high=float(np.quantile(draws, 0.975)))


def _compared(run: ComparedRun) -> ListedRun:
    return ListedRun(
        name=run.name,
        directory=run.directory,
        state="compared",
        setting=run.setting.name,
        strategy=run.strategy,
        seed=run.seed,
        step=run.last,
        steps=run.last,
        last_record="2025-01-31T12:00:00+00:00",
        seconds=60.0,
        versions=("robustft 0.1.0", "torch 2.14.1", "commit abcdef0"),
    )


def _running() -> ListedRun:
    return ListedRun(
        name="digits/glyph_vit/lora/seed-9",
        directory=Path("multirun/made-up/digits/glyph_vit/lora/seed-9"),
        state="running",
        reason="running: its last record is 3 minutes old",
        seed=9,
        step=40,
        steps=1024,
        last_record="2025-01-31T12:00:00+00:00",
        seconds=20.0,
    )
