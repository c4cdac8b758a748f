"""A state as others use it: every method's, loaded where there is no robustft; and what is refused."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from robustft.data.sources.digits import Digits
from robustft.study.records.outcomes import outcomes_path, read_outcomes, write_outcomes
from robustft.study.run import Run, runs_below
from robustft.study.tradeoff import best_step, peak_step
from tests.methods.every_method import FREE_OF_BLOCKS, METHODS
from tests.models.export.test_export import WITHOUT_TIMM_FORM

LOADER = Path(__file__).parents[2] / "models" / "export" / "without_robustft.py"
TINY = (
    "trainer.max_steps=4",
    "schedule.points=2",
    "suite.max_images=60",
    "attack.pgd.steps=1",
    "tracker.mode=disabled",
    "trainer.accelerator=cpu",
)
CNN = ("backbone=timm", "backbone.name=test_resnet", "backbone.pretrained=false", "backbone.resolution=28")
RUNS = (*METHODS, *(f"cnn-{name}" for name in FREE_OF_BLOCKS))
CPU = "accelerator=cpu"


@pytest.fixture(scope="module")
def runs(robustft, tmp_path_factory) -> dict[str, Run]:
    """A tiny run of every method, and of those that work on it with a convolutional network."""
    cwd = tmp_path_factory.mktemp("runs")
    for methods, backbone in ((METHODS, ()), (FREE_OF_BLOCKS, CNN)):
        done = robustft("-m", f"method={','.join(methods)}", *TINY, *backbone, cwd=cwd)
        assert done.returncode == 0, done.stderr
    return {f"{'' if run.backbone == 'glyph_vit' else 'cnn-'}{run.method}": run for run in runs_below(cwd)}


@pytest.fixture(scope="module")
def exported(robustft, runs, tmp_path_factory) -> dict[str, Path]:
    """The folder of the last state of each of them."""
    cwd = tmp_path_factory.mktemp("exports")
    for name, run in runs.items():
        done = robustft("export", f"run={run.directory}", "state=last", f"output={name}", CPU, cwd=cwd)
        assert done.returncode == 0, done.stderr
        assert re.fullmatch(
            rf"{name}: the state after 4 updates, for \S+; logits differ by up to \S+, 60 .*\n", done.stdout
        )
    return {name: cwd / name for name in runs}


@pytest.fixture(scope="module")
def elsewhere(exported, tmp_path_factory) -> dict[str, np.ndarray]:
    """What the folders say, loaded by a process that cannot import robustft, of all test images."""
    directory = tmp_path_factory.mktemp("elsewhere")
    np.save(directory / "pixels.npy", Digits().load(28).test.pixels)
    folders = [str(folder) for folder in exported.values()]
    words = [sys.executable, str(LOADER), "pixels.npy", *folders, "out.npz"]
    done = subprocess.run(words, cwd=directory, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    with np.load(directory / "out.npz") as found:
        return dict(found)


@pytest.mark.parametrize("name", RUNS)
def test_a_process_without_robustft_makes_the_recorded_outcomes_again(name, runs, elsewhere):
    from robustft.data.split import fixed_subset

    rows, labels = fixed_subset(450, 60), Digits().load(28).test.labels
    run = runs[name]
    record = next(each for each in run.records if (each.step, each.split, each.condition.name) == (4, "test", "clean"))
    predicted = elsewhere[f"{name}/logits"].argmax(1)
    assert ((predicted == labels)[rows] == read_outcomes(run.directory, record)).all()
    assert elsewhere[f"{name}/names"].tolist() == [*"0123456789"]


@pytest.mark.parametrize("name", RUNS)
def test_the_folder_has_the_plainest_form_and_a_card(name, exported):
    has_timm_form = name not in WITHOUT_TIMM_FORM
    files = {"config.json", "model.safetensors"} if has_timm_form else {"model.json", "model.pt2"}
    assert {path.name for path in exported[name].iterdir()} == files | {"README.md"}
    card = (exported[name] / "README.md").read_text()
    front = yaml.safe_load(card.split("---\n")[1])
    assert front["library_name"] == ("timm" if has_timm_form else "pytorch")
    (result,) = front["model-index"][0]["results"]
    assert [metric["name"] for metric in result["metrics"]] == ["clean", "pgd", "ood:mnist"]


@pytest.mark.parametrize("name", ["lora", "compacter"])
def test_the_code_on_the_card_names_the_class_of_an_image(name, exported, elsewhere, tmp_path):
    card = (exported[name] / "README.md").read_text()
    (code,) = re.findall(r"```python\n(.*?)```", card, flags=re.DOTALL)
    Image.fromarray(Digits().load(28).test.pixels[7].transpose(1, 2, 0)).save(tmp_path / "image.png")
    blocked = "import sys; sys.modules['robustft'] = sys.modules['adapters'] = None\n"
    code = blocked + code.replace("DIR", str(exported[name]))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.returncode) == (str(elsewhere[f"{name}/logits"][7].argmax()), 0), done.stderr


def test_every_word_for_a_state_and_every_step(words, runs, tmp_path):
    run = runs["full"]
    named = {"best": best_step(run.points), "peak": peak_step(run.points), "last": 4, "1": 1, "0": 0}
    for state, step in named.items():
        code, out, err = words("export", f"run={run.directory}", f"state={state}", f"output={state}", CPU)
        assert (code, err) == (0, "")
        assert out.startswith(f"{state}: the state after {step} update")
        card = (tmp_path / state / "README.md").read_text()
        assert f"# full on digits, glyph\\_vit, after {step} updates" in card or f"after {step} updates" in card
        assert f"`state={state}`" in card


def test_the_same_state_has_the_same_bytes_and_the_run_is_left_alone(words, runs, exported, tmp_path):
    run = runs["ia3"]
    before = {path: path.stat().st_mtime_ns for path in run.directory.rglob("*")}
    code, _, err = words("export", f"run={run.directory}", "state=last", "output=ia3", CPU)
    assert (code, err) == (0, "")
    for file in exported["ia3"].iterdir():
        assert file.read_bytes() == (tmp_path / "ia3" / file.name).read_bytes()
    assert {path: path.stat().st_mtime_ns for path in run.directory.rglob("*")} == before


def test_the_only_run_below_a_directory_and_an_empty_output_will_do(words, runs, tmp_path):
    shutil.copytree(runs["bitfit"].directory, tmp_path / "study/only")
    (tmp_path / "a/b").mkdir(parents=True)
    code, _, err = words("export", "run=study", "output=a/b", CPU)
    assert (code, err) == (0, "")
    assert "run=study state=best output=a/b" in (tmp_path / "a/b/README.md").read_text()


def test_another_model_than_the_runs_is_an_error_and_leaves_nothing(words, runs, tmp_path):
    shutil.copytree(runs["full"].directory, tmp_path / "run")
    run = Run(tmp_path / "run")
    record = next(each for each in run.records if (each.step, each.split, each.condition.name) == (4, "test", "clean"))
    outcomes = read_outcomes(run.directory, record)
    write_outcomes(run.directory, record, outcomes[::-1])  # as many are correct, and others
    code, out, err = words("export", "run=run", "state=last", "output=made/for/it", CPU)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert re.match(r"robustft: the exported model is not the run's, and nothing was written: \d+ of 60 clean", err)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_signal_leaves_nothing(robustft, runs, tmp_path):
    asked = ("export", f"run={runs['full'].directory}", "output=out", CPU)
    done = robustft(*asked, cwd=tmp_path, kill=("load", 0), signal="SIGTERM")
    assert (done.returncode, done.stdout) == (143, "")
    assert done.stderr.startswith("robustft: interrupted by SIGTERM")
    assert list(tmp_path.iterdir()) == []


def test_a_step_of_a_run_that_is_not_finished_but_no_word(words, runs, tmp_path):
    shutil.copytree(runs["bitfit"].directory, tmp_path / "run")
    Run(tmp_path / "run").write(status="interrupted")
    code, _, err = words("export", "run=run", "state=peak", "output=out", CPU)
    assert (code, err) == (
        2,
        "robustft: state must be the step of a kept state (0, 1, 4) of a run that is not finished (interrupted); "
        "got peak\n",
    )
    assert words("export", "run=run", "state=4", "output=out", CPU)[0] == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["state=3"], "state must be the step of a kept state (0, 1, 4), best, last or peak; got 3"),
        (["state=worst"], "state must be best, last, peak or the step of a kept state (0, 1, 4); got 'worst'"),
        (["state=true"], "state must be best, last, peak or the step of a kept state (0, 1, 4); got True"),
        (["state=all"], "state must be best, last, peak or the step of a kept state (0, 1, 4); got 'all'"),
        (["output=run"], "output must be a new or an empty directory, got run, which is there already"),
        (["output=run/run.json"], "output must be a new or an empty directory, got run/run.json, which is there"),
        (["run=nowhere"], "run must be the directory of a run, with run.json in it; got nowhere"),
        (["run=[run,run]"], "run must be the directory of one run, got ['run', 'run']"),
        (["accelerator=tpu"], "accelerator must be one of auto, cpu, gpu, mps; got 'tpu'"),
        (["trust=numpy"], "trust must be a list of packages, [mypackage], got numpy"),
        (["dataset.path=here"], "dataset.path is no key of this run's dataset"),
        (["states=best"], "export has no states: states is a key of train, not of export; export has run, state,"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_cannot_be_exported_is_one_line(given, said, words, run_dir, tmp_path):
    code, out, err = words("export", "run=run", "output=out", *given)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"robustft: {said}")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_an_output_is_asked_for(words, run_dir):
    assert words("export", "run=run")[::2] == (2, "robustft: output must be given: it has no default\n")


def test_one_of_several_runs_must_be_named(words, run_dir, tmp_path):
    for name in ("a", "b"):
        shutil.copytree(run_dir, tmp_path / "study" / name)
    code, _, err = words("export", "run=study", "output=out")
    said = "run must be the directory of one run, got study, which has 2 below it: study/a, ..."
    assert (code, err) == (2, f"robustft: {said}\n")


@pytest.mark.parametrize("state", ["best", "last", "peak"])
def test_a_state_that_was_not_kept_is_said_with_those_that_were(state, words, run_dir):
    (run_dir / "states/step-000004.safetensors").unlink()
    code, _, err = words("export", "run=run", f"state={state}", "output=out")
    assert (code, err) == (2, f"robustft: state must be one that was kept (0, 1), got {state}, which is step 4\n")


def test_missing_outcomes_and_other_data_are_said_before_anything_loads(words, run_dir):
    run = Run(run_dir)
    record = next(each for each in run.records if (each.step, each.split, each.condition.name) == (4, "test", "clean"))
    file = outcomes_path(run_dir, record)
    file.rename(file.with_suffix(".away"))
    code, _, err = words("export", "run=run", "output=out")
    assert (code, err.count("\n")) == (2, 1)
    assert f"{file.name} is missing" in err
    file.with_suffix(".away").rename(file)
    contents = {**run.contents, "dataset": {**run.contents["dataset"], "stamp": None, "fingerprint": "0" * 32}}
    run.write(contents=contents)
    code, _, err = words("export", "run=run", "output=out")
    assert (code, err) == (2, "robustft: dataset has another content than the one that the run in run was made with\n")


def test_a_class_from_elsewhere_is_not_built(words, run_dir):
    config = run_dir / ".hydra/config.yaml"
    config.write_text(config.read_text().replace("robustft.methods.BitFit", "shutil.rmtree"))
    code, _, err = words("export", "run=run", "output=out")
    assert (code, err.count("\n")) == (2, 1)
    assert "run has a _target_ outside robustft, method._target_ shutil.rmtree" in err
