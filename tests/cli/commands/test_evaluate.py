"""Measuring a run's states in other ways than the run did, as a user asks for it."""

from __future__ import annotations

import json
import os
import shutil
import socket
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors.numpy import load_file, save_file

from robustft.cli.runs import run_directory

SHORT = (
    "trainer.max_steps=4",
    "schedule.points=2",
    "suite.max_images=12",
    "attack.pgd.steps=2",
    "tracker.mode=disabled",
    "trainer.accelerator=cpu",
    "hydra.run.dir=run",
)
CPU = "accelerator=cpu"
STEPS = (0, 1, 4)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, robustft) -> Path:
    cwd = tmp_path_factory.mktemp("finished")
    done = robustft(*SHORT, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return cwd / "run"


@pytest.fixture
def run_dir(finished, tmp_path) -> Path:
    """A copy that a test may add to."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def lines_of(run_dir: Path) -> list[str]:
    return (run_dir / "records.jsonl").read_text().splitlines()


def added_to(run_dir: Path, finished: Path) -> list[dict]:
    """What is on record behind the run's own records, which are as they were."""
    before, now = lines_of(finished), lines_of(run_dir)
    assert now[: len(before)] == before
    return [json.loads(line) for line in now[len(before) :]]


def kinds(records: list[dict]) -> list[tuple]:
    return [(record["step"], record["split"], record["condition"], record["eps_255"]) for record in records]


def table_of(words, run_dir: Path) -> str:
    code, out, err = words("report", f"run={run_dir}")
    assert code == 0, err
    return out


def test_without_more_it_writes_nothing_and_agrees_for_all_states(words, run_dir, finished):
    before = {path: path.stat().st_mtime_ns for path in run_dir.rglob("*")}
    code, out, err = words("evaluate", f"run={run_dir}", "states=all", CPU)
    assert code == 0, err
    assert out.count("agrees") == len(lines_of(finished)) == 5 * len(STEPS)
    assert {path: path.stat().st_mtime_ns for path in run_dir.rglob("*")} == before


def test_another_attack_and_size_are_added_and_agree_the_second_time(words, run_dir, finished):
    before = table_of(words, run_dir)
    asked = (f"run={run_dir}", "states=all", CPU, "attack=[pgd]", "attack.pgd.steps=3", "threat_model.eps_255=4")
    code, out, err = words("evaluate", *asked)
    assert code == 0, err
    added = added_to(run_dir, finished)
    assert kinds(added) == [(step, "test", "pgd", 4) for step in STEPS]
    assert out.count("added") == len(added)
    assert "linf 4/255" in out
    for record in added:
        packed = np.load(run_dir / "outcomes" / record["split"] / f"{record['key']}.npy", allow_pickle=False)
        assert np.unpackbits(packed).sum() == record["correct"]
        own = [json.loads(line) for line in lines_of(finished)]
        same = [one for one in own if (one["step"], one["condition"]) == (record["step"], "pgd")]
        assert {one["epoch"] for one in same} == {record["epoch"]}
        assert record["attack"] not in {one["attack"] for one in same}
    code, out, err = words("evaluate", *asked)
    assert (code, out.count("agrees"), out.count("added")) == (0, len(added), 0), err
    code, out, err = words("evaluate", *asked, "missing_only=true")
    assert (code, len(out.splitlines())) == (0, 1), err
    assert len(added_to(run_dir, finished)) == len(added)
    # The run's own curve, and its own suite, are what they were.
    assert table_of(words, run_dir) == before
    code, out, _ = words("evaluate", f"run={run_dir}", "states=all", CPU)
    assert (code, out.count("agrees")) == (0, 5 * len(STEPS))


def test_the_run_s_own_attack_at_another_size_makes_a_curve_over_eps(words, run_dir, finished):
    code, _, err = words("evaluate", f"run={run_dir}", "states=last", CPU, "threat_model.eps_255=2")
    assert code == 0, err
    assert kinds(added_to(run_dir, finished)) == [(4, "test", "pgd", 2)]
    own = [json.loads(line) for line in lines_of(finished)]
    assert {record["attack"] for record in added_to(run_dir, finished)} == {own[1]["attack"]}
    out = table_of(words, run_dir)
    assert "pgd (linf), test accuracy in % by eps_255" in out
    assert (run_dir / "eps.png").stat().st_size > 10_000


def test_how_it_computes_is_changed_without_measuring_anything_else(words, run_dir, finished):
    code, out, err = words("evaluate", f"run={run_dir}", CPU, "states=all", "suite.precision=float32")
    assert (code, out.count("agrees")) == (0, 5 * len(STEPS)), err
    code, out, _ = words("evaluate", f"run={run_dir}", CPU, "states=last", "suite.precision=bf16")
    assert out.count(" clean ") == 2
    assert added_to(run_dir, finished) == []


def test_a_warm_start_over_the_states_is_added_and_agrees_the_second_time(words, run_dir, finished):
    asked = (f"run={run_dir}", CPU, "states=all", "attack=[pgd]", "attack.pgd.steps=2", "attack.pgd.warm_start=true")
    code, out, err = words("evaluate", *asked)
    assert (code, out.count("added")) == (0, len(STEPS)), err
    added = added_to(run_dir, finished)
    assert added[-1]["notes"][0].startswith("broken by warm start: ")
    for states in ("last", "all"):
        code, out, err = words("evaluate", *asked, f"states={states}")
        assert (code, out.count("differ"), out.count("added")) == (0, 0, 0), err


@pytest.mark.parametrize(
    ("splits", "measured"),
    [("[validation]", ["validation"]), ("[test,validation]", ["validation", "test"]), ("null", ["test"])],
)
def test_what_is_added_is_measured_on_the_splits_asked_for_and_else_on_test_alone(
    words, run_dir, finished, splits, measured
):
    asked = ("attack=[pgd,fgsm]", "attack.pgd.steps=3", "suite.attack_ood=true", f"splits={splits}")
    code, _, err = words("evaluate", f"run={run_dir}", CPU, "states=4", *asked)
    assert code == 0, err
    expected = [(4, split, name, 8) for split in measured for name in ("pgd", "fgsm")]
    if "test" in measured:
        expected += [(4, "test", f"ood:mnist/{name}", 8) for name in ("pgd", "fgsm")]
    assert kinds(added_to(run_dir, finished)) == expected


def test_the_run_s_own_measurements_are_made_again_on_one_split_if_asked_for(words, run_dir):
    code, out, err = words("evaluate", f"run={run_dir}", CPU, "states=4", "splits=[validation]")
    assert (code, [line.split()[1:3] for line in out.splitlines()[1:]]) == (
        0,
        [["validation", "clean"], ["validation", "pgd"]],
    ), err


def test_another_norm_does_not_touch_the_curves_of_the_first(words, run_dir, finished):
    code, _, err = words(
        "evaluate", f"run={run_dir}", CPU, "threat_model.norm=l2", "threat_model.eps_255=100", "states=4"
    )
    assert code == 0, err
    assert {(record["norm"], record["eps_255"]) for record in added_to(run_dir, finished)} == {("l2", 100)}
    assert "by eps_255" not in table_of(words, run_dir)


def test_a_stronger_attack_is_a_column_of_the_table(words, run_dir, finished):
    strong = ("attack=[autoattack]", "attack.autoattack.iterations=1", "attack.autoattack.queries=1")
    code, _, err = words("evaluate", f"run={run_dir}", CPU, *strong, "states=frontier", "attack.autoattack.when=last")
    assert code == 0, err
    added = added_to(run_dir, finished)
    assert {(record["split"], record["condition"]) for record in added} == {("test", "autoattack")}
    heading = table_of(words, run_dir).splitlines()[3]
    assert heading.split()[:5] == ["step", "epoch", "clean", "robust", "autoattack"]


def test_another_setting_of_an_attack_is_called_by_what_differs_from_the_run_s_own(words, run_dir, finished):
    asked = (f"run={run_dir}", CPU, "states=last", "attack=[pgd]", "suite.eps_grid_255=[2]")
    for changes in (("attack.pgd.steps=5",), ("attack.pgd.steps=3", "attack.pgd.loss=margin")):
        code, _, err = words("evaluate", *asked, *changes)
        assert code == 0, err
    added = added_to(run_dir, finished)
    assert {record["condition"] for record in added} == {"pgd"}
    assert json.loads((run_dir / "run.json").read_text())["attacks"].keys() >= {record["attack"] for record in added}
    out = table_of(words, run_dir)
    above, heading = out.splitlines()[3:5]
    assert above.split()[:3] == ["pgd", "pgd", "ood:"]
    assert heading.split()[3:7] == ["robust", "steps=5", "steps=3", "loss=margin"]
    for name in ("pgd steps=5", "pgd steps=3 loss=margin"):
        assert f"{name} (linf), test accuracy in % by eps_255" in out
    # A run of before, which has no settings beside its records, shows the beginning of their hash.
    content = json.loads((run_dir / "run.json").read_text())
    del content["attacks"]
    (run_dir / "run.json").write_text(json.dumps(content))
    assert f"pgd-{added[0]['attack'][:4]} (linf)" in table_of(words, run_dir)


@pytest.fixture
def pictures(tmp_path) -> Path:
    random = np.random.default_rng(0)
    for split in ("train", "test"):
        for name in ("3", "7"):
            (tmp_path / "pens" / split / name).mkdir(parents=True)
            pixels = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "pens" / split / name / "0.png")
    return tmp_path / "pens"


