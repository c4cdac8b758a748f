"""Two-stage recipes compare over seeds, though the state that each seed starts from is another one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from robustft.report.answer import answer
from robustft.study.comparison.compare import compare
from robustft.study.comparison.reading.origin import origin
from robustft.study.run import Run

ADVERSARIAL = {"objective": {"_target_": "robustft.objectives.AdversarialTraining"}}


def from_state(source: Path, seed: int, state: str = "last") -> dict:
    """What a run has that starts from a state of `source`."""
    return {
        "seed": seed,
        "method": "full",
        "settings": {"start": {"fingerprint": f"{source.name}{seed}"}},
        "origins": {"start": origin(Run(source), state, dataset="digits")},
    }


def strategies(root: Path) -> dict[str, int]:
    """Strategy -> number of seeds, on the digits."""
    return Counter(run.strategy for run in compare([root], image_draws=100).runs if run.setting.dataset == "digits")


def test_runs_from_the_states_of_other_seeds_are_seeds_of_one_strategy(make_run, tmp_path):
    for seed in range(3):
        probe = make_run(f"probe/seed-{seed}", method="linear_probe", seed=seed)
        make_run(f"tuned/seed-{seed}", **from_state(probe, seed))
    assert strategies(tmp_path) == {"linear_probe": 3, "full start=linear_probe": 3}


def test_what_tells_starts_apart_is_in_the_name(make_run, tmp_path):
    make_run("plain/seed-0", method="full")
    probe = make_run("probe/seed-0", method="linear_probe", seed=0)
    robust = make_run("robust/seed-0", method="linear_probe", seed=0, settings=ADVERSARIAL, objective="pgd_at")
    pretext = {"dataset": {"_target_": "robustft.data.Digits", "pretext": {"_target_": "robustft.data.Rotation"}}}
    turned = make_run("turned/seed-0", method="full", dataset="digits-rotation", settings=pretext)
    for name, source, state in (
        ("lp-ft", probe, "last"),
        ("roli", robust, "last"),
        ("best", robust, "best"),
        ("pre-trained", turned, "last"),
    ):
        make_run(f"{name}/seed-0", **from_state(source, 0, state))
    assert {name for name in strategies(tmp_path) if name.startswith("full")} == {
        "full",
        "full start=linear_probe",
        "full start=linear_probe+pgd_at",
        "full start=linear_probe+pgd_at@best",
        "full start=full@digits-rotation",
    }


def test_a_set_that_models_are_pre_trained_on_is_not_in_the_mean_over_settings(make_run, tmp_path):
    pretext = {"dataset": {"_target_": "robustft.data.Digits", "pretext": {"_target_": "robustft.data.Rotation"}}}
    make_run("plain/seed-0", method="full")
    make_run("lora/seed-0", method="lora")
    make_run("turned/seed-0", method="full", dataset="digits-rotation", settings=pretext)
    comparison = compare([tmp_path], image_draws=100)
    assert [ranking.name for ranking in comparison.rankings] == ["digits", "digits-rotation"]
    assert comparison.overall is None
    assert not any("settings" in warning for warning in comparison.warnings)
    assert " on digits, " in answer(comparison).sentences[0] or " on digits:" in answer(comparison).sentences[0]


def test_starts_of_the_same_name_that_differ_stay_two_strategies(make_run, tmp_path):
    for steps in (50, 100):
        probe = make_run(f"probe-{steps}/seed-0", method="linear_probe", settings={"trainer": {"max_steps": steps}})
        make_run(f"tuned-{steps}/seed-0", **from_state(probe, 0))
    assert len([name for name in strategies(tmp_path) if name.startswith("full")]) == 2


def test_a_start_that_started_itself_from_another_seeds_state_is_the_same_recipe(make_run, tmp_path):
    origins = []
    for seed in (0, 1):
        first = make_run(f"first/seed-{seed}", method="linear_probe", seed=seed)
        second = make_run(f"second/seed-{seed}", **from_state(first, seed))
        origins.append(origin(Run(second), "last", dataset="digits"))
    assert origins[0]["strategy"] == origins[1]["strategy"]


def test_a_reference_of_another_seed_is_the_same_strategy(make_run, tmp_path):
    for seed in range(2):
        probe = make_run(f"probe/seed-{seed}", method="linear_probe", seed=seed)
        objective = {"_target_": "robustft.objectives.PmgAft", "reference_fingerprint": f"of{seed}"}
        made = {"origins": {"reference": origin(Run(probe), "last", dataset="digits")}, "objective": "pmg_aft"}
        make_run(f"guided/seed-{seed}", method="full", seed=seed, settings={"objective": objective}, **made)
    assert strategies(tmp_path) == {"linear_probe": 2, "full pmg_aft": 2}


def test_a_run_from_before_origins_were_written_is_told_by_its_starts_content(make_run, tmp_path):
    for seed in range(2):
        make_run(f"old/seed-{seed}", method="full", seed=seed, settings={"start": {"fingerprint": f"{seed}" * 8}})
    assert strategies(tmp_path) == {"full fingerprint=000000": 1, "full fingerprint=111111": 1}


@pytest.mark.parametrize(
    ("origins", "name"),
    [
        ({"start": {"name": "x\x1b[2J"}}, "full start=x\\x1b[2J"),
        ({"start": {"strategy": "x"}}, "full"),
        ({"reference": {"strategy": "x", "name": "y"}}, "full"),
        ({"start": {}, "elsewhere": {"name": "x"}}, "full"),
    ],
)
def test_origins_that_somebody_else_wrote_do_no_harm(make_run, tmp_path, origins, name):
    make_run("full/seed-0", method="full", origins=origins)
    assert strategies(tmp_path) == {name: 1}


@pytest.mark.parametrize("origins", [3, {"start": 3}, ["start"]])
def test_origins_that_are_none_are_a_damaged_file(make_run, tmp_path, origins):
    make_run("full/seed-0", method="full", origins=origins)
    (listed,) = compare([tmp_path], image_draws=100).listed
    assert (listed.state, "origins" in (listed.reason or "")) == ("damaged", True)
