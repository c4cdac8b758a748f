from __future__ import annotations

import json
from dataclasses import replace
from statistics import NormalDist

import pytest

from robustft.report.charts.chart import Dataset, dataset
from robustft.report.charts.chart_data import chart_data
from robustft.report.charts.surface import heights
from robustft.study.comparison.findings import FrontierBand
from tests.report.charts.conftest import Study
from tests.report.made_comparison import made_comparison, made_findings


def test_columns_unpack_to_the_rows_they_were_packed_from() -> None:
    rows = [["a", 1, None], ["b", 2, 0.5], ["a", 3, 0.25]]
    packed = json.loads(json.dumps(dataset(("run", "step", "rate"), rows).packed()))
    run = [packed["run"]["levels"][code] for code in packed["run"]["codes"]]
    assert [list(row) for row in zip(run, packed["step"], packed["rate"], strict=True)] == rows


def test_a_row_without_a_value_for_a_column_is_refused() -> None:
    with pytest.raises(ValueError, match="each of"):
        dataset(("run", "step"), [["a"]])


def test_every_state_is_there_once_with_its_numbers(study: Study) -> None:
    rows = study.data["points"].rows()
    assert len(rows) == sum(len(run.points) for run in study.comparison.runs)
    for run in study.comparison.runs:
        of_run = {row["step"]: row for row in rows if row["run"] == run.name}
        for point in run.points:
            assert of_run[point.step]["clean"] == round(point.clean.rate, 4)
            assert of_run[point.step]["robust"] == round(point.robust.rate, 4)
            assert of_run[point.step]["chosen"] == (point.step in run.selected)
        assert "peak" in str(of_run[run.peak]["state"])


def test_means_are_over_the_steps_that_all_seeds_have(study: Study) -> None:
    first, *others = study.comparison.runs
    shorter = replace(first, points=first.points[:-1], best=first.points[0].step, last=first.points[-2].step)
    comparison = replace(study.comparison, runs=(shorter, *others))
    rows = chart_data(comparison, study.findings)["steps"].rows()
    of_first = [row for row in rows if (row["panel"], row["strategy"]) == (first.setting.name, first.strategy)]
    assert [row["step"] for row in of_first] == [point.step for point in shorter.points]
    partner = next(run for run in others if (run.setting, run.strategy) == (first.setting, first.strategy))
    expected = (shorter.points[1].clean.rate + partner.points[1].clean.rate) / 2
    assert of_first[1]["clean"] == pytest.approx(expected, abs=1e-4)


def test_lines_reach_from_the_lowest_to_the_highest_clean_accuracy(study: Study) -> None:
    line = study.findings.lines[0]
    panel = f"{line.setting} → {line.shift}"
    ends = [row for row in study.data["lines"].rows() if row["panel"] == panel]
    states = [
        point.clean
        for run in study.comparison.runs
        if run.setting.name == line.setting
        for point in run.points
        if point.step > 0
    ]
    places = [NormalDist().inv_cdf((count.correct + 0.5) / (count.total + 1)) for count in states]
    assert line.slope is not None
    assert line.intercept is not None
    for end, place in zip(ends, (min(places), max(places)), strict=True):
        assert end["x"] == pytest.approx(place, abs=1e-4)
        assert end["y"] == pytest.approx(line.intercept + line.slope * place, abs=1e-3)


def test_surfaces_hold_to_the_left_of_their_corners_and_the_median_ends_at_its_last() -> None:
    band = FrontierBand(
        setting="digits",
        strategy="lora",
        x="clean",
        y="robust",
        median=((0.5, 0.4), (0.7, 0.3)),
        all_seeds=((0.4, 0.2),),
        any_seed=((0.6, 0.5), (0.8, 0.1)),
    )
    assert heights(band) == [
        (0.0, 0.4, 0.2, 0.5),
        (0.4, 0.4, 0.2, 0.5),
        (0.5, 0.4, 0.0, 0.5),
        (0.6, 0.3, 0.0, 0.5),
        (0.7, 0.3, 0.0, 0.1),
        (0.7, 0.0, 0.0, 0.1),
        (0.8, None, 0.0, 0.1),
        (0.8, None, 0.0, 0.0),
    ]


def test_the_states_of_231_runs_take_less_than_the_page_has_for_them() -> None:
    comparison = made_comparison(settings=11)
    data = chart_data(comparison, made_findings(comparison))
    sizes = {name: len(json.dumps(rows.packed(), separators=(",", ":"))) for name, rows in data.items()}
    assert len(data["points"]) == 4851
    assert sum(sizes.values()) < 1_300_000


def test_texts_are_renamed_and_numbers_are_not() -> None:
    rows = Dataset(columns={"run": ["a", "b"], "step": [0, 1]})
    assert rows.renamed({"a": "A", "b": "B"}).rows() == [{"run": "A", "step": 0}, {"run": "B", "step": 1}]