def test_a_shift_set_and_corruptions_are_added(words, run_dir, finished, pictures):
    asked = (f"run={run_dir}", "states=4", CPU, "shift=[folder]", f"shift.folder.path={pictures}")
    code, out, err = words("evaluate", *asked)
    assert code == 0, err
    assert kinds(added_to(run_dir, finished)) == [(4, "test", "ood:pens", None)]
    code, out, err = words("evaluate", *asked, "suite.corruptions=[fog,contrast]", "suite.severities=[5]")
    assert code == 0, err
    assert (out.count("agrees"), out.count("added")) == (1, 3)
    names = ["ood:pens", "ood:fog-5", "ood:contrast-5", "ood:corruptions"]
    assert [record["condition"] for record in added_to(run_dir, finished)] == names
    out = table_of(words, run_dir)
    assert "pens" in out
    assert "fog" not in out
    code, out, err = words("evaluate", *asked, "threat_model.eps_255=4", "suite.attack_ood=true", "states=4")
    assert code == 0, err
    assert {record["condition"] for record in added_to(run_dir, finished)[4:]} == {
        *("pgd", "ood:mnist/pgd", "ood:pens/pgd"),
    }
    # Other corruptions would make another mean of the same name; other pictures, other outcomes of the same name.
    code, _, err = words("evaluate", f"run={run_dir}", CPU, "suite.corruptions=[fog]")
    assert code == 2
    assert err.startswith("robustft: suite.corruptions must be those on record, fog, contrast (severities 5)")
    next((pictures / "test" / "3").iterdir()).unlink()
    code, _, err = words("evaluate", *asked)
    assert code == 2
    assert "ood:pens has another content" in err


