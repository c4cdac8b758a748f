"""Which strategy, how sure: the areas of all strategies in every setting, and the differences of all pairs."""

from __future__ import annotations

from collections.abc import Sequence

from robustft.report.tables.numbers import interval, p_value, per_cent, share, step, with_interval
from robustft.report.tables.table import UNKNOWN, Table
from robustft.study.comparison.comparison import Comparison, Pair, Ranking, StrategyResult

AREA_COLUMNS = (
    "setting",
    "strategy",
    "seeds",
    "area",
    "low",
    "high",
    "rank",
    "first",
    "above_mean",
    "trapezoid",
    "chosen_on_test",
    "volume",
    "peak_step",
    "peak_robust",
    "lost",
)
PAIR_COLUMNS = ("setting", "a", "b", "difference", "low", "high", "p", "p_holm")

SHORT_HEADINGS = (
    "strategy",
    "seeds",
    "area",
    "95 % interval",
    "rank",
    "first in",
    "above mean",
    "peak",
    "step",
    "lost",
)
"""Of the table in a terminal: all numbers in per cent but seeds, rank and step."""

_AREA_HEADINGS = (
    "setting",
    "strategy",
    "seeds",
    "area (%)",
    "95 % interval",
    "rank",
    "first in (% of draws)",
    "above the mean (%)",
    "trapezoid (%)",
    "chosen on test (%, flatters by)",
    "volume (%)",
    "peak step",
    "peak robust (%)",
    "lost since (points)",
)
_PAIR_HEADINGS = ("setting", "a", "b", "difference (points)", "95 % interval", "p", "p (Holm)")


def area_table(comparison: Comparison) -> Table:
    """A row a setting and strategy, from the highest area; the mean over settings comes first."""
    results = [(ranking, result) for ranking in rankings_of(comparison) for result in ranking.strategies]
    return Table(
        name="area",
        title="Area under the frontier of clean and robust accuracy",
        columns=AREA_COLUMNS,
        rows=tuple(
            (
                ranking.name,
                result.strategy,
                len(result.seeds),
                result.area.value,
                result.area.low,
                result.area.high,
                result.rank,
                result.first,
                result.above_mean.value,
                result.trapezoid,
                result.chosen_on_test,
                result.volume,
                result.peak_step,
                result.peak_robust,
                result.lost,
            )
            for ranking, result in results
        ),
        headings=_AREA_HEADINGS,
        texts=tuple(
            (
                ranking.name,
                *_first_cells(result),
                with_interval(result.above_mean),
                per_cent(result.trapezoid),
                f"{per_cent(result.chosen_on_test)} (+{per_cent(max(0.0, result.chosen_on_test - result.area.value))})",
                per_cent(result.volume),
                step(result.peak_step),
                per_cent(result.peak_robust),
                per_cent(result.lost),
            )
            for ranking, result in results
        ),
        notes=(*_setting_notes(comparison), how_drawn(comparison), *_marks(comparison)),
        blocks=True,
    )


def pairs_table(comparison: Comparison) -> Table:
    """A row a setting and pair: the area of `a` less that of `b`."""
    pairs = [(ranking.name, pair) for ranking in rankings_of(comparison) for pair in ranking.pairs]
    return Table(
        name="pairs",
        title="Differences of areas, of all pairs of strategies",
        columns=PAIR_COLUMNS,
        rows=tuple(
            (
                name,
                pair.a,
                pair.b,
                pair.difference.value,
                pair.difference.low,
                pair.difference.high,
                pair.p,
                pair.p_holm,
            )
            for name, pair in pairs
        ),
        headings=_PAIR_HEADINGS,
        texts=tuple(_pair_texts(name, pair) for name, pair in pairs),
        notes=("Strategies differ at 5 % where p (Holm), which counts all pairs of the setting, is at most 0.05.",)
        if pairs
        else (),
        blocks=True,
    )


def short_rows(ranking: Ranking) -> list[list[str]]:
    """The rows of one setting below SHORT_HEADINGS."""
    return [
        [
            *_first_cells(result),
            per_cent(result.above_mean.value, 0),
            per_cent(result.peak_robust),
            step(result.peak_step),
            per_cent(result.lost),
        ]
        for result in ranking.strategies
    ]


def rankings_of(comparison: Comparison) -> tuple[Ranking, ...]:
    """All rankings; first that over all settings, if there is one."""
    return (*filter(None, [comparison.overall]), *comparison.rankings)


def marked_strategy(result: StrategyResult) -> str:
    """The name, with a mark if seeds are missing that other strategies have."""
    return f"{result.strategy} *" if result.missing_seeds else result.strategy


def interval_of(result: StrategyResult) -> str:
    """The interval of the area, with a mark if it knows images only."""
    text = interval(result.area)
    return f"{text} +" if result.images_only and text != UNKNOWN else text


def rank(result: StrategyResult) -> str:
    """`2`, or with the interval of its ranks where that is more than one: `2 (1 to 3)`."""
    if result.ranks is None or result.ranks == (result.rank, result.rank):
        return str(result.rank)
    return f"{result.rank} ({result.ranks[0]} to {result.ranks[1]})"


def how_drawn(comparison: Comparison) -> str:
    """What the intervals are of."""
    draws = comparison.image_draws * comparison.seed_terms
    return (
        "Mean over seeds; states are chosen on validation and shown with their test numbers. Intervals are 95 % of "
        f"{draws:,} draws of test images and seeds (draws={comparison.image_draws}, seed={comparison.seed})."
    )


def marks_in(rankings: Sequence[Ranking]) -> list[str]:
    """What the marks in these tables mean."""
    results = [result for ranking in rankings for result in ranking.strategies]
    lines = []
    if any(result.missing_seeds for result in results):
        missing = {
            f"{ranking.name}: {result.strategy} lacks {', '.join(map(str, result.missing_seeds))}": None
            for ranking in rankings
            for result in ranking.strategies
            if result.missing_seeds
        }
        lines.append(f"* without seeds that others have ({'; '.join(missing)})")
    if any(result.images_only and result.area.known for result in results):
        lines.append("+ images only: with one seed nothing is known of how much an area changes from seed to seed")
    if any(not result.area.known for result in results):
        lines.append(f"{UNKNOWN} no outcomes: no interval")
    return lines


def setting_line(ranking: Ranking) -> str:
    """What the numbers of a setting hold for."""
    setting = ranking.setting
    if setting is None:
        return "all: the mean over settings, of strategies that are in each; each setting counts the same"
    return (
        f"{setting.name}: {setting.dataset}, {setting.backbone}, {setting.attack}, {setting.norm}, "
        f"eps {setting.eps_255:g}/255, {setting.images:,} test images"
    )


def _first_cells(result: StrategyResult) -> tuple[str, ...]:
    """Strategy, seeds, area, interval, rank, first in."""
    return (
        marked_strategy(result),
        str(len(result.seeds)),
        per_cent(result.area.value),
        interval_of(result),
        rank(result),
        share(result.first),
    )


def _setting_notes(comparison: Comparison) -> tuple[str, ...]:
    return tuple(f"{setting_line(ranking)}." for ranking in rankings_of(comparison))


def _marks(comparison: Comparison) -> tuple[str, ...]:
    return tuple(f"{line}." for line in marks_in(rankings_of(comparison)))


def _pair_texts(name: str, pair: Pair) -> tuple[str, ...]:
    return (
        name,
        pair.a,
        pair.b,
        per_cent(pair.difference.value),
        interval(pair.difference),
        p_value(pair.p),
        p_value(pair.p_holm),
    )
