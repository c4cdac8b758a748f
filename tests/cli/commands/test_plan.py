"""python -m robustft plan: what it prints, refuses, and how it compares with a run that was made."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hydra.core.global_hydra import GlobalHydra

from robustft.cli.command_line.groups import choices
from robustft.cli.commands import plan as plan_command
from robustft.cli.commands.plan import plan_of, refuse_small_disk
from robustft.cli.plans.composed_runs import composed_runs
from robustft.cli.plans.plan_settings import PlanSettings
from robustft.cli.plans.run_work import run_work
from robustft.cli.runs import run_name
from robustft.cli.user_errors import Mistake
from robustft.planning.cluster import Cluster
from robustft.planning.observations import Observations, observed
from robustft.planning.work import RunWork
from robustft.study.run import Run

TINY = ("trainer.max_steps=2", "suite.max_images=40", "tracker.mode=disabled", "seed=3")
"""A run of seconds; `success=last` makes every attacked image take the whole budget."""
LAST = ("attack.pgd.success=last", "attack.pgd.steps=4")

SETTINGS = PlanSettings(cluster=Cluster(), images_per_second=1000)

OF_THE_PAPER = ("adapter", "bitfit", "compacter", "full", "ia3", "linear_probe", "lora")


def works(*words: str) -> list[RunWork]:
    run_name.register()
    try:
        return [
            run_work(directory, config, SETTINGS, Observations([]))[0]
            for directory, _, config in composed_runs(words, multirun=True)
        ]
    finally:
        GlobalHydra.instance().clear()


def test_the_counts_of_the_lab_are_those_of_its_announcement():
    """1,212 training, 135 validation and 450 test images, 1,000 of MNIST, at 8 steps."""
    (work,) = works("seed=0")
    assert work.steps == (0, 1, 2, 6, 14, 34, 83, 200)
    assert [(one.condition.split, one.condition.name, one.images) for one in work.measurements] == [
        ("validation", "clean", 135),
        ("validation", "pgd", 135),
        ("test", "clean", 450),
        ("test", "pgd", 450),
        ("test", "ood:mnist", 1000),
    ]
    assert (work.measured.expected, work.attacked.expected) == (40, 8 * 585)


@pytest.mark.parametrize(("pretext", "versions"), [("rotation", 4), ("jigsaw", 31)])
def test_a_pretext_counts_every_image_in_every_version_and_holds_whole_images_out(pretext, versions):
    plain, (work,) = works("seed=0")[0], works("seed=0", f"pretext={pretext}")
    assert work.dataset == f"digits-{pretext}"
    assert work.validation_images == versions * 135
    assert [one.images for one in work.measurements] == [versions * one.images for one in plain.measurements]
    assert work.parameters.head == versions * 97


def test_grids_shifts_corruptions_and_later_tiers_are_counted():
    (work,) = works(
        "attack=[pgd,autoattack]",
        "suite.eps_grid_255=[2,4]",
        "suite.corruptions=[fog,snow]",
        "suite.severities=[1,3]",
        "suite.attack_ood=true",
    )
    names = [one.condition.name for one in work.measurements]
    assert names.count("pgd") == 2 * 3  # on both splits, at three sizes
    assert names.count("autoattack") == 3  # the test split's alone
    assert names.count("ood:mnist/pgd") == names.count("ood:mnist/autoattack") == 3
    assert sum(name.startswith(("ood:fog", "ood:snow")) for name in names) == 4
    assert names.count("ood:corruptions") == 1
    later = next(one for one in work.measurements if one.condition.name == "autoattack")
    assert (later.states.low, later.states.high, later.is_strong) == (1, 8, True)


def test_a_run_is_what_its_plan_counted(robustft, tmp_path):
    """Records, their images and, where nothing stops early, the passes; then the plan knows of it."""
    done = robustft(*TINY, *LAST, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (work,) = works(*TINY, *LAST)
    run = Run(tmp_path / work.directory)
    assert len(run.records) == work.measured.expected == work.measured.high
    assert max(record.step for record in run.records) == work.updates
    assert {record.step for record in run.records} == set(work.steps)
    by_condition = {one.condition: one for one in work.measurements}
    assert {record.condition for record in run.records} == set(by_condition)
    clean = {(record.step, record.split): record.correct for record in run.records if record.condition.name == "clean"}
    for record in run.records:
        counted = by_condition[record.condition]
        assert (record.total, counted.budget is None) == (counted.images, False)
        if record.condition.attack is None:
            assert record.forward_passes == counted.images * counted.budget.forward
        else:
            attacked = clean[record.step, record.split]
            assert record.backward_passes == attacked * counted.budget.backward
            assert record.forward_passes == attacked * counted.budget.forward + (attacked > 0)  # and one to begin with
    counts = run.content["parameters"]
    assert counts == {"total": work.parameters.total, "trainable": work.parameters.trainable, "head": 970}
    state = next((run.directory / "states").iterdir()).stat().st_size
    assert work.parameters.state_bytes < state < work.parameters.state_bytes + 10_000
    observations = observed([run])
    rates = observations.rates("digits", "glyph_vit", "bitfit")
    assert rates is not None
    assert 0 < rates.forward < 1
    attack = next(one.condition for one in work.measurements if one.condition.attack)
    known = observations.passes("digits", "glyph_vit", "full", attack)
    assert known is not None
    assert not known.of_method
    assert known.passes.forward <= 5 + 1
    assert observations.parameters("glyph_vit", "bitfit", 20).head == 2 * 970


def test_the_lab_is_21_runs_and_the_paper_231_without_torch_or_data(words):
    code, out, _ = words("plan", "study=lab", "plan.images_per_second=1000", "json=true")
    plan = json.loads(out)
    assert code == 0
    assert (plan["runs"], plan["finished"], plan["evaluated_steps"]) == (21, 0, 168)
    assert sorted(plan["by_method"]) == sorted(OF_THE_PAPER)
    assert plan["measurements"]["expected"] == 21 * 40
    assert plan["images_to_attack"]["expected"] == 21 * 8 * 585
    assert plan["device_hours"]["low"] < plan["device_hours"]["expected"] < plan["device_hours"]["high"]
    assert 0 < plan["forecast"]["expected"]["wall_clock"] < plan["device_hours"]["high"]
    assert not list(Path.cwd().iterdir())  # it started nothing and left nothing


@pytest.mark.parametrize("study", [name for name in choices("study") if name != "default"])
def test_every_study_of_ours_can_be_planned(words, study):
    code, out, err = words(
        "plan", f"study={study}", "seed=0", "method=bitfit", "plan.images_per_second=1000", "json=true"
    )
    assert (code, err) == (0, "")
    plan = json.loads(out)
    assert plan["runs"] >= 1
    assert plan["disk_bytes"]["expected"] > 0


@pytest.mark.parametrize("dataset", [name for name in choices("dataset") if name not in ("folder", "domains", "hub")])
def test_the_size_of_every_named_data_set_is_known_without_it(dataset):
    (work,) = works(f"dataset={dataset}")
    assert min(one.images for one in work.measurements) > 100
    assert len([one for one in work.measurements if one.condition.shift]) == (
        5 if "domainnet" in dataset else dataset == "digits"
    )


def test_the_number_of_runs_is_that_of_the_words(words):
    code, out, _ = words("plan", "-m", "method=lora,full", "seed=0,1", "plan.images_per_second=1000", "json=true")
    assert (code, json.loads(out)["runs"]) == (0, 4)
    code, out, _ = words("plan", "method=lora", "plan.images_per_second=1000", "json=true")
    assert (code, json.loads(out)["runs"]) == (0, 1)


def test_without_rates_the_counts_are_printed_and_hours_unknown(words):
    code, out, _ = words("plan", "method=lora")
    assert code == 0
    assert "hours: unknown: plan.measure=true or plan.images_per_second=N" in out
    assert "4,680" in out


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (("plan.jobs=0",), "plan.jobs must be a whole number of at least 1, got 0"),
        (("plan.images_per_second=-1",), "plan.images_per_second must be a number above 0, got -1"),
        (("plan.images_per_second={glyph_vit:no}",), "plan.images_per_second.glyph_vit must be"),
        (("plan.slice_minutes=0.1", "plan.images_per_second=1000"), "plan.slice_minutes must be longer than start-up"),
        (("dataset=hub", "dataset.hub_id=me/mine"), "plan.train_images=N plan.test_images=N"),
        (("method=nosuch",), "method must be one of"),
        (("trainer.max_steps=0",), "trainer.max_steps must be"),
        (("study=nosuch",), "study must be one of default, lab, paper, released, robust_guide; got nosuch"),
        (("plan.job=3",), "plan.job is no key; did you mean plan.jobs?"),
        (("json=maybe",), "json must be true or false, got 'maybe'"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words, given, line):
    code, out, err = words("plan", *given)
    assert (code, out) == (2, "")
    assert line in err
    assert err.count("\n") == 1


def test_sizes_that_are_given_replace_what_is_not_known(words):
    code, out, _ = words(
        "plan", "dataset=hub", "dataset.hub_id=me/mine", "plan.train_images={mine:1000}", "plan.test_images=200",
        "trainer.max_steps=10", "schedule.points=2", "json=true",
    )  # fmt: skip
    assert code == 0
    assert json.loads(out)["images_to_attack"]["expected"] == 3 * (100 + 200)


def test_what_is_finished_is_done_and_tells_the_rates(words, made_up_run, monkeypatch, tmp_path):
    from tests.cli.made_up_run import WORDS

    (work,) = works(*WORDS)
    target = tmp_path / work.directory
    target.parent.mkdir(parents=True)
    target.symlink_to(made_up_run)
    code, out, _ = words("plan", "-m", "seed=0,1", *WORDS, "json=true")
    plan = json.loads(out)
    assert (code, plan["runs"], plan["finished"]) == (0, 2, 1)
    assert plan["rates"][0].startswith("finished runs of glyph_vit")
    assert plan["device_hours_left"]["expected"] < plan["device_hours"]["expected"]


def test_a_disk_too_small_for_the_study_is_a_mistake_before_anything_is_submitted(monkeypatch):
    run_name.register()
    runs = list(composed_runs(["study=lab", "hydra.sweep.dir=/tmp/nowhere"], multirun=True))
    refuse_small_disk(runs, jobs=4)
    monkeypatch.setattr(plan_command, "free_bytes", lambda directory: 10**6)
    with pytest.raises(Mistake, match=r"^hydra.sweep.dir must be on a disk with .* free for the runs of the study"):
        refuse_small_disk(runs, jobs=4)
    unknown = list(composed_runs(["dataset=hub", "dataset.hub_id=me/mine"], multirun=True))
    refuse_small_disk(unknown, jobs=4)


def test_a_plan_of_python_is_the_same():
    run_name.register()
    try:
        plan = plan_of(composed_runs(["study=lab"], multirun=True), SETTINGS)
    finally:
        GlobalHydra.instance().clear()
    assert (plan.totals.runs, plan.totals.measured.expected) == (21, 840)


def test_rates_can_be_measured_here_without_records(monkeypatch):
    from robustft.cli.plans import measured_rates

    monkeypatch.setattr(measured_rates, "SECONDS", 0.5)
    run_name.register()
    settings = PlanSettings(cluster=Cluster(), measure=True)
    runs = composed_runs(["method=lora", "seed=0,1", "suite.batch_size=8", "trainer.batch_size=8"], multirun=True)
    plan = plan_of(runs, settings)
    first, second = plan.runs
    assert first.cost is not None
    assert first.cost == second.cost
    assert 0 < first.cost.training < first.hours.high * 3600
    assert plan.sources[0].startswith("measured here on")
    assert plan.totals.disk is not None
