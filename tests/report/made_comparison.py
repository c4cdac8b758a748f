"""Made-up comparisons of any size for the tests of tables, charts and page: no files, no draws, seconds at most."""

from __future__ import annotations

from pathlib import Path
from statistics import NormalDist

import numpy as np

from robustft.study.comparison.compared_run import ComparedRun, ListedRun
from robustft.study.comparison.comparison import Comparison, Pair, Ranking, StrategyResult
from robustft.study.comparison.findings import (
    AttackOrder,
    Choice,
    Corners,
    EffectiveRobustness,
    Findings,
    FrontierBand,
    OodLine,
)
from robustft.study.comparison.setting import Setting
from robustft.study.eps_curve import EpsCurve
from robustft.study.findings.setting_runs import by_setting
from robustft.study.frontier import frontier_area, frontier_steps, pareto
from robustft.study.tradeoff import Count, TradeoffPoint, best_step
from robustft.study.uncertainty.estimate import Estimate

METHODS = ("bitfit", "compacter", "lora", "adapter", "full", "ia3", "linear_probe")
PAPER = (0, *range(50, 701, 50), 1000, 2000, 3000, 9000, 15000, 21000)
DATASETS = ("cifar10", "cifar100", "caltech256", "cub200", "stanford_dogs")
DOMAINS = ("clipart", "infograph", "painting", "quickdraw", "real", "sketch")


def made_comparison(
    *,
    settings: int = 1,
    strategies: tuple[tuple[str, str], ...] = tuple((method, method) for method in METHODS),
    seeds: int = 3,
    steps: tuple[int, ...] = PAPER,
    images: int = 1000,
    ood: bool = True,
    further: bool = True,
    eps: bool = True,
    names: tuple[str, ...] = (),
) -> Comparison:
    """A comparison of made-up numbers that rise and fall as those of real runs do.

    strategies: (name, method); names: of settings, else the paper's data sets and then DomainNet's domains.
    """
    names = names or (*DATASETS, *(f"domainnet-{domain}" for domain in DOMAINS))
    made = [_setting(names[place], images) for place in range(settings)]
    rng = np.random.default_rng(0)
    runs, rankings = [], []
    for setting in made:
        shifts = _shifts(setting.name) if ood else ()
        level = rng.uniform(0.55, 0.95)
        of_setting = []
        for place, (strategy, method) in enumerate(strategies):
            for seed in range(seeds):
                points = _points(rng, steps, shifts, images, level, strength=1 - 0.09 * place)
                of_setting.append(_run(setting, strategy, method, seed, points, further=further, eps=eps))
        runs += of_setting
        rankings.append(ranking_of(setting, of_setting, spread=0.012 if seeds > 1 else 0.02))
    overall = _overall(rankings) if settings > 1 else None
    listed = [
        ListedRun(
            name=run.name,
            directory=run.directory,
            state="compared",
            setting=run.setting.name,
            strategy=run.strategy,
            seed=run.seed,
            step=run.last,
            steps=run.last,
            seconds=630.0,
            versions=("robustft 0.1.0", "torch 2.6.0", f"commit {'0123abcd' * 5}"),
        )
        for run in runs
    ]
    return Comparison(
        title="made",
        roots=(Path("multirun/made"),),
        runs=tuple(runs),
        listed=tuple(listed),
        rankings=tuple(rankings),
        overall=overall,
        warnings=(),
        image_draws=2000,
        seed_terms=10,
        seed=0,
    )


def made_findings(comparison: Comparison) -> Findings:
    """Findings that fit `comparison`, by the plainest ways to compute them."""
    bands, lines, orders, choices = [], [], [], []
    for each in by_setting(comparison):
        setting, of_setting, order = each.setting, each.runs, list(each.by_strategy)
        shifts = list(of_setting[0].points[0].ood)
        for strategy in order:
            runs = each.by_strategy[strategy]
            for x, y in (
                (("clean", "robust"), ("clean", "ood"), ("robust", "ood")) if shifts else (("clean", "robust"),)
            ):
                bands.append(_band(setting.name, strategy, x, y, runs))
            choices.append(_choice(runs[0], winner=strategy == order[0]))
        for shift in shifts:
            lines.append(_line(setting.name, shift, of_setting, order))
        for attack in of_setting[0].further:
            robust = {}
            for strategy in order:
                runs = each.by_strategy[strategy]
                robust[strategy] = (
                    float(np.mean([run.point(run.best).robust.rate for run in runs])),
                    float(np.mean([run.further[attack][run.best].rate for run in runs])),
                )
            changed = tuple(
                (a, b)
                for place, a in enumerate(order)
                for b in order[place + 1 :]
                if (robust[a][0] - robust[b][0]) * (robust[a][1] - robust[b][1]) < 0
            )
            orders.append(
                AttackOrder(setting=setting.name, main=setting.attack, attack=attack, robust=robust, changed=changed)
            )
    return Findings(
        bands=tuple(bands), lines=tuple(lines), attack_orders=tuple(orders), published=(), choices=tuple(choices)
    )


