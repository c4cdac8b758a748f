"""What is compared, with what, and what is said of everything else; areas worked out by hand."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from robustft.study.comparison.compare import compare
from robustft.study.comparison.comparison import Comparison
from robustft.study.findings.setting_runs import by_setting
from robustft.study.study_file import StudyRun, write_study
from tests.study.comparison.conftest import CURVE, record

BETTER = {0: (1, 0, 1, 0), 50: (8, 6, 8, 6), 100: (9, 5, 9, 5)}
"""Area: 0.8 * 0.6 + 0.1 * 0.5 = 0.53."""


def compared(*roots: Path) -> Comparison:
    return compare(roots, image_draws=20, seed_terms=2)


def test_a_strategy_has_the_mean_area_of_its_seeds(make_run, tmp_path) -> None:
    make_run("lora/seed-0")
    make_run("lora/seed-1", seed=1, curve=BETTER)
    make_run("full/seed-0", method="full", curve=BETTER)

    comparison = compared(tmp_path)
    (ranking,) = comparison.rankings
    full, lora = ranking.strategies

    assert (full.strategy, full.rank, lora.strategy, lora.rank) == ("full", 1, "lora", 2)
    assert full.area.value == pytest.approx(0.53)
    assert lora.area.value == pytest.approx((0.34 + 0.53) / 2)
    assert lora.seeds == (0, 1)
    assert lora.above_mean.value == pytest.approx(0.435 / ((0.435 + 0.53) / 2) - 1)
    # 0.8 * 0.4 + 0.1 * (0.4 + 0.2) / 2 = 0.35 and 0.8 * 0.6 + 0.1 * (0.6 + 0.5) / 2 = 0.535
    assert lora.trapezoid == pytest.approx((0.35 + 0.535) / 2)
    assert (lora.peak_step, lora.peak_robust, lora.volume) == (50, pytest.approx(0.5), None)
    assert lora.lost == pytest.approx((0.2 + 0.1) / 2)
    assert ranking.draws["lora"].shape == (40,)
    assert comparison.overall is None


def test_states_are_selected_on_validation_and_shown_with_test_numbers(make_run, tmp_path) -> None:
    """On test images step 100 beats step 50, which validation does not know."""
    make_run("lora/seed-0", curve={50: (8, 4, 5, 2), 100: (7, 3, 9, 9)})

    comparison = compared(tmp_path)
    (run,), (result,) = comparison.runs, comparison.rankings[0].strategies

    assert (run.selected, run.best, run.peak, run.last) == ((50,), 50, 50, 100)
    assert result.area.value == pytest.approx(0.1)
    assert result.chosen_on_test == pytest.approx(0.81)
    assert (result.peak_clean, result.peak_robust, result.lost) == pytest.approx((0.5, 0.2, -0.7))


def test_the_peak_is_the_earliest_of_equal_ones(make_run, tmp_path) -> None:
    make_run("lora/seed-0", curve={50: (5, 4, 5, 4), 60: (8, 4, 8, 3), 100: (9, 2, 9, 2)}, ood=5)

    comparison = compared(tmp_path)
    (run,), (result,) = comparison.runs, comparison.rankings[0].strategies

    assert (run.peak, result.lost) == (50, pytest.approx(0.2))
    assert result.volume == pytest.approx(0.5 * (0.8 * 0.3 + 0.1 * 0.2))


def test_settings_are_never_mixed_and_the_mean_over_them_is_of_strategies_in_each(make_run, tmp_path) -> None:
    make_run("a/lora/seed-0")
    make_run("a/full/seed-0", method="full")
    make_run("b/lora/seed-0", eps_255=4, curve=BETTER)
    make_run("b/ia3/seed-0", method="ia3", eps_255=4)

    comparison = compared(tmp_path)

    assert [setting.name for setting in comparison.settings] == ["digits eps_255=4", "digits eps_255=8"]
    assert [len(setting.runs) for setting in by_setting(comparison)] == [2, 2]
    assert comparison.overall is not None
    (lora,) = comparison.overall.strategies
    assert (lora.strategy, lora.area.value) == ("lora", pytest.approx((0.34 + 0.53) / 2))
    means = [ranking.draws["lora"] for ranking in comparison.rankings]
    np.testing.assert_allclose(comparison.overall.draws["lora"], np.mean(means, axis=0))


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"images": 5, "curve": {50: (8, 4, 4, 2)}}, "digits images=5"),
        (
            {"settings": {"dataset": {"_target_": "robustft.data.Digits", "fingerprint": "ffff0949f92b"}}},
            "digits fingerprint=ffff09",
        ),
        (
            {
                "settings": {
                    "backbone": {"_target_": "robustft.backbones.TimmModel", "name": "vit_tiny", "weights": "eeee705e"}
                }
            },
            "digits weights=eeee70",
        ),
        ({"backbone": "other", "settings": {"backbone": {"name": "other"}}}, "digits other"),
        ({"settings": {"threat_model": {"norm": "l2", "eps_255": 8}}}, None),
    ],
)
def test_what_must_be_equal_to_compare_makes_a_setting(make_run, tmp_path, changes, name) -> None:
    make_run("one/seed-0")
    make_run("two/seed-0", **changes)

    comparison = compared(tmp_path)

    if name is None:  # its records are of another norm
        assert [run.name for run in comparison.runs] == ["one/seed-0"]
        assert comparison.listed[1].state == "finished"
        assert "no step was measured completely, clean and under PGD-15, l2, eps_255=8" in comparison.listed[1].reason
    else:
        assert name in [setting.name for setting in comparison.settings]
        assert len(comparison.settings) == 2


def test_a_later_attack_of_another_size_does_not_change_the_setting(make_run, tmp_path) -> None:
    later = [record(step, "pgd", "test", 1, 10, eps_255=16) for step in CURVE]
    make_run("lora/seed-0", records=later)

    (run,) = compared(tmp_path).runs

    assert run.setting.eps_255 == 8
    assert run.point(50).robust.correct == 4
    assert {curve.step: list(curve.counts) for curve in run.eps_curves} == {100: [0.0, 8.0, 16.0]}


def test_strategies_of_one_method_are_told_by_what_differs_whatever_their_directories_say(make_run, tmp_path) -> None:
    make_run("x", method_settings={"rank": 4, "alpha": 8})
    make_run("y", method_settings={"rank": 8, "alpha": 8})
    make_run("full/seed-1", method="full", seed=1)

    comparison = compared(tmp_path)

    names = {result.strategy for result in comparison.rankings[0].strategies}
    assert names == {"lora rank=4", "lora rank=8", "full"}
    assert {run.method for run in comparison.runs} == {"lora", "full"}


def test_seeds_that_others_have_are_marked_as_missing(make_run, tmp_path) -> None:
    for seed in (0, 1):
        make_run(f"full/seed-{seed}", method="full", seed=seed)
    make_run("lora/seed-0")
    make_run("lora/seed-1", seed=1, status="failed", reason="OutOfMemoryError")

    comparison = compared(tmp_path)

    missing = {result.strategy: result.missing_seeds for result in comparison.rankings[0].strategies}
    assert missing == {"full": (), "lora": (1,)}
    assert "digits: seeds that others have are missing: lora 1" in comparison.warnings


def test_schedules_that_differ_are_warned_of(make_run, tmp_path) -> None:
    make_run("lora/seed-0")
    make_run("full/seed-0", method="full", curve={100: (9, 2, 9, 2)})

    (warning,) = compared(tmp_path).warnings

    assert warning == (
        "digits: schedules differ, and more states reach more area: 3 states up to step 100 (lora); "
        "1 states up to step 100 (full)"
    )


def test_a_run_that_is_in_two_of_the_studies_counts_once(make_run, tmp_path) -> None:
    make_run("study/lora/seed-0")
    make_run("study/lora/seed-1", seed=1, curve=BETTER)
    shutil.copytree(tmp_path / "study", tmp_path / "copy")

    comparison = compared(tmp_path / "study", tmp_path / "copy", tmp_path / "study/lora", tmp_path / "copy/../copy")

    assert len(comparison.runs) == 2
    assert len(comparison.listed) == 4
    assert comparison.rankings[0].strategies[0].seeds == (0, 1)
    again = [listed for listed in comparison.listed if listed.state == "finished"]
    assert {listed.reason for listed in again} == {
        f"the same run as study/lora/seed-{seed}, which is compared" for seed in (0, 1)
    }
    assert len({listed.name for listed in comparison.listed}) == 4


def test_of_two_copies_the_one_with_outcomes_is_compared(make_run, tmp_path) -> None:
    make_run("a/seed-0", outcomes=False)
    make_run("b/seed-0")

    comparison = compared(tmp_path)

    assert [run.name for run in comparison.runs] == ["b/seed-0"]
    assert comparison.rankings[0].strategies[0].area.known


def test_without_outcomes_there_is_no_interval_and_the_run_says_so(make_run, tmp_path) -> None:
    make_run("full/seed-0", method="full", curve=BETTER)
    make_run("lora/seed-0", outcomes=False)

    comparison = compared(tmp_path)
    full, lora = comparison.rankings[0].strategies

    assert full.area.known
    assert (lora.area.value, lora.area.known) == (pytest.approx(0.34), False)
    assert comparison.rankings[0].pairs[0].p is None
    by_name = {listed.name: listed for listed in comparison.listed}
    assert (by_name["lora/seed-0"].state, by_name["lora/seed-0"].reason) == ("compared", "no outcomes: no interval")
    assert by_name["full/seed-0"].reason is None


def test_every_run_that_is_not_compared_is_listed_with_its_reason(make_run, tmp_path) -> None:
    study = tmp_path / "study"
    make_run("study/good/seed-0")
    make_run("study/killed/seed-0", status="running", curve={0: (1, 0, 1, 0)})
    make_run("study/failed/seed-0", status="failed", reason="OSError: no space left")
    make_run("study/stopped/seed-0", status="interrupted", reason="SIGTERM")
    make_run("study/empty/seed-0", curve={})
    damaged = make_run("study/damaged/seed-7", seed=7)
    lines = (damaged / "records.jsonl").read_text().splitlines(keepends=True)
    (damaged / "records.jsonl").write_text("".join([*lines[:4], lines[4][:50] + "\n", *lines[5:]]))
    write_study(study, [StudyRun(study / "lora/seed-3", ("method=lora", "seed=3"))])

    comparison = compared(study)
    listed = {one.name.split("/")[0]: one for one in comparison.listed}

    assert [run.name for run in comparison.runs] == ["good/seed-0"]
    assert {name: one.state for name, one in listed.items()} == {
        "good": "compared",
        "killed": "interrupted",
        "failed": "failed",
        "stopped": "interrupted",
        "empty": "finished",
        "damaged": "damaged",
        "lora": "waiting",
    }
    assert listed["killed"].reason == "killed"
    assert listed["killed"].last_record == "2025-01-31T12:00:00+00:00"
    assert listed["failed"].reason == "OSError: no space left"
    assert listed["stopped"].reason == "SIGTERM"
    assert listed["empty"].reason.startswith("no step was measured completely")
    assert listed["damaged"].reason.startswith("records.jsonl, line 5: ")
    assert (listed["damaged"].setting, listed["damaged"].strategy, listed["damaged"].seed) == ("digits", "lora", 7)
    assert listed["lora"].seed == 3


def test_the_half_written_last_line_of_a_finished_run_does_not_count(make_run, tmp_path) -> None:
    run = make_run("lora/seed-0")
    with open(run / "records.jsonl", "a") as file:
        file.write('{"key": "b7455e9e98ae')

    (listed,) = compared(tmp_path).listed

    assert (listed.state, listed.reason) == ("compared", None)


def test_states_of_different_test_images_are_not_compared(make_run, tmp_path) -> None:
    more = [record(70, *what) for what in (("clean", "validation", 9, 10), ("pgd", "validation", 9, 10))]
    more += [record(70, "clean", "test", 19, 20), record(70, "pgd", "test", 9, 20)]
    make_run("lora/seed-0", records=more)

    comparison = compared(tmp_path)

    assert comparison.runs == ()
    assert comparison.listed[0].reason == "its states were measured on different numbers of test images, 10 to 20"


def test_the_command_is_the_studys_and_quoted_for_a_shell(make_run, tmp_path) -> None:
    study = tmp_path / "study"
    run = make_run("study/lora/seed-0")
    write_study(study, [StudyRun(run, ("method=lora", "seed=0", "shift=[a,b]", "tracker.name=it's; rm -rf $HOME"))])
    alone = make_run("alone/seed-0", method="full")

    commands = {one.directory: one.command for one in compared(tmp_path).runs}

    assert commands[run] == (
        "python -m robustft method=lora seed=0 'shift=[a,b]' 'tracker.name=it'\"'\"'s; rm -rf $HOME'"
    )
    assert commands[alone] == (
        "python -m robustft dataset=digits backbone=glyph_vit method=full seed=0 threat_model.norm=linf "
        "threat_model.eps_255=8 trainer.max_steps=100"
    )


def test_a_self_supervised_set_is_a_setting_of_its_own_and_its_command_names_the_pretext(make_run, tmp_path) -> None:
    make_run("plain/seed-0")
    target = {"_target_": "robustft.data.Rotation"}
    of_digits = {"_target_": "robustft.data.Digits", "fingerprint": "4a030949f92b4749d925aa4e305c581c"}
    turned = make_run("turned/seed-0", dataset="digits-rotation", settings={"dataset": of_digits | {"pretext": target}})

    comparison = compared(tmp_path)

    assert [ranking.setting.name for ranking in comparison.rankings] == ["digits", "digits-rotation"]
    command = next(one.command for one in comparison.runs if one.directory == turned)
    assert command.startswith(
        "python -m robustft dataset=digits backbone=glyph_vit method=lora seed=0 pretext=rotation "
    )


def test_the_same_studies_give_the_same_comparison(make_run, tmp_path) -> None:
    for seed in (0, 1):
        make_run(f"lora/seed-{seed}", seed=seed, curve=BETTER if seed else CURVE)
        make_run(f"full/seed-{seed}", method="full", seed=seed)
    make_run("ia3/seed-0", method="ia3", status="running")

    first, second = compared(tmp_path), compared(tmp_path)

    assert first == second
    for name, draws in first.rankings[0].draws.items():
        np.testing.assert_array_equal(draws, second.rankings[0].draws[name])


def test_too_few_draws_for_so_many_pairs_are_warned_of(make_run, tmp_path) -> None:
    for index in range(4):
        make_run(f"lora-{index}/seed-0", method_settings={"rank": index + 1})

    # 6 pairs: 6 * 2 / (B + 1) must be 0.05 at most, so B 239 at least: 120 draws with 2 terms each
    (warning,) = compared(tmp_path).warnings
    assert warning.endswith("that takes draws=120")
    assert compare([tmp_path], image_draws=120, seed_terms=2).warnings == ()


def test_kept_states_and_failed_gates_are_known(make_run, tmp_path) -> None:
    run = make_run("lora/seed-0")
    (run / "states").mkdir()
    for name in ("step-000050.safetensors", "step-000100.safetensors.tmp", "step-x.safetensors"):
        (run / "states" / name).touch()
    (run / "states" / "step-000100.safetensors").symlink_to("/dev/null")
    lines = (run / "records.jsonl").read_text().splitlines()
    content = json.loads(lines[-1]) | {"gates": [{"name": "more_steps", "passed": False, "figures": {"robust": 0.1}}]}
    (run / "records.jsonl").write_text("\n".join([*lines[:-1], json.dumps(content), ""]))

    (one,) = compared(tmp_path).runs

    assert one.states == {50}
    assert one.failed_gates == ("gate failed: more_steps (robust 0.1): pgd on test, step 100",)
