"""Calibration: how far the confidence of every strategy's best states can be trusted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean

from robustft.study.comparison.findings import Calibration
from robustft.study.confidence.state_confidence import StateConfidence
from robustft.study.findings.setting_runs import SettingRuns


def calibrations(settings: Sequence[SettingRuns]) -> tuple[Calibration, ...]:
    """One for every setting, strategy and condition, in the order of these; none for runs without predictions."""
    return tuple(
        _mean(one.name, strategy, [each for each in of_strategy if each.condition == condition])
        for one in settings
        for strategy, runs in one.by_strategy.items()
        if (of_strategy := [each for run in runs for each in run.confidence])
        for condition in dict.fromkeys(each.condition for each in of_strategy)
    )


def _mean(setting: str, strategy: str, seeds: Sequence[StateConfidence]) -> Calibration:
    return Calibration(
        setting=setting,
        strategy=strategy,
        condition=seeds[0].condition,
        seeds=len(seeds),
        confidence=fmean(each.confidence for each in seeds),
        ece=_of_known(each.ece for each in seeds),
        auroc=_of_known(each.auroc for each in seeds),
        fpr95=_of_known(each.fpr95 for each in seeds),
    )


def _of_known(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fmean(known) if known else None
