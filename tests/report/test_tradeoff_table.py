from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from robustft.report.tradeoff_table import COLUMNS_OF_A_TERMINAL, points_table
from robustft.study.tradeoff import Count, TradeoffPoint

MakePoints = Callable[..., list[TradeoffPoint]]


def cells(table: str) -> list[list[str]]:
    """The rows of the points, split at spaces."""
    return [line.split() for line in table.split("\n\n")[1].splitlines()[1:]]


def test_a_table_of_a_run_reads_like_this(make_points: MakePoints) -> None:
    rows = [(0, 0.1, 0.0, 0.1), (10, 0.9, 0.5, 0.6), (40, 0.96, 0.3, 0.7)]

    assert points_table(make_points(rows, "mnist")).splitlines() == [
        "pgd (linf, eps_255=8) on 450 test and 200 validation images; accuracy in %",
        "",
        "step  epoch  clean  robust  ood:mnist  val clean  val robust",
        "   0   0.00   10.0     0.0       10.0       10.0         0.0",
        "  10   0.50   90.0    50.0       60.0       90.0        50.0  frontier",
        "  40   2.00   96.0    30.0       70.0       96.0        30.0  best last frontier",
        "",
        "area under the frontier 0.4680 (states chosen on validation, test numbers), best step 40",
    ]


def test_marks_follow_validation_and_not_test(make_points: MakePoints) -> None:
    points = make_points()
    first, *others = points
    lucky_on_test = replace(first, clean=points[-1].clean, robust=points[-1].clean)

    assert cells(points_table([lucky_on_test, *others]))[0][6:] == []
    assert cells(points_table(points))[-1][6:] == ["best", "last", "frontier"]


def test_points_are_listed_by_step(make_points: MakePoints) -> None:
    points = make_points()

    assert points_table(points[::-1]) == points_table(points)


def test_a_shift_that_was_not_measured_at_a_step_is_a_dash(make_points: MakePoints) -> None:
    points = make_points(((0, 0.1, 0.0, 0.1), (1, 0.2, 0.0, 0.1)), "mnist")
    points[0] = replace(points[0], ood={})

    assert [row[4] for row in cells(points_table(points))] == ["-", "10.0"]


def test_a_further_attack_is_a_column_with_dashes_where_it_was_not_made(make_points: MakePoints) -> None:
    points = make_points(((0, 0.1, 0.0, 0.1), (1, 0.2, 0.1, 0.1), (2, 0.3, 0.1, 0.2)), "mnist")
    further = {"autoattack": {1: Count(correct=9, total=450)}}
    table = points_table(points, further=further)
    assert [row[4] for row in cells(table)] == ["-", "2.0", "-"]
    assert table.split("\n\n")[1].splitlines()[0].split()[3:5] == ["robust", "autoattack"]


def test_warnings_stand_below_the_table(make_points: MakePoints) -> None:
    plain = points_table(make_points())
    assert points_table(make_points(), below=["gate failed: a", "gate failed: b"]).splitlines() == [
        *plain.splitlines(),
        "gate failed: a",
        "gate failed: b",
    ]


@pytest.mark.parametrize("shifts", [(), ("mnist",), ("clipart", "infograph", "painting", "quickdraw", "sketch")])
def test_lines_fit_a_terminal_and_columns_are_flush_right(make_points: MakePoints, shifts: tuple[str, ...]) -> None:
    rows = [(0, 0.1, 0.0, 0.1), (5000, 0.9, 0.5, 0.6), (30000, 1.0, 0.3, 0.7)]

    table = points_table(make_points(rows, *shifts))

    assert max(map(len, table.splitlines())) <= COLUMNS_OF_A_TERMINAL
    *headings, first, second, third = table.split("\n\n")[1].splitlines()
    width = len(first)  # the only row without marks
    assert all(len(heading) == width for heading in headings)
    assert second[:width].endswith("50.0")
    assert third[:width].endswith("30.0")
    for shift in shifts:
        assert shift in headings[-1]
        assert "ood:" in headings[0]


def test_a_run_that_has_only_begun_has_a_table_too(make_points: MakePoints) -> None:
    assert points_table([]) == "no step has been measured completely yet"
    assert len(cells(points_table(make_points()[:1]))) == 1


def test_a_table_needs_neither_matplotlib_nor_torch() -> None:
    heavy = ("matplotlib", "torch", "scipy", "pandas")
    modules = "robustft.report.tradeoff_table, robustft.report.eps_table, robustft.cli.commands.report"
    code = f"import sys, {modules}; print([m for m in {heavy} if m in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
