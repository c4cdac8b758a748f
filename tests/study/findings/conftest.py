from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from robustft.study.comparison.compared_run import ComparedRun
from robustft.study.comparison.comparison import Comparison, Ranking, StrategyResult
from robustft.study.comparison.setting import Setting
from robustft.study.findings.setting_runs import SettingRuns, by_setting
from robustft.study.frontier import frontier_steps
from robustft.study.tradeoff import Count, TradeoffPoint, best_step
from robustft.study.uncertainty.estimate import Estimate

DIGITS = Setting(
    key="0" * 16,
    name="digits",
    dataset="digits",
    backbone="glyph_vit",
    norm="linf",
    eps_255=8,
    attack="PGD-15",
    images=100,
)


@pytest.fixture
def digits() -> Setting:
    """A setting; `replace` makes others of it."""
    return DIGITS


@pytest.fixture
def make_point() -> Callable[..., TradeoffPoint]:
    """A state from counts out of 100, or `Count`s: clean, robust, validation (the same unless given), OOD."""

    def make(
        step: int,
        clean: int | Count,
        robust: int | Count,
        *,
        validation: tuple[int | Count, int | Count] | None = None,
        ood: Mapping[str, int | Count] | None = None,
    ) -> TradeoffPoint:
        chosen = (clean, robust) if validation is None else validation
        return TradeoffPoint(
            step=step,
            epoch=step / 10,
            clean=per_cent(clean),
            robust=per_cent(robust),
            validation_clean=per_cent(chosen[0]),
            validation_robust=per_cent(chosen[1]),
            ood={name: per_cent(count) for name, count in (ood or {}).items()},
            attack="pgd",
            norm="linf",
            eps=8 / 255,
        )

    return make


@pytest.fixture
def make_run() -> Callable[..., ComparedRun]:
    """A run of these states; all of them are on disk unless `states` says otherwise."""

    def make(strategy: str, seed: int, *points: TradeoffPoint, **changes: Any) -> ComparedRun:
        fields: dict[str, Any] = {
            "name": f"{strategy}/seed-{seed}",
            "directory": Path("multirun/a") / strategy / f"seed-{seed}",
            "run_id": f"{strategy}{seed}",
            "setting": DIGITS,
            "strategy": strategy,
            "method": strategy.partition(" ")[0],
            "seed": seed,
            "points": points,
            "selected": tuple(frontier_steps(points)),
            "best": best_step(points),
            "peak": points[0].step,
            "last": points[-1].step,
            "states": frozenset(point.step for point in points),
        }
        return ComparedRun(**(fields | changes))

    return make


@pytest.fixture
def make_comparison() -> Callable[..., Comparison]:
    """Runs beside each other; `areas`: strategy -> its area, 0.5 for the rest; settings in the order of the runs."""

    def make(*runs: ComparedRun, areas: Mapping[str, float] | None = None, **of_rankings: Any) -> Comparison:
        settings = {run.setting.key: run.setting for run in runs}
        rankings = [ranking(setting, runs, areas or {}, **of_rankings) for setting in settings.values()]
        return Comparison(
            title="a",
            roots=(Path("multirun/a"),),
            runs=runs,
            listed=(),
            rankings=tuple(rankings),
            overall=None,
            warnings=(),
            image_draws=2000,
            seed_terms=10,
            seed=0,
        )

    return make


@pytest.fixture
def make_settings(make_comparison: Callable[..., Comparison]) -> Callable[..., tuple[SettingRuns, ...]]:
    """The same, setting by setting."""
    return lambda *runs, **changes: by_setting(make_comparison(*runs, **changes))


def per_cent(count: int | Count) -> Count:
    return count if isinstance(count, Count) else Count(correct=count, total=100)


def ranking(setting: Setting, runs: Sequence[ComparedRun], areas: Mapping[str, float], **of_ranking: Any) -> Ranking:
    methods = {run.strategy: run.method for run in runs if run.setting == setting}
    order = sorted(methods, key=lambda strategy: -areas.get(strategy, 0.5))
    fields = {"pairs": (), "leaders": (), "best": None, "images_only": False}
    results = tuple(
        result(strategy, methods[strategy], areas.get(strategy, 0.5), rank)
        for rank, strategy in enumerate(order, start=1)
    )
    return Ranking(setting=setting, strategies=results, **(fields | of_ranking))


def result(strategy: str, method: str, area: float, rank: int) -> StrategyResult:
    return StrategyResult(
        strategy=strategy,
        method=method,
        seeds=(0,),
        area=Estimate(value=area),
        rank=rank,
        ranks=None,
        first=None,
        above_mean=Estimate(value=0.0),
        trapezoid=area,
        chosen_on_test=area,
        volume=None,
        peak_step=0,
        peak_clean=0.5,
        peak_robust=0.5,
        lost=0.0,
    )