def test_a_study_is_evaluated_run_by_run_and_one_that_cannot_be_stops_no_other(words, run_dir, tmp_path):
    study = tmp_path / "multirun/mine"
    for name in ("a/seed-0", "b/seed-0", "c/seed-0", "d/seed-0"):
        shutil.copytree(run_dir, study / name)
    content = json.loads((study / "a/seed-0/run.json").read_text())
    failed = json.dumps(content | {"status": "failed", "reason": "no power"})
    (study / "a/seed-0/run.json").write_text(failed)
    (study / "b/seed-0/states/step-000004.safetensors").write_bytes(b"torn")
    asked = ("states=last", CPU, "threat_model.eps_255=4")
    code, out, err = words("evaluate", f"run={study}", *asked)
    assert code == 1
    assert out.count("added") == 2
    assert err.splitlines()[0] == "robustft: multirun/mine/a/seed-0: not finished: failed no power"
    assert err.splitlines()[1].startswith("robustft: multirun/mine/b/seed-0: path must be a safetensors file")
    for name in ("a/seed-0", "b/seed-0"):
        shutil.rmtree(study / name)
    code, out, err = words("evaluate", f"run={study}", *asked)
    assert (code, out.count("agrees"), err) == (0, 2, "")


def test_names_of_run_directories_need_no_quotes_in_lists_and_sweeps(words, run_dir, tmp_path):
    first, second = (f"runs/seed-{seed}+max_steps-4+eps_255-8.5" for seed in (0, 1))
    for name in (first, second):
        shutil.copytree(run_dir, tmp_path / name)
    given = ("states=last", CPU, "threat_model.eps_255=4")
    code, out, err = words("evaluate", f"run=[{first},{second}]", *given)
    assert (code, out.count("added"), err) == (0, 2, "")
    code, out, err = words("-m", "evaluate", f"run={first},{second}", *given)
    assert (code, out.count("agrees"), err) == (0, 2, "")
    code, out, err = words("evaluate", f"run=[{first},nowhere]", *given)
    assert (code, out) == (2, "")
    assert err == "robustft: run must be the directory of a run, with run.json in it; got nowhere\n"


