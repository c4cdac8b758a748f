"""Plain-text table of accuracy by eps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from robustft.report.tradeoff_table import flush_right, per_cent
from robustft.study.eps_curve import EpsCurve


def eps_table(curves: Sequence[EpsCurve], marks: Mapping[int, str]) -> str:
    """A block per attack with a line per state; a dash where a state was not measured at a size.

    marks: step -> label at the end of its line, such as `best`.
    """
    blocks = []
    for attack, of_attack in groupby(curves, key=lambda curve: curve.attack):
        group = list(of_attack)
        sizes = sorted({size for curve in group for size in curve.counts})
        rows = [
            [str(curve.step), *(per_cent(curve.counts.get(size)) for size in sizes), marks.get(curve.step, "")]
            for curve in group
        ]
        headings = ["step", *(f"{size:g}" for size in sizes)]
        blocks.append(
            "\n".join(
                [f"{attack} ({group[0].norm}), test accuracy in % by eps_255", "", *flush_right([headings], rows)]
            )
        )
    return "\n\n".join(blocks)