def ranking_of(setting: Setting, runs: list[ComparedRun], *, spread: float) -> Ranking:
    """A ranking whose intervals are the area -+ 2 `spread`."""
    areas: dict[str, list[float]] = {}
    for run in runs:
        areas.setdefault(run.strategy, []).append(frontier_area(run.points))
    methods = {run.strategy: run.method for run in runs}
    means = {strategy: float(np.mean(values)) for strategy, values in areas.items()}
    return _ranking(
        setting, means, methods, {name: tuple(range(len(values))) for name, values in areas.items()}, spread
    )


def _ranking(
    setting: Setting | None,
    means: dict[str, float],
    methods: dict[str, str],
    seeds: dict[str, tuple[int, ...]],
    spread: float,
) -> Ranking:
    order = sorted(means, key=lambda strategy: -means[strategy])
    middle = float(np.mean(list(means.values())))
    results = tuple(
        StrategyResult(
            strategy=strategy,
            method=methods[strategy],
            seeds=seeds[strategy],
            area=_around(means[strategy], 2 * spread),
            rank=place + 1,
            ranks=(max(1, place), min(len(order), place + 2)),
            first=1.0 if len(order) == 1 else (0.9, 0.1)[place] if place < 2 else 0.0,
            above_mean=_around(means[strategy] / middle - 1, 2 * spread / middle),
            trapezoid=means[strategy] * 1.02,
            chosen_on_test=means[strategy] * 1.03,
            volume=means[strategy] * 0.6,
            peak_step=400.0,
            peak_clean=0.8,
            peak_robust=0.25,
            lost=0.05,
        )
        for place, strategy in enumerate(order)
    )
    pairs = []
    for place, a in enumerate(order):
        for b in order[place + 1 :]:
            difference = means[a] - means[b]
            p = min(1.0, float(np.exp(-((difference / spread) ** 2) / 2)))
            pairs.append(Pair(a=a, b=b, difference=_around(difference, 2 * spread), p=p, p_holm=min(1.0, 3 * p)))
    beaten = {pair.b for pair in pairs if pair.a == order[0] and pair.p_holm is not None and pair.p_holm < 0.05}
    leaders = tuple(strategy for strategy in order if strategy not in beaten)
    return Ranking(
        setting=setting,
        strategies=results,
        pairs=tuple(pairs),
        leaders=leaders,
        best=order[0] if len(leaders) == 1 and len(order) > 1 else None,
        images_only=False,
    )


def _overall(rankings: list[Ranking]) -> Ranking:
    first = rankings[0].strategies
    means = {
        result.strategy: float(
            np.mean([r.area.value for ranking in rankings for r in ranking.strategies if r.strategy == result.strategy])
        )
        for result in first
    }
    methods = {result.strategy: result.method for result in first}
    return _ranking(None, means, methods, {result.strategy: result.seeds for result in first}, 0.006)


def _around(value: float, by: float) -> Estimate:
    return Estimate(value=value, low=value - by, high=value + by)


def _setting(name: str, images: int) -> Setting:
    return Setting(
        key=f"{abs(sum(ord(char) * 31**place for place, char in enumerate(name))) % 16**16:016x}",
        name=name,
        dataset=name,
        backbone="vit_base_in21k",
        norm="linf",
        eps_255=1.0,
        attack="PGD-15",
        images=images,
    )


def _shifts(name: str) -> tuple[str, ...]:
    if name.startswith("domainnet-"):
        return tuple(domain for domain in DOMAINS if domain != name.removeprefix("domainnet-"))
    return ("corruptions",)


def _points(
    rng: np.random.Generator,
    steps: tuple[int, ...],
    shifts: tuple[str, ...],
    images: int,
    level: float,
    strength: float,
) -> list[TradeoffPoint]:
    speed, top = rng.uniform(60, 200) / strength, level * rng.uniform(0.97, 1.0)
    high, fall = 0.45 * strength * rng.uniform(0.9, 1.1), rng.uniform(0.4, 0.7)
    points = []
    for step in steps:
        learnt = 1 - np.exp(-step / speed)
        clean = 0.02 + (top - 0.02) * learnt
        robust = min(clean, high * learnt * (1 - fall * (1 - np.exp(-max(0, step - 400) / 2500))))

        def count(rate: float, total: int) -> Count:
            return Count(correct=int(rng.binomial(total, min(1, max(0, rate)))), total=total)

        points.append(
            TradeoffPoint(
                step=step,
                epoch=step / 350,
                clean=count(clean, images),
                robust=count(robust, images),
                ood={
                    shift: count(clean * (0.75 - 0.09 * place) * (1 - 0.05 * strength * learnt), images)
                    for place, shift in enumerate(shifts)
                },
                validation_clean=count(clean, 500),
                validation_robust=count(robust, 500),
                attack="pgd",
                norm="linf",
                eps=1 / 255,
            )
        )
    return points


