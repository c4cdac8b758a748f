from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from robustft.report.tradeoff_rows import point_rows
from robustft.study.tradeoff import TradeoffPoint

MakePoints = Callable[..., list[TradeoffPoint]]


def test_a_shift_that_some_steps_lack_has_a_column_and_gaps(make_points: MakePoints) -> None:
    points = make_points(((0, 0.1, 0.0, 0.1), (1, 0.2, 0.0, 0.1)), "mnist", "stl10")
    points[0] = replace(points[0], ood={"mnist": points[0].ood["mnist"]})
    columns, rows = point_rows(points)
    assert columns[4:6] == ["ood:mnist", "ood:stl10"]
    assert [row[4:6] for row in rows] == [[0.1, None], [0.1, 0.1]]
