"""Plain-text table of the trade-off points of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from robustft.study.frontier import frontier_area, frontier_steps
from robustft.study.tradeoff import Count, TradeoffPoint, best_step

COLUMNS_OF_A_TERMINAL = 100


def points_table(
    points: Sequence[TradeoffPoint],
    *,
    further: Mapping[str, Mapping[int, Count]] | None = None,
    below: Sequence[str] = (),
) -> str:
    """One line per point, accuracies in per cent.

    Marks: `best` has the highest clean validation accuracy (on a tie the highest robust one), `last` is the last step
    measured, `frontier` are the states on the frontier of the validation split.

    further: name -> step -> test counts under further attacks, a column each.
    below: lines below the table, such as gates that failed.
    """
    further = further or {}
    if not points:
        return "no step has been measured completely yet"
    points = sorted(points, key=lambda point: point.step)
    first = points[0]
    shifts = list(dict.fromkeys(shift for point in points for shift in point.ood))
    best, last, frontier = best_step(points), points[-1].step, frontier_steps(points)

    headings = [("", "step"), ("", "epoch"), ("", "clean"), ("", "robust"), *map(_parted, further)]
    headings += [("ood:", shift) for shift in shifts]
    headings += [("val ", "clean"), ("val ", "robust")]
    decimals = min(2, max(0, 4 - len(f"{points[-1].epoch:.0f}")))  # four digits at most
    rows = []
    for point in points:
        counts = [
            point.clean,
            point.robust,
            *(by_step.get(point.step) for by_step in further.values()),
            *map(point.ood.get, shifts),
            point.validation_clean,
            point.validation_robust,
        ]
        marks = [("best", point.step == best), ("last", point.step == last), ("frontier", point.step in frontier)]
        rows.append(
            [
                str(point.step),
                f"{point.epoch:.{decimals}f}",
                *map(per_cent, counts),
                " ".join(mark for mark, applies in marks if applies),
            ]
        )
    lines = [
        f"{first.attack} ({first.norm}, eps_255={first.eps_255:g}) on {first.clean.total} test and "
        f"{first.validation_clean.total} validation images; accuracy in %",
        "",
        *_aligned(headings, rows),
        "",
        f"area under the frontier {frontier_area(points):.4f} (states chosen on validation, test numbers), "
        f"best step {best}",
        *below,
    ]
    return "\n".join(lines)


def _parted(name: str) -> tuple[str, str]:
    """`pgd steps=5` as the two lines of a heading."""
    attack, blank, differs = name.partition(" ")
    return (attack + blank, differs) if blank else ("", name)


def per_cent(count: Count | None) -> str:
    """The rate in per cent; a dash for None.

    >>> per_cent(Count(correct=37, total=90)), per_cent(None)
    ('41.1', '-')
    """
    return "-" if count is None else f"{100 * count.rate:.1f}"


def _aligned(headings: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of right-aligned columns; the marks that end a row are left-aligned.

    The two parts of a heading are on one line, or on two where that would be too wide for a terminal.
    """
    side_by_side = flush_right([[upper + lower for upper, lower in headings]], rows, gap="  ")
    if max(map(len, side_by_side)) <= COLUMNS_OF_A_TERMINAL:
        return side_by_side
    return flush_right([[upper.strip() for upper, _ in headings], [lower for _, lower in headings]], rows, gap=" ")


def flush_right(above: Sequence[Sequence[str]], rows: Sequence[Sequence[str]], gap: str = "  ") -> list[str]:
    """Lines of headings, then of rows, right-aligned but for the last cell of a row."""
    lines = [*([*heading, ""] for heading in above), *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)][:-1]
    return [
        gap.join([*(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True)), marks]).rstrip()
        for *cells, marks in lines
    ]
