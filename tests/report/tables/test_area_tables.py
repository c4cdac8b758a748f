"""The tables of areas and pairs: exactly these columns, every digit for programs, per cent for people."""

from __future__ import annotations

import csv
import io
from dataclasses import replace

from robustft.report.tables.area_tables import area_table, marks_in, pairs_table
from robustft.study.comparison.comparison import StrategyResult
from robustft.study.uncertainty.estimate import Estimate
from tests.report.made_comparison import made_comparison

AREA = (
    "setting,strategy,seeds,area,low,high,rank,first,above_mean,"
    "trapezoid,chosen_on_test,volume,peak_step,peak_robust,lost"
)


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def with_first(comparison, **changes):
    """The same with the first strategy of the first setting changed."""
    first, *others = comparison.rankings[0].strategies
    ranking = replace(comparison.rankings[0], strategies=(replace(first, **changes), *others))
    return replace(comparison, rankings=(ranking, *comparison.rankings[1:]))


def test_the_columns_are_those_of_the_contract():
    comparison = made_comparison()
    assert area_table(comparison).to_csv().splitlines()[0] == AREA
    assert pairs_table(comparison).to_csv().splitlines()[0] == "setting,a,b,difference,low,high,p,p_holm"


def test_programs_get_every_digit_and_rates():
    comparison = with_first(made_comparison(), area=Estimate(value=1 / 3, low=0.1 + 0.2, high=0.35), volume=None)
    row = rows_of(area_table(comparison).to_csv())[0]
    assert (float(row["area"]), float(row["low"])) == (1 / 3, 0.1 + 0.2)
    assert (row["volume"], row["seeds"], row["rank"]) == ("", "3", "1")


def test_people_get_per_cent_with_an_interval():
    comparison = with_first(
        made_comparison(),
        area=Estimate(value=0.4391, low=0.41, high=0.4688),
        above_mean=Estimate(value=0.815, low=0.6, high=1.02),
        ranks=(1, 3),
        first=0.9999,
        lost=-0.0001,
        peak_step=83 + 1 / 3,
    )
    headings, rows = area_table(comparison).shown
    shown = dict(zip(headings, rows[0], strict=True))
    assert (shown["area (%)"], shown["95 % interval"], shown["rank"]) == ("43.9", "41.0 to 46.9", "1 (1 to 3)")
    assert (shown["above the mean (%)"], shown["first in (% of draws)"]) == ("82 (60 to 102)", ">99")
    assert (shown["lost since (points)"], shown["peak step"]) == ("0.0", "83.3")


def test_the_mean_over_settings_comes_first_and_is_called_all():
    comparison = made_comparison(settings=2)
    names = [row["setting"] for row in rows_of(area_table(comparison).to_csv())]
    assert names == ["all"] * 7 + ["cifar10"] * 7 + ["cifar100"] * 7
    assert len(pairs_table(comparison).rows) == 3 * 21
    assert area_table(comparison).to_latex().count(r"\midrule") == 3


def test_what_an_interval_knows_and_which_seeds_are_missing_is_marked():
    plain = made_comparison()
    assert marks_in(plain.rankings) == []
    alone = with_first(plain, images_only=True, missing_seeds=(2,), seeds=(0, 1))
    text = area_table(alone).to_markdown()
    first: StrategyResult = alone.rankings[0].strategies[0]
    assert rf"{first.strategy} \*" in text
    assert f"cifar10: {first.strategy} lacks 2" in text
    assert "images only" in text


def test_without_outcomes_there_is_no_interval_and_it_says_so():
    comparison = with_first(made_comparison(), area=Estimate(value=0.4), first=None, ranks=None)
    table = area_table(comparison)
    assert "no outcomes: no interval" in table.to_markdown()
    assert rows_of(table.to_csv())[0]["low"] == ""
    assert table.shown[1][0][4] == "-"
