"""The paper's areas, and how far the order of strategies agrees with them.

published_areas.csv is the table of areas under the Pareto frontier in "On the Robustness Tradeoff in Fine-Tuning" (ICCV
2025, arXiv 2503.14836): ViT-B/16 of ImageNet-21k, PGD in L-inf with eps 1/255, 3 seeds, two digits. (Its abstract has
Compacter's 57.5 % above the mean for Caltech-256; by the table they are Stanford Dogs'.)
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike, NDArray

from robustft.study.comparison.comparison import Ranking
from robustft.study.comparison.findings import PublishedAgreement
from robustft.study.comparison.setting import Setting
from robustft.study.findings.rank_correlation import kendall_tau_b, spearman_rho
from robustft.study.findings.setting_runs import SettingRuns
from robustft.study.uncertainty.estimate import Estimate

_TABLE = Path(__file__).with_name("published_areas.csv")
_NORM, _EPS_255 = "linf", 1
_BACKBONES = ("vit_base_in21k", "vit_base_patch16_224.orig_in21k")
_QUANTILES = (0.025, 0.975)


@cache
def published_areas() -> Mapping[str, Mapping[str, float]]:
    """Data set -> method -> area, as printed in the paper.

    >>> published_areas()["cifar10"]["bitfit"]
    0.21
    """
    areas: dict[str, dict[str, float]] = {}
    with _TABLE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            method = row.pop("method")
            for dataset, value in row.items():
                areas.setdefault(dataset, {})[method] = float(value)
    return MappingProxyType(areas)


def published_agreements(settings: Sequence[SettingRuns]) -> tuple[PublishedAgreement, ...]:
    """Kendall's tau-b and Spearman's rho with the paper's areas, for every setting on one of its data sets.

    Strategies count that are the paper's by their method: the only one with it, or the one with nothing behind its
    name. A setting with less than two of them, or with areas that are all the same, has no order that could agree.
    """
    agreements = (_agreement(one.ranking, one.setting) for one in settings)
    return tuple(agreement for agreement in agreements if agreement is not None)


def differences_from_the_paper(setting: Setting) -> tuple[str, ...]:
    """What a setting has that is not the paper's: threat model and backbone, `eps_255=8 (in the paper 1)`."""
    found = {"norm": (setting.norm, _NORM), "eps_255": (f"{setting.eps_255:g}", str(_EPS_255))}
    if setting.backbone not in _BACKBONES:
        found["backbone"] = (setting.backbone, _BACKBONES[0])
    return tuple(f"{name}={ours} (in the paper {theirs})" for name, (ours, theirs) in found.items() if ours != theirs)


def _agreement(ranking: Ranking, setting: Setting) -> PublishedAgreement | None:
    published = published_areas().get(setting.dataset, {})
    if not published:
        return None
    alike = Counter(result.method for result in ranking.strategies)
    results = [
        result
        for result in ranking.strategies
        if result.method in published and (result.strategy == result.method or alike[result.method] == 1)
    ]
    reference = [published[result.method] for result in results]
    areas = [result.area.value for result in results]
    if min(len(set(areas)), len(set(reference))) < 2:
        return None
    draws = _draws(ranking, [result.strategy for result in results])
    return PublishedAgreement(
        setting=ranking.name,
        dataset=setting.dataset,
        strategies=tuple(result.strategy for result in results),
        published={result.strategy: published[result.method] for result in results},
        kendall=_estimate(kendall_tau_b, areas, draws, reference),
        spearman=_estimate(spearman_rho, areas, draws, reference),
        differs=differences_from_the_paper(setting),
    )


def _draws(ranking: Ranking, strategies: Sequence[str]) -> NDArray[np.float64] | None:
    """(B, strategies) draws of the areas; None where those of one are unknown."""
    if not ranking.draws.keys() >= set(strategies):
        return None
    return np.stack([ranking.draws[strategy] for strategy in strategies], axis=1)


def _estimate(
    correlation: Callable[[ArrayLike, ArrayLike], NDArray[np.float64]],
    areas: Sequence[float],
    draws: NDArray[np.float64] | None,
    reference: Sequence[float],
) -> Estimate:
    value = float(correlation([areas], reference)[0])
    if draws is None or not len(draws):
        return Estimate(value=value)
    of_draws = np.nan_to_num(correlation(draws, reference), nan=0.0)  # a draw without order agrees with nothing
    low, high = np.quantile(of_draws, _QUANTILES)
    return Estimate(value=value, low=float(low), high=float(high))
