"""The answer that a study gives, in two sentences, and what would make it surer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from robustft.study.comparison.comparison import Comparison, Ranking, StrategyResult
from robustft.study.uncertainty.estimate import Estimate
from robustft.study.uncertainty.variance_parts import variance_parts

_EVEN = 0.4, 0.6
"""Between these shares of the variance, seeds and images count about the same."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a report says first.

    sentences: which strategy is best, or which lead; and how sure that is. A third one if something stands in the way.
    surer: whether more seeds or more images would narrow the interval, and by how much; empty if nothing was compared.
    """

    sentences: tuple[str, ...]
    surer: str = ""

    @property
    def text(self) -> str:
        """All of it in a paragraph."""
        return " ".join((*self.sentences, self.surer)).strip()


def answer(comparison: Comparison) -> Answer:
    """The answer in the mean over settings; where settings have no strategy in common, that in each of them.

    Names come from run.json: whoever shows the sentences escapes them.
    """
    tasks = comparison.averaged
    ranking = comparison.overall or (tasks[0] if len(tasks) == 1 else None)
    if ranking is not None and ranking.strategies:
        second = _how_sure(ranking)
        if ranking.setting is None:
            second = f"{second[:-1]}; {_by_setting(ranking.strategies[0].strategy, tasks)}."
        return Answer(sentences=(_which(ranking, comparison), second), surer=_surer(ranking, comparison.seed_terms))
    rankings = [ranking for ranking in tasks if ranking.strategies]
    if not rankings:
        return Answer(sentences=("No finished run can be compared yet.", _listed(comparison)))
    return Answer(
        sentences=(
            f"No strategy is in each of the {len(rankings)} settings, so there is an answer for each of them only.",
            "; ".join(f"{ranking.name}: {_short(ranking)}" for ranking in rankings) + ".",
        ),
        surer="Strategies that run in every setting would be compared over all of them.",
    )


def names(of: Sequence[str]) -> str:
    """Names in a sentence.

    >>> names(["bitfit", "lora", "full"])
    'bitfit, lora and full'
    """
    return f"{', '.join(of[:-1])} and {of[-1]}" if len(of) > 1 else "".join(of)


def with_interval(estimate: Estimate, decimals: int = 3) -> str:
    """A number with its interval, if it has one.

    >>> with_interval(Estimate(value=0.44, low=0.41, high=0.47))
    '0.440 (95 % interval 0.410 to 0.470)'
    """
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:.{decimals}f}"
    return f"{estimate.value:.{decimals}f} (95 % interval {estimate.low:.{decimals}f} to {estimate.high:.{decimals}f})"


def _which(ranking: Ranking, comparison: Comparison) -> str:
    first, others = ranking.strategies[0], len(ranking.strategies) - 1
    area = f"an area of {with_interval(first.area)} under its frontier of clean and robust accuracy"
    place = f"on {ranking.name}" if ranking.setting else f"in the mean over {len(comparison.averaged)} settings"
    if not others:
        return f"{first.strategy} is the only strategy {place}, with {area}."
    if ranking.best is not None:
        beaten = "the other strategy" if others == 1 else f"each of the other {others} strategies"
        return f"{first.strategy} is best {place}: with {area} it beats {beaten} at the 5 % level."
    rivals = [name for name in ranking.leaders if name != first.strategy]
    if ranking.images_only or not rivals:
        return f"{first.strategy} is first {place}, with {area}, but nothing can be called best."
    if len(rivals) == others > 2:
        return f"{first.strategy} is first {place}, with {area}, but beats none of the other {others} at the 5 % level."
    return f"{first.strategy} is first {place}, with {area}, but does not beat {names(rivals)} at the 5 % level."


def _how_sure(ranking: Ranking) -> str:
    first = ranking.strategies[0]
    if first.first is None or first.ranks is None:
        return "How sure that is, is not known: there are no outcomes of single images to draw from."
    noise = "test images" if ranking.images_only else "test images and seeds"
    if len(ranking.strategies) == 1:
        return f"The interval is that of draws of {noise}."
    low, high = first.ranks
    ranks = f"its rank is {low}" if low == high else f"its rank is between {low} and {high}"
    second = f"It comes first in {_per_cent(first.first)} of all draws of {noise}, and {ranks} in 95 % of them"
    if len(ranking.strategies) > 2:
        above = 100 * first.above_mean.value
        second += f"; its area is {above:.0f} % above the mean of the {len(ranking.strategies)} strategies"
    return f"{second}."


def _by_setting(strategy: str, rankings: Sequence[Ranking]) -> str:
    leading = [ranking for ranking in rankings if strategy in ranking.leaders]
    best = [ranking for ranking in leading if ranking.best == strategy]
    return f"it is best in {len(best)} of the {len(rankings)} settings and among the leaders in {len(leading)}"


def _short(ranking: Ranking) -> str:
    if ranking.best is not None:
        return f"{ranking.best} is best"
    return f"{names(ranking.leaders)} lead{'s' if len(ranking.leaders) == 1 else ''}"


def _surer(ranking: Ranking, seed_terms: int) -> str:
    first, rival = _rivals(ranking)
    if ranking.images_only or first.images_only:
        return (
            "More seeds would make it surer: with one seed each, the interval knows the test images only, and how much "
            "a strategy changes from seed to seed is unknown; three seeds are a start."
        )
    draws = ranking.draws.get(first.strategy)
    if draws is None or len(draws) % seed_terms:
        return ""
    what = "its interval"
    if rival is not None and rival.strategy in ranking.draws:
        draws, what = draws - ranking.draws[rival.strategy], f"the interval of its difference to {rival.strategy}"
    parts = variance_parts(draws, seed_terms=seed_terms)
    seeds = "seeds", _per_cent(parts.narrowed(seeds=2))
    images = "images", _per_cent(parts.narrowed(images=2))
    few, many = _EVEN
    more = "Seeds and images count alike"
    if not few <= parts.seeds_share <= many:
        more = f"More {'seeds' if parts.seeds_share > many else 'images'} would make it surer"
    (one, by_one), (other, by_other) = (images, seeds) if parts.seeds_share < few else (seeds, images)
    return f"{more}: twice the {one} would narrow {what} by {by_one}, twice the {other} by {by_other}."


def _rivals(ranking: Ranking) -> tuple[StrategyResult, StrategyResult | None]:
    """The first strategy and the one that its place depends on most: the next one, by area."""
    return ranking.strategies[0], next(iter(ranking.strategies[1:]), None)


def _per_cent(share: float) -> str:
    """A share for a sentence: never 0 % or 100 % of what is only nearly so.

    >>> [_per_cent(share) for share in (0, 0.004, 0.5, 0.9999, 1)]
    ['0 %', 'less than 1 %', '50 %', 'more than 99 %', '100 %']
    """
    if 0 < share < 0.01:
        return "less than 1 %"
    if 0.99 < share < 1:
        return "more than 99 %"
    return f"{100 * share:.0f} %"


def _listed(comparison: Comparison) -> str:
    if not comparison.listed:
        return "There are no runs."
    states = [run.state for run in comparison.listed]
    counts = [f"{states.count(state)} {state}" for state in dict.fromkeys(states)]
    return f"Of {len(states)} run{'s' if len(states) > 1 else ''}, {names(counts)}."
