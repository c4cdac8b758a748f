"""The report of a study in W&B: offline read back, online at a server of the tests' own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from robustft.study.comparison.comparison import Comparison, Ranking, StrategyResult
from robustft.study.comparison.setting import Setting
from robustft.study.uncertainty.estimate import Estimate
from robustft.training.patience import Failed, Patience
from robustft.training.trackers.wandb_report import mirror_report, report_id
from robustft.training.trackers.wandb_sync import segments_of, send
from robustft.training.trackers.wandb_tracker import Tracker
from tests.training.trackers.wandb_server import wandb_server


@dataclass(frozen=True)
class Table:
    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple, ...]


TABLES = [
    Table("area", ("strategy", "seeds", "area"), (("lora", 3, 0.5), ("=1+1", 1, None))),
    Table("runs", ("run", "mixed"), (("a", 1), ("b", "x"), ("c", None))),
    Table("pairs", ("a", "b"), ()),
]


def comparison(title: str = "lab") -> Comparison:
    setting = Setting(
        key="0" * 16, name="digits", dataset="digits", backbone="v", norm="linf", eps_255=8, attack="PGD", images=9
    )
    lora = StrategyResult(
        strategy="lora",
        method="lora",
        seeds=(0,),
        area=Estimate(value=0.5, low=0.25, high=0.75),
        rank=1,
        ranks=(1, 1),
        first=1.0,
        above_mean=Estimate(value=0.0),
        trapezoid=0.5,
        chosen_on_test=0.5,
        volume=None,
        peak_step=1,
        peak_clean=0.5,
        peak_robust=0.5,
        lost=0.0,
    )
    ranking = Ranking(setting=setting, strategies=(lora,), pairs=(), leaders=("lora",), best=None, images_only=True)
    return Comparison(
        title=title,
        roots=(Path("multirun") / title,),
        runs=(),
        listed=(),
        rankings=(ranking,),
        overall=None,
        warnings=(),
        image_draws=2000,
        seed_terms=10,
        seed=0,
    )


@pytest.fixture
def directory(tmp_path) -> Path:
    (tmp_path / "figures").mkdir()
    Image.new("RGB", (4, 3)).save(tmp_path / "figures/frontiers.png")
    (tmp_path / "index.html").write_text("<!doctype html><p>the page</p>")
    return tmp_path


@pytest.fixture
def server(monkeypatch):
    with wandb_server() as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


def is_whole(server) -> None:
    """One run, of type report, with tables, figures and page."""
    name = report_id(comparison())
    assert list(server.runs) == [name]
    run = server.runs[name]
    assert (run["groupName"], run["jobType"], run["tags"]) == ("lab", "report", ["digits"])
    summary = server.summary(name)
    assert (summary["digits/lora/area"], summary["digits/lora/area/low"], summary["digits/best"]) == (
        0.5,
        0.25,
        "not known",
    )
    assert {"tables/area", "tables/runs", "tables/pairs", "figures/frontiers", "report/page"} <= summary.keys()
    assert b"the page" in server.files[f"{name}/{summary['report/page']['path']}"]
    assert summary["figures/frontiers"]["width"] == 4


def test_online_it_is_one_run_and_one_workspace_whenever_it_is_made_again(directory, server):
    tracker = Tracker(mode="online")
    places = [mirror_report(directory, comparison(), TABLES, tracker=tracker) for _ in range(2)]
    assert places[0] == places[1]
    assert places[0][0] == f"{server.url}/me/robustft/runs/{report_id(comparison())}"
    is_whole(server)
    (view,) = server.views.values()
    assert view["displayName"] == "study lab"
    assert '"value":"lab"' in view["spec"]


def test_offline_it_waits_for_sync(directory, server):
    for _ in range(2):
        assert mirror_report(directory, comparison(), TABLES, tracker=Tracker()) == [str(directory / "wandb")]
    assert server.operations == []
    assert send({directory: segments_of(directory)}).failures == {}
    is_whole(server)


def test_the_id_is_the_studys():
    assert report_id(comparison()) == report_id(comparison())
    assert report_id(comparison()) != report_id(comparison("paper"))


def test_a_server_that_does_not_answer_is_one_failure(directory, monkeypatch):
    with wandb_server(seconds=10.0) as server:
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(Failed, match="no answer in"):
            mirror_report(directory, comparison(), TABLES, tracker=Tracker(mode="online"), patience=Patience(close=0.2))