def test_a_diverged_state_is_wrong_about_every_image(words, run_dir):
    path = run_dir / "states/step-000004.safetensors"
    state = load_file(path)
    save_file({name: np.full_like(value, np.nan) for name, value in state.items()}, path)
    code, out, _ = words("evaluate", f"run={run_dir}", "states=4", CPU)
    assert code == 1
    assert out.count(" 0/12 ") >= 5
    assert [line.split()[-3] for line in out.splitlines()[1:]] == ["0/12"] * 5


def test_rows_that_the_data_set_does_not_have_are_one_line(words, run_dir):
    path = run_dir / "run.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"validation_rows": [0, 10**6]}))
    code, _, err = words("evaluate", f"run={run_dir}", CPU)
    assert code == 2
    assert err.startswith("robustft: run: validation_rows in run.json must be rows of the 1,")


def test_a_state_that_is_damaged_is_one_line(words, run_dir):
    (run_dir / "states/step-000004.safetensors").write_bytes(b"torn")
    code, _, err = words("evaluate", f"run={run_dir}", CPU, "states=4")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("robustft: path must be a safetensors file of a state, got")
    assert err.endswith("restore it from a copy\n")


def test_outcomes_that_are_missing_where_something_is_added_are_one_line(words, run_dir, finished):
    key = next(record["key"] for record in map(json.loads, lines_of(finished)) if record["condition"] == "ood:mnist")
    for path in run_dir.rglob(f"{key}.npy"):
        path.unlink()
    asked = ("threat_model.eps_255=8", "suite.attack_ood=true", "states=0")
    assert words("evaluate", f"run={run_dir}", CPU, *asked)[0] == 0  # they are not looked at
    code, _, err = words("evaluate", f"run={run_dir}", CPU, "states=0")
    assert (code, err.count("\n")) == (2, 1)
    assert f"{key}.npy is missing; restore it from a copy, or remove its line ({key}) from records.jsonl" in err


def test_nobody_writes_at_the_same_time(words, run_dir, finished):
    with run_directory.claimed(run_dir):
        code, _, err = words("evaluate", f"run={run_dir}", CPU, "threat_model.eps_255=4")
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith(f"robustft: run is being worked on by {socket.gethostname()} (process {os.getpid()}) since")
    assert added_to(run_dir, finished) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["attack=[pgd]", "attack.pgd.steps=0"], "attack.pgd.steps must be a whole number of at least 1, got 0"),
        (["attack.pgd.steps=3"], "attack must be chosen before it is set: attack=[NAME] with apgd_ce, "),
        (["attack=[foo]"], "attack must be one of apgd_ce, apgd_dlr, apgd_t, autoattack, "),
        (["threat_model.norm=l7"], "threat_model.norm must be one of linf, l2, l1; got 'l7'"),
        (["threat_model.eps_255=-1"], "threat_model.eps_255 must be a number at least 0, got -1"),
        (["threat_model.eps=1"], "threat_model.eps is no key; did you mean threat_model.eps_255?"),
        (["shift=[folder]"], "shift.folder.path must be given: it has no default"),
        (["suite.corruptions=rain"], "suite.corruptions must be all (the 15), extra or a list of"),
        (["suite.severities=[1]"], "suite.severities must come with suite.corruptions, got no corruptions"),
        (["suite.batch_size=0"], "suite.batch_size must be a whole number of at least 1, got 0"),
        (["suite.precision=fp8"], "suite.precision must be one of auto, float32, bf16; got 'fp8'"),
        (["splits=[train]"], "splits must be a list of validation and test, such as [test]; got ['train']"),
        (["splits=validation"], "splits must be a list of validation and test, such as [test]; got validation"),
        (["splits=[]"], "splits must be a list of validation and test, such as [test]; got []"),
        (["missing_only=true"], "missing_only must come with what to add"),
        (["missing_only=1", "attack=[pgd]"], "missing_only must be true or false, got 1"),
        (["states=first"], "states must be best, last, all, frontier or the step of a kept state; got 'first'"),
        (["states=3"], "states must be the step of a kept state (0, 1, 4), best or last; got 3"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_are_one_line_and_nothing_is_written(words, finished, given, said):
    before = lines_of(finished)
    code, _, err = words("evaluate", f"run={finished}", CPU, *given)
    assert code == 2
    assert err.startswith(f"robustft: {said}")
    assert err.count("\n") == 1
    assert lines_of(finished) == before
