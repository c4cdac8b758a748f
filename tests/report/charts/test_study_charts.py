from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest

from robustft.report.charts import chart_data as data_module
from robustft.report.charts.chart import Chart
from robustft.report.charts.study_charts import charts, study_marks
from tests.report.charts.conftest import Study, study_of

KINDS = (
    *("area", "frontiers", "frontiers_clean_ood", "frontiers_robust_ood", "curves", "curves_clean", "curves_ood"),
    *("eps", "pairs", "ood", "ood_line", "attacks"),
)


def _parts(part: Any) -> Iterator[dict[str, Any]]:
    """All dictionaries in a spec."""
    if isinstance(part, dict):
        yield part
    for value in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _parts(value)


def test_there_is_a_chart_of_every_kind(study: Study) -> None:
    assert tuple(chart.name for chart in study.charts) == KINDS


def test_only_what_was_measured_is_drawn() -> None:
    plain = study_of(ood=False, further=False, eps=False, strategies=(("full", "full"),), seeds=1)
    assert [chart.name for chart in plain.charts] == ["area", "frontiers", "curves", "curves_clean"]


def test_nothing_is_drawn_without_runs(study: Study) -> None:
    assert charts(replace(study.comparison, runs=(), rankings=()), study.findings) == ()


@pytest.mark.parametrize("kind", KINDS)
def test_every_spec_compiles_without_a_warning(study: Study, kind: str, capfd: pytest.CaptureFixture[str]) -> None:
    svg = study.svg(study.chart(kind))
    assert capfd.readouterr() == ("", "")
    assert "NaN" not in svg
    assert "undefined" not in svg


@pytest.mark.parametrize("kind", KINDS)
def test_a_strategy_has_one_colour_and_one_shape_in_all_charts(study: Study, kind: str) -> None:
    drawn = study_marks(study.comparison)
    for part in _parts(study.chart(kind).spec):
        if part.get("field") == "strategy" and "range" in part.get("scale", {}):
            assert part["scale"]["domain"][: len(drawn)] == list(drawn)
            assert part["scale"]["range"][: len(drawn)] in (
                [mark.color for mark in drawn.values()],
                [mark.path for mark in drawn.values()],
                [list(mark.dash) or [1, 0] for mark in drawn.values()],
            )


def test_there_is_a_panel_for_each_setting(study: Study) -> None:
    settings = [setting.name for setting in study.comparison.settings]
    for chart in study.charts:
        panels = [panel["layer"][0]["encoding"]["text"]["value"] for panel in chart.spec["concat"]]
        if chart.name in ("area", "pairs"):
            assert panels == ["all settings", *settings]
        elif chart.name == "ood_line":
            assert panels == [f"{setting} → corruptions" for setting in settings]
        else:
            assert panels == settings


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "pairs"])
def test_a_strategy_whose_box_is_empty_is_not_drawn(study: Study, kind: str) -> None:
    chart = _without_legend(study.chart(kind))
    color = study_marks(study.comparison)["lora"].color
    assert color in study.svg(chart)
    hidden = study.svg(chart, shown=["lora rank=4", "full"])
    assert color not in hidden
    assert study_marks(study.comparison)["lora rank=4"].color in hidden


def test_a_pair_is_drawn_if_both_its_strategies_are(study: Study) -> None:
    chart = study.chart("pairs")
    assert study.svg(chart).count("mark-symbol role-mark") > 0
    one = study.svg(chart, shown=["lora", "full"])
    assert "lora rank=4" not in one
    assert "full" in one


@pytest.mark.parametrize("kind", ["frontiers", "curves", "area", "ood_line"])
def test_a_kept_run_stands_out(study: Study, kind: str) -> None:
    chart, run = study.chart(kind), study.comparison.runs[0].name
    assert study.svg(chart, kept=run) != study.svg(chart)


def test_every_chart_has_a_sentence_with_numbers_and_a_table(study: Study) -> None:
    for chart in study.charts:
        assert chart.sentence.endswith(".")
        assert re.search(r"\d", chart.sentence)
        assert chart.rows
        assert all(len(row) == len(chart.columns) for row in chart.rows)


def test_the_sentence_of_the_areas_names_first_and_last_with_their_intervals(study: Study) -> None:
    ranking = study.comparison.rankings[0]
    sentence = study.chart("area").sentence
    first, last = ranking.strategies[0], ranking.strategies[-1]
    for result in (first, last):
        assert f"{result.area.value:.3f} ({result.area.low:.3f} to {result.area.high:.3f})" in sentence


def test_of_very_many_states_only_chosen_ones_are_drawn_and_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_module, "MOST_POINTS", 10)
    many = study_of(seeds=2, strategies=(("full", "full"), ("lora", "lora")))
    steps = {(run.name, step) for run in many.comparison.runs for step in {*run.selected, run.peak}}
    points = many.data["points"].columns
    assert set(zip(points["run"], points["step"], strict=True)) == steps
    for chart in many.charts:
        says_so = "only those chosen on validation" in chart.sentence
        assert says_so == bool({"points", "shifts"} & set(chart.data))
        assert says_so == ("only those chosen on validation" in " ".join(chart.spec["title"]["subtitle"]))
        many.svg(chart)


def test_more_pairs_than_fit_are_those_of_the_first_strategy() -> None:
    names = tuple((f"method_{number}", f"method_{number}") for number in range(11))
    many = study_of(strategies=names, seeds=1, ood=False, eps=False, further=False)
    chart, first = many.chart("pairs"), many.comparison.rankings[0].strategies[0].strategy
    assert len(chart.rows) == 55
    labels = re.findall(r">([^<>]+ \N{MINUS SIGN} [^<>]+)</text>", many.svg(chart))
    assert len(labels) == 10
    assert all(first in label.split(" \N{MINUS SIGN} ") for label in labels)


def _without_legend(chart: Chart) -> Chart:
    spec = deepcopy(chart.spec)
    for part in _parts(spec):
        if part.get("field") == "strategy" and "legend" in part:
            part["legend"] = None
    return replace(chart, spec=spec)
