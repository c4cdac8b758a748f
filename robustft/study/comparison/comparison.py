"""What a comparison found: strategies by area in every setting and over all, pairs, and who is best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from robustft.study.comparison.compared_run import ComparedRun, ListedRun
from robustft.study.comparison.setting import Setting
from robustft.study.uncertainty.estimate import Estimate

LEVEL = 0.05
"""At which strategies are called different, and of which intervals leave out as much."""


@dataclass(frozen=True, kw_only=True)
class StrategyResult:
    """A strategy in one setting, or in the mean over settings; every number is the mean over its seeds.

    area: under the staircase of the states selected on validation, with their test numbers.
    rank: 1 is the highest area; ranks: the 95 % interval of the ranks of the draws; first: share of draws where it
        is first.
    above_mean: of its area above the mean of all strategies, as a share of that mean: 0.815 is 81.5 %.
    trapezoid, chosen_on_test: the area in two other ways; volume: None without OOD conditions.
    peak_step, peak_clean, peak_robust: the state of highest robust validation accuracy; lost: what is lost of its
        robust test accuracy at the last state.
    images_only: the interval has no term for seeds.
    missing_seeds: seeds that other strategies of the setting have.
    """

    strategy: str
    method: str
    seeds: tuple[int, ...]
    area: Estimate
    rank: int
    ranks: tuple[int, int] | None
    first: float | None
    above_mean: Estimate
    trapezoid: float
    chosen_on_test: float
    volume: float | None
    peak_step: float
    peak_clean: float
    peak_robust: float
    lost: float
    images_only: bool = False
    missing_seeds: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two strategies: the area of `a` less that of `b`, and the p-values, without and with Holm's correction.

    p, p_holm: None where nothing is known of the uncertainty.
    """

    a: str
    b: str
    difference: Estimate
    p: float | None
    p_holm: float | None

    @property
    def differs(self) -> bool:
        """Whether the two are called different: at 5 %, all pairs of the table counted."""
        return self.p_holm is not None and self.p_holm <= LEVEL


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """One table: the strategies of a setting, or of all settings together.

    setting: None: the mean over settings, of strategies that are in each.
    strategies: from the highest area.
    pairs: all, the one with the higher area first.
    leaders: the first strategy and all that it does not beat; best: the first if it beats every other at 5 %.
    images_only: no seed term was possible, and nothing is called best.
    draws: strategy -> (B,) draws of its area; empty where nothing is known.
    """

    setting: Setting | None
    strategies: tuple[StrategyResult, ...]
    pairs: tuple[Pair, ...]
    leaders: tuple[str, ...]
    best: str | None
    images_only: bool
    draws: Mapping[str, NDArray[np.float64]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The setting's name, or `all`."""
        return "all" if self.setting is None else self.setting.name


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything that is known of the runs of one or more studies beside each other.

    title: the names of the studies.
    roots: their directories, as given.
    runs: that are compared; listed: all.
    rankings: one a setting, by its name; overall: over those in `averaged`, None if there is only one.
    warnings: a line each.
    image_draws, seed_terms, seed: how the draws were made.
    """

    title: str
    roots: tuple[Path, ...]
    runs: tuple[ComparedRun, ...]
    listed: tuple[ListedRun, ...]
    rankings: tuple[Ranking, ...]
    overall: Ranking | None
    warnings: tuple[str, ...]
    image_draws: int
    seed_terms: int
    seed: int

    @property
    def averaged(self) -> tuple[Ranking, ...]:
        """The rankings that a mean over settings is of."""
        return averaged(self.rankings)

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The settings, by name."""
        return tuple(ranking.setting for ranking in self.rankings if ranking.setting is not None)


def averaged(rankings: Sequence[Ranking]) -> tuple[Ranking, ...]:
    """Those that a mean over settings is of: not those of self-supervised sets, unless there are no others. What is
    trained first on such a set is compared where it goes on."""
    tasks = tuple(ranking for ranking in rankings if ranking.setting is None or not ranking.setting.is_pretext)
    return tasks or tuple(rankings)
