"""What a table says of strategies whose runs measured different things."""

from __future__ import annotations

from pathlib import Path

import pytest

from robustft.study.comparison.compared_run import ComparedRun
from robustft.study.comparison.rankings import setting_ranking
from robustft.study.comparison.setting import Setting
from robustft.study.tradeoff import Count, TradeoffPoint
from robustft.study.uncertainty.setting_draws import AreaDraws

SETTING = Setting(
    key="0" * 16,
    name="photo",
    dataset="photo",
    backbone="tiny",
    norm="linf",
    eps_255=8,
    attack="PGD-15",
    images=10,
)


def run(strategy: str, **ood: int) -> ComparedRun:
    """A run of one state: clean 0.8, robust 0.5, and OOD accuracies in tenths."""
    clean, robust = Count(correct=8, total=10), Count(correct=5, total=10)
    point = TradeoffPoint(
        step=50,
        epoch=1.0,
        clean=clean,
        robust=robust,
        ood={name: Count(correct=correct, total=10) for name, correct in ood.items()},
        validation_clean=clean,
        validation_robust=robust,
        attack="pgd",
        norm="linf",
        eps=8 / 255,
    )
    return ComparedRun(
        name=f"{strategy}/seed-0",
        directory=Path(strategy),
        run_id=strategy,
        setting=SETTING,
        strategy=strategy,
        method=strategy,
        seed=0,
        points=(point,),
        selected=(50,),
        best=50,
        peak=50,
        last=50,
    )


def volumes(*runs: ComparedRun) -> dict[str, float | None]:
    drawn = AreaDraws(areas={run.strategy: 0.4 for run in runs}, draws={}, images_only=True)
    table = setting_ranking(SETTING, {run.strategy: [run] for run in runs}, drawn)
    return {result.strategy: result.volume for result in table.strategies}


def test_volumes_are_over_the_conditions_that_all_runs_of_a_setting_have() -> None:
    assert volumes(run("full", sketch=2, cartoon=8)) == {"full": pytest.approx(0.8 * 0.5 * 0.5)}
    both = volumes(run("full", sketch=2, cartoon=8), run("lora", sketch=6))
    assert both == {"full": pytest.approx(0.8 * 0.5 * 0.2), "lora": pytest.approx(0.8 * 0.5 * 0.6)}


def test_a_run_without_other_domains_has_no_volume_and_takes_none_from_others() -> None:
    both = volumes(run("full"), run("lora", sketch=6))

    assert both == {"full": None, "lora": pytest.approx(0.8 * 0.5 * 0.6)}