def _run(
    setting: Setting, strategy: str, method: str, seed: int, points: list[TradeoffPoint], *, further: bool, eps: bool
) -> ComparedRun:
    best, last = best_step(points), points[-1].step
    peak = max(points, key=lambda point: (point.validation_robust.rate, -point.step)).step
    by_step = {point.step: point for point in points}

    def weaker(point: TradeoffPoint) -> Count:
        share = 0.9 - 0.03 * (len(strategy) % 5)
        return Count(correct=int(point.robust.correct * share), total=point.robust.total)

    def curve(step: int) -> EpsCurve:
        clean, robust = by_step[step].clean, by_step[step].robust
        ratio = max(robust.correct, 1) / max(clean.correct, 1)
        counts = {
            size: Count(correct=int(clean.correct * ratio**size), total=clean.total) for size in (0.0, 0.5, 2.0, 4.0)
        }
        return EpsCurve(
            step=step, attack="pgd", norm="linf", settings=None, counts=dict(sorted({**counts, 1.0: robust}.items()))
        )

    return ComparedRun(
        name=f"{setting.name}/vit_base_in21k/{strategy}/seed-{seed}",
        directory=Path(f"multirun/made/{setting.name}/vit_base_in21k/{strategy}/seed-{seed}"),
        run_id=f"{setting.key}-{strategy}-{seed}",
        setting=setting,
        strategy=strategy,
        method=method,
        seed=seed,
        points=tuple(points),
        selected=tuple(frontier_steps(points)),
        best=best,
        peak=peak,
        last=last,
        states=frozenset(by_step),
        further={"AutoAttack": {step: weaker(by_step[step]) for step in {best, last}}} if further else {},
        eps_curves=tuple(curve(step) for step in dict.fromkeys((best, last))) if eps else (),
        command=f"python -m robustft dataset={setting.name} method={method} seed={seed}",
    )


def _band(setting: str, strategy: str, x: str, y: str, runs: tuple[ComparedRun, ...]) -> FrontierBand:
    def rate(point: TradeoffPoint, what: str) -> float:
        if what == "ood":
            return float(np.mean([count.rate for count in point.ood.values()]))
        return float(getattr(point, what).rate)

    seeds = [[(rate(run.point(step), x), rate(run.point(step), y)) for step in run.selected] for run in runs]

    def surface(most: int) -> Corners:
        """What at least `most` seeds attain."""
        places = sorted({place for states in seeds for place, _ in states})
        heights = [
            sorted((max((b for a, b in states if a >= place), default=0.0) for states in seeds), reverse=True)[most - 1]
            for place in places
        ]
        return tuple((places[corner], heights[corner]) for corner in pareto(places, heights) if heights[corner] > 0)

    return FrontierBand(
        setting=setting,
        strategy=strategy,
        x=x,
        y=y,
        median=surface((len(seeds) + 1) // 2),
        all_seeds=surface(len(seeds)),
        any_seed=surface(1),
    )


def _line(setting: str, shift: str, runs: tuple[ComparedRun, ...], order: list[str]) -> OodLine:
    def probit(count: Count) -> float:
        return NormalDist().inv_cdf((count.correct + 0.5) / (count.total + 1))

    points = [point for run in runs for point in run.points if point.step > 0]
    x, y = [probit(point.clean) for point in points], [probit(point.ood[shift]) for point in points]
    slope, intercept = np.polyfit(x, y, 1)
    return OodLine(
        setting=setting,
        shift=shift,
        states=len(points),
        slope=float(slope),
        intercept=float(intercept),
        r2=float(np.corrcoef(x, y)[0, 1] ** 2),
        strategies=tuple(
            EffectiveRobustness(strategy=strategy, ood=0.5, expected=0.48, effective=0.02) for strategy in order
        ),
    )


def _choice(run: ComparedRun, *, winner: bool) -> Choice:
    point = run.point(run.best)
    return Choice(
        setting=run.setting.name,
        strategy=run.strategy,
        run=run.name,
        seed=run.seed,
        step=point.step,
        validation_clean=point.validation_clean,
        validation_robust=point.validation_robust,
        clean=point.clean,
        robust=point.robust,
        among=len(run.points),
        holds="open",
        short_by=None,
        winner=winner,
        command=f"python -m robustft export run={run.directory} state={point.step} output=exported",
    )
