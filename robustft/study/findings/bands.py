"""The frontier of a strategy over its seeds: the median attainment surface, and what all and what any seeds attain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from robustft.study.comparison.compared_run import ComparedRun
from robustft.study.comparison.findings import Corners, FrontierBand
from robustft.study.findings.ood_mean import has_conditions, ood_conditions, ood_mean, selected_points
from robustft.study.findings.setting_runs import SettingRuns

PLANES = (("clean", "robust"), ("clean", "ood"), ("robust", "ood"))
"""(x, y) of the pictures of frontiers."""

_AXES = ("clean", "robust", "ood")
_ANY, _MEDIAN, _ALL = 0, 50, 100  # per cent of the seeds, as moocore has them: 0 is at least one


@dataclass(frozen=True, kw_only=True)
class Surfaces:
    """Staircases that separate what is attained from what is not.

    median: by at least half of the seeds; all_seeds: by each; any_seed: by one or more.
    """

    median: Corners
    all_seeds: Corners
    any_seed: Corners


def frontier_bands(settings: Sequence[SettingRuns]) -> tuple[FrontierBand, ...]:
    """Of every setting and strategy, in each plane that was measured.

    The states are those of the area in all planes: selected on clean and robust validation accuracy, shown with their
    test numbers.
    """
    bands = []
    for one in settings:
        conditions = ood_conditions(one.runs)
        for strategy, runs in one.by_strategy.items():
            bands += _planes(one.name, strategy, [run for run in runs if run.selected], conditions)
    return tuple(bands)


def attainment_surfaces(seeds: Sequence[NDArray[np.float64]]) -> Surfaces:
    """The attainment surfaces of point sets, both coordinates the higher the better (Fonseca and others, 2011).

    seeds: (N, 2) points of each seed, N at least 1.

    >>> attainment_surfaces([np.array([[0.5, 0.4]]), np.array([[0.6, 0.3]])]).all_seeds
    ((0.5, 0.3),)
    """
    import moocore

    points = np.concatenate(seeds)
    of_seed = np.repeat(np.arange(len(seeds)), [len(points) for points in seeds])
    surfaces = moocore.eaf(-points, of_seed, percentiles=[_ANY, _MEDIAN, _ALL])  # it minimises
    return Surfaces(
        median=_corners(surfaces, _MEDIAN), all_seeds=_corners(surfaces, _ALL), any_seed=_corners(surfaces, _ANY)
    )


def _planes(setting: str, strategy: str, runs: Sequence[ComparedRun], conditions: Sequence[str]) -> list[FrontierBand]:
    bands = []
    for x, y in PLANES:
        seeds = runs if "ood" not in (x, y) else [run for run in runs if has_conditions(run, conditions)]
        if seeds:
            axes = [_AXES.index(x), _AXES.index(y)]
            surfaces = attainment_surfaces([_coordinates(run, conditions, axes) for run in seeds])
            bands.append(FrontierBand(setting=setting, strategy=strategy, x=x, y=y, **vars(surfaces)))
    return bands


def _coordinates(run: ComparedRun, conditions: Sequence[str], axes: Sequence[int]) -> NDArray[np.float64]:
    """(N, 2): the test accuracies of the selected states on two of the axes."""
    rates = [
        (point.clean.rate, point.robust.rate, ood_mean(point, conditions) if 2 in axes else 0.0)
        for point in selected_points(run)
    ]
    return np.array(rates)[:, axes]


def _corners(surfaces: NDArray[np.float64], percentile: int) -> Corners:
    """The corners of one surface by rising x, as accuracies again: 0.0 - x, for -x may be a -0."""
    rows = surfaces[surfaces[:, 2] == percentile]
    return tuple(sorted((0.0 - float(x), 0.0 - float(y)) for x, y, _ in rows))
