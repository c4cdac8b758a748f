"""Which state to take, how OOD accuracy follows clean accuracy, and what the paper's table says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from robustft.report.tables.numbers import per_cent, plain, plain_with_interval
from robustft.report.tables.table import UNKNOWN, Cell, Table
from robustft.study.comparison.findings import Choice, Demand, OodLine, PublishedAgreement
from robustft.study.tradeoff import Count

CHOICE_COLUMNS = (
    "setting",
    "strategy",
    "run",
    "seed",
    "step",
    "validation_clean",
    "validation_robust",
    "clean",
    "clean_low",
    "clean_high",
    "robust",
    "robust_low",
    "robust_high",
    "among",
    "holds",
    "short_by",
    "winner",
    "command",
)
LINE_COLUMNS = (
    "setting",
    "shift",
    "states",
    "slope",
    "intercept",
    "r2",
    "strategy",
    "ood",
    "expected",
    "effective",
)
PAPER_COLUMNS = (
    "setting",
    "dataset",
    "strategies",
    "kendall",
    "kendall_low",
    "kendall_high",
    "spearman",
    "spearman_low",
    "spearman_high",
)


OPEN = "open: a 95 % interval contains what is demanded"


def choice_table(choices: Sequence[Choice], demand: Demand) -> Table:
    """A row a setting and strategy: the state that was picked."""
    return Table(
        name="choice",
        title=f"The state to take of each strategy: {demanded(demand)}",
        columns=CHOICE_COLUMNS,
        rows=tuple(_choice_row(choice) for choice in choices),
        headings=(
            "setting",
            "strategy",
            "seed",
            "step",
            "validation: clean (%)",
            "validation: robust (%)",
            "test: clean (%)",
            "test: robust (%)",
            "holds on test",
            "short by (points)",
            "among",
            "winner",
        ),
        texts=tuple(_choice_texts(choice) for choice in choices),
        notes=(
            "Test accuracies with their 95 % Wilson intervals; among: how many states the state was picked among; "
            f"{OPEN}.",
        ),
        blocks=True,
    )


def line_table(lines: Sequence[OodLine]) -> Table:
    """A row a setting, shift and strategy: the line of the shift, and how far above it the strategy is at best."""
    rows = tuple(row for line in lines for row in _line_rows(line))
    return Table(
        name="line",
        title="OOD accuracy by clean accuracy: the line through all states, and effective robustness at best",
        columns=LINE_COLUMNS,
        rows=rows,
        headings=(
            "setting",
            "shift",
            "states",
            "slope",
            "R2",
            "strategy",
            "OOD (%)",
            "by the line (%)",
            "effective robustness (points)",
        ),
        texts=tuple(text for line in lines for text in _line_texts(line)),
        notes=("Least squares on probit scales, over all states after step 0; strategies are means over seeds.",),
        blocks=True,
    )


def paper_table(published: Sequence[PublishedAgreement]) -> Table:
    """A row a setting that the paper has too: whether its order of strategies comes out again."""
    return Table(
        name="paper",
        title='Agreement with the order in "On the Robustness Tradeoff in Fine-Tuning" (arXiv 2503.14836)',
        columns=PAPER_COLUMNS,
        rows=tuple(
            (
                each.setting,
                each.dataset,
                len(each.strategies),
                each.kendall.value,
                each.kendall.low,
                each.kendall.high,
                each.spearman.value,
                each.spearman.low,
                each.spearman.high,
            )
            for each in published
        ),
        headings=("setting", "the paper's", "strategies", "Kendall tau-b", "Spearman rho"),
        texts=tuple(
            (
                each.setting,
                each.dataset,
                str(len(each.strategies)),
                plain_with_interval(each.kendall),
                plain_with_interval(each.spearman),
            )
            for each in published
        ),
        notes=("Rank correlations of areas, with 95 % intervals of the draws: 1 is the same order.",),
    )


def demanded(demand: Demand) -> str:
    """A demand in words.

    >>> demanded(Demand(best="robust"))
    'the highest robust accuracy on validation'
    """
    parts = [
        f"{name} accuracy of at least {per_cent(value)} %"
        for name, value in (("robust", demand.robust_at_least), ("clean", demand.clean_at_least))
        if value is not None
    ]
    if not parts:
        return f"the highest {demand.best} accuracy on validation"
    return f"{' and '.join(parts)} on validation; of what meets it the highest {demand.best} accuracy"


def _choice_texts(choice: Choice) -> tuple[str, ...]:
    return (
        choice.setting,
        choice.strategy,
        str(choice.seed),
        f"{choice.step:,}",
        per_cent(choice.validation_clean.rate),
        per_cent(choice.validation_robust.rate),
        _with_wilson(choice.clean),
        _with_wilson(choice.robust),
        choice.holds,
        per_cent(choice.short_by),
        str(choice.among),
        "yes" if choice.winner else "",
    )


def _with_wilson(count: Count) -> str:
    low, high = count.interval
    return f"{per_cent(count.rate)} ({per_cent(low)} to {per_cent(high)})"


def _choice_row(choice: Choice) -> tuple[Cell, ...]:
    return (
        choice.setting,
        choice.strategy,
        choice.run,
        choice.seed,
        choice.step,
        choice.validation_clean.rate,
        choice.validation_robust.rate,
        choice.clean.rate,
        *choice.clean.interval,
        choice.robust.rate,
        *choice.robust.interval,
        choice.among,
        choice.holds,
        choice.short_by,
        choice.winner,
        choice.command,
    )


def _line_rows(line: OodLine) -> Iterator[tuple[Cell, ...]]:
    first = (line.setting, line.shift, line.states, line.slope, line.intercept, line.r2)
    for each in line.strategies:
        yield (*first, each.strategy, each.ood, each.expected, each.effective)
    if not line.strategies:
        yield (*first, None, None, None, None)


def _line_texts(line: OodLine) -> Iterator[tuple[str, ...]]:
    first = (line.setting, line.shift, f"{line.states:,}", plain(line.slope), plain(line.r2))
    for each in line.strategies:
        yield (*first, each.strategy, per_cent(each.ood), per_cent(each.expected), per_cent(each.effective))
    if not line.strategies:
        yield (*first, UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN)
