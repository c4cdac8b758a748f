"""Strategies in order of area, with how sure the order is: intervals, ranks, pairs, leaders, best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from robustft.study.comparison.comparison import LEVEL, Pair
from robustft.study.uncertainty.estimate import Estimate

_QUANTILES = (LEVEL / 2, 1 - LEVEL / 2)

Draws = Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True)
class RankedStrategy:
    """A strategy in a table; the fields are those of `StrategyResult`."""

    strategy: str
    area: Estimate
    rank: int
    ranks: tuple[int, int] | None
    first: float | None
    above_mean: Estimate


@dataclass(frozen=True, kw_only=True)
class RankedStrategies:
    """A table's strategies from the highest area; the fields are those of `Ranking`."""

    strategies: tuple[RankedStrategy, ...]
    pairs: tuple[Pair, ...]
    leaders: tuple[str, ...]
    best: str | None
    images_only: bool


def ranking(areas: Mapping[str, float], draws: Draws, *, images_only: bool) -> RankedStrategies:
    """The strategies of one setting, or of the mean over settings, in order.

    Ranks, shares and what depends on the mean are known only if all strategies have draws.

    areas: strategy -> area.
    draws: strategy -> (B,) draws of it, the i-th of all on the same images.
    images_only: the draws have no term for seeds; then nothing is called best.

    >>> generator = np.random.default_rng(0)
    >>> draws = {"full": generator.normal(0.4, 0.01, 2000), "lora": generator.normal(0.2, 0.01, 2000)}
    >>> ranking({"full": 0.4, "lora": 0.2}, draws, images_only=False).best
    'full'
    """
    order = sorted(areas, key=lambda strategy: (-areas[strategy], strategy))
    if not order:
        return RankedStrategies(strategies=(), pairs=(), leaders=(), best=None, images_only=images_only)
    values = np.array([areas[strategy] for strategy in order], dtype=float)
    shares = _above_mean(values[:, None])[:, 0]
    known = all(strategy in draws for strategy in order)
    together = np.stack([draws[strategy] for strategy in order]) if known else None
    drawn_shares = None if together is None else _above_mean(together)
    ranks, first = ([None] * len(order), [None] * len(order)) if together is None else _ranks(together)
    strategies = tuple(
        RankedStrategy(
            strategy=strategy,
            area=estimate(areas[strategy], draws.get(strategy)),
            rank=1 + int((values > values[row]).sum()),
            ranks=ranks[row],
            first=first[row],
            above_mean=estimate(shares[row], None if drawn_shares is None else drawn_shares[row]),
        )
        for row, strategy in enumerate(order)
    )
    pairs = _holm([_pair(a, b, areas, draws) for a, b in combinations(order, 2)])
    beaten = {pair.b for pair in pairs if pair.a == order[0] and _beats(pair)}
    leaders = tuple(strategy for strategy in order if strategy not in beaten)
    best = order[0] if len(leaders) == 1 < len(order) and not images_only else None
    return RankedStrategies(strategies=strategies, pairs=pairs, leaders=leaders, best=best, images_only=images_only)


def mean_over_settings(settings: Sequence[Draws]) -> dict[str, NDArray[np.float64]]:
    """Draws of the mean over settings, each counting the same, of strategies that have draws in each."""
    shared = [strategy for strategy in settings[0] if all(strategy in draws for draws in settings)] if settings else []
    return {strategy: np.mean([draws[strategy] for draws in settings], axis=0) for strategy in shared}


def estimate(value: float, draws: NDArray[np.float64] | None) -> Estimate:
    """A number with the 2.5 % and 97.5 % quantiles of its draws; without interval if there are none."""
    if draws is None:
        return Estimate(value=float(value))
    low, high = np.quantile(draws, _QUANTILES)
    return Estimate(value=float(value), low=float(low), high=float(high))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p-values corrected for their number, in their order (Holm, 1979).

    >>> holm([0.04, 0.01, 0.03])
    [0.06, 0.03, 0.06]
    """
    corrected, highest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - place) * p_values[index]))
        corrected[index] = highest
    return corrected


def _above_mean(areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """(strategies, B) areas as shares above the mean of all; 0 where that is 0 and so are all."""
    mean = areas.mean(axis=0)
    return np.divide(areas - mean, mean, out=np.zeros_like(areas), where=mean != 0)


def _ranks(draws: NDArray[np.float64]) -> tuple[list[tuple[int, int]], list[float]]:
    """95 % intervals of the ranks in (strategies, B) draws, and the shares in which each is first; a tie shares it."""
    ranks = np.stack([1 + (draws > row).sum(axis=0) for row in draws])
    lead = ranks == 1
    first = (lead / lead.sum(axis=0)).mean(axis=1)
    low, high = np.quantile(ranks, _QUANTILES, axis=1, method="inverted_cdf").astype(int)
    return list(zip(low.tolist(), high.tolist(), strict=True)), first.tolist()


def _pair(a: str, b: str, areas: Mapping[str, float], draws: Draws) -> Pair:
    """Two strategies, not yet corrected for the number of pairs."""
    value = areas[a] - areas[b]
    if a not in draws or b not in draws:
        return Pair(a=a, b=b, difference=Estimate(value=value), p=None, p_holm=None)
    differences = draws[a] - draws[b]
    fewer = min(int((differences <= 0).sum()), int((differences >= 0).sum()))
    p = min(1.0, 2 * (1 + fewer) / (differences.size + 1))
    return Pair(a=a, b=b, difference=estimate(value, differences), p=p, p_holm=None)


def _holm(pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    corrected = iter(holm([pair.p for pair in pairs if pair.p is not None]))
    return tuple(pair if pair.p is None else replace(pair, p_holm=next(corrected)) for pair in pairs)


def _beats(pair: Pair) -> bool:
    """Whether `a`, whose area is higher, is called better: draws that say so of `b` do not count for `a`."""
    above = pair.difference.low is not None and pair.difference.low > 0
    return pair.differs and above
