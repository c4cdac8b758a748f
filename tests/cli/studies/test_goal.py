"""What a run returns to a sweeper that searches."""

from __future__ import annotations

from pathlib import Path

import pytest
from omegaconf import OmegaConf

from robustft.cli.studies.goal import goal_values
from robustft.cli.user_errors import Mistake
from robustft.report.tradeoff_rows import SUMMARY
from robustft.study.run import Run

SUMMARIES = {name: float(place) for place, name in enumerate(SUMMARY)}


@pytest.mark.parametrize(
    ("goal", "values"),
    [([], None), (["best/clean"], SUMMARIES["best/clean"]), (["area", "last/robust"], (0.0, SUMMARIES["last/robust"]))],
)
def test_it_is_the_values_of_the_summary_in_the_order_of_the_names(goal, values):
    config = OmegaConf.create({"study": {"goal": goal}})
    assert goal_values(config, Run(Path(), {"summary": SUMMARIES})) == values


@pytest.mark.parametrize("goal", ["area", ["speed"], [1], {"area": 1}, None])
def test_any_other_goal_is_a_mistake_that_lists_the_names(goal):
    with pytest.raises(Mistake, match=r"study\.goal must be a list of area, best/step, best/clean"):
        goal_values(OmegaConf.create({"study": {"goal": goal}}), Run(Path(), {"summary": SUMMARIES}))
