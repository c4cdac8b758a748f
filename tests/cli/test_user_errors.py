from __future__ import annotations

import pytest
import torch

from robustft.cli.command_line.groups import choices
from robustft.cli.user_errors import Mistake, naming

METHODS = ", ".join(choices("method"))
ATTACKS = ", ".join(choices("attack"))


@pytest.fixture
def no_hub(tmp_path, monkeypatch):
    """The Hugging Face hub with nothing in its cache and out of reach."""
    for name in ("HF_HUB_CACHE", "HF_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["method=foo"], f"method must be one of {METHODS}; got foo"),
        (["metod=lora"], "metod is no key; did you mean method? the configuration has seed"),
        (["trainer.max_step=5"], "trainer.max_step is no key; did you mean trainer.max_steps? trainer has max_steps"),
        (["dataset=cub200", "dataset.pat=x"], "dataset.pat is no key; did you mean dataset.path?"),
        (["+attack.pgd.stepz=1"], "attack.pgd.stepz is no key; robustft.attacks.Pgd has steps"),
        (["threat_model.eps_255=-1"], "threat_model.eps_255 must be a number at least 0 and at most 255, got -1"),
        (["attack.pgd.steps=0"], "attack.pgd.steps must be a whole number of at least 1, got 0"),
        (["seed=abc"], "seed must be a whole number of at least 0 and at most 4294967295, got 'abc'"),
        (["trainer.max_steps=1.5"], "trainer.max_steps must be a whole number of at least 1, got 1.5"),
        (["trainer.decay=step"], "trainer.decay must be one of constant, linear, cosine; got 'step'"),
        (["schedule.points=0"], "schedule.points must be a whole number of at least 1, got 0"),
        (["suite.max_images=0"], "suite.max_images must be a whole number of at least 1, got 0"),
        (["states.keep=some"], "states.keep must be one of all, selected, none, null; got 'some'"),
        (["tracker.mode=live"], "tracker.mode must be one of online, offline, disabled; got 'live'"),
        (["attack=[]"], "attack must be at least one of apgd_ce, apgd_dlr, apgd_t, autoattack, "),
        (["attack=null"], "attack must be at least one of apgd_ce, "),
        (["attack={}"], "attack must be one of apgd_ce, "),
        (["attack=[fgsm,pdg]"], f"attack must be one of {ATTACKS}; got pdg; did you mean pgd?"),
        (["attack=fgms"], f"attack must be one of {ATTACKS}; got fgms; did you mean fgsm?"),
        *[
            ([f"~{key}"], f"{key} must be given: ~{key} takes it away")
            for key in ("method", "trainer", "attack", "seed")
        ],
        (["method=3"], f"method must be one of {METHODS}; got 3"),
        (["method=null"], f"method must be one of {METHODS}; got null"),
        (["method=lroa"], f"method must be one of {METHODS}; got lroa; did you mean lora?"),
        (["method=[lora,full]"], f"method must be one of {METHODS}; got [lora,full]; -m method=lora,full for several"),
        (["trainer.decay=Cosin"], "trainer.decay must be one of constant, linear, cosine; got 'Cosin'; did you mean"),
        (["tracker.project=a/b"], "tracker.project must have at most 128 characters, none of "),
        (
            ["attack=fgsm,pgd"],
            "attack must be one value, got fgsm,pgd: [fgsm,pgd] for several in one run, -m for several runs",
        ),
        (["shift=stl10,mnist"], "shift must be one value, got stl10,mnist: [stl10,mnist] for several in one run, -m"),
        (
            ["suite.eps_grid_255=0.5,2"],
            "suite.eps_grid_255 must be one value, got 0.5,2: [0.5,2] for several in one run, -m for several runs",
        ),
        (["suite.corruptions=fog,snow"], "suite.corruptions must be one value, got fog,snow: [fog,snow] for several"),
        (["seed=0,1"], "seed must be one value, got 0,1: -m for several runs"),
        (["method=lora,full"], "method must be one value, got lora,full: -m for several runs"),
        (["seed=range(0,3)"], "seed must be one value, got range(0,3): -m for several runs"),
        (["method=glob(l*)"], "method must be one value, got glob(l*): -m for several runs"),
        (["max_steps=5"], "max_steps is no key; did you mean trainer.max_steps? the configuration has seed"),
        (["lerning_rate=5"], "lerning_rate is no key; did you mean trainer.learning_rate? the configuration has"),
        (["~nosuch"], "nosuch is no key; the configuration has seed"),
        (["~seed"], "seed must be given: ~seed takes it away"),
        (["+seed=3"], "seed is a key already: without + in front it is set"),
        (["method@here=lora"], "method must be chosen without @"),
        (["trainer.max_steps=${nosuch}"], "trainer.max_steps cannot be resolved: it refers to nosuch, which is no key"),
        (["trainer.decay=${trainer.no}"], "trainer.decay cannot be resolved: it refers to trainer.no, which is no key"),
        (["seed=${oc.env:NO_SUCH_VARIABLE}"], "seed cannot be resolved: Environment variable 'NO_SUCH_VARIABLE' not"),
        (["seed=${foo:1}"], "seed cannot be resolved: Unsupported interpolation type foo"),
        (["seed=${seed}"], "seed cannot be resolved: Recursive interpolation detected"),
        (["~rates"], "trainer.learning_rate cannot be resolved: it refers to rates.lab.learning_rate, which is no key"),
        (["method=glob(*"], "method must have a value with every ( closed, got glob(*"),
        (["-m", "method=glob(*"], "method must have a value with every ( closed, got glob(*"),
        (["attack=[pgd"], "attack must have a value with every [ closed, got [pgd"),
        (["seed=${"], "seed must have a value with every { closed, got ${"),
        (["method=lora]"], "method must have a value with every [ opened, got lora]"),
        (['method="lora'], 'method must have a value with its quotes closed, got "lora'),
        (["tracker.entity=a=b"], "tracker.entity must have a value in quotes if it holds one of = : ,"),
        (["evaluate", "run=x", "tracker.mode=offline"], "evaluate has no tracker: tracker is a key of train, not of"),
        (
            ["evaluate", "run=x", "seed=3"],
            "evaluate has no seed: seed is a key of train, not of evaluate; evaluate has",
        ),
        (["evaluate", "method=lora"], "evaluate has no method: method is a key of train, not of evaluate"),
        (
            ["evaluate", "threat_model=l2"],
            "threat_model is chosen by train, not by evaluate, which has threat_model.norm",
        ),
        (["evaluate", "suite.max_images=5"], "suite.max_images is a key of train, not of evaluate; suite has"),
        (["evaluate", "attack.pgd.steps=5"], "attack must be chosen before it is set: attack=[NAME] with apgd_ce"),
        (["report", "trainer.max_steps=3"], "report has no trainer: trainer is a key of train, not of report"),
        (["trainer.accelerator=gpu"], "trainer.accelerator must be auto or one that this machine has (cpu), got gpu"),
        (["accelerator=cuda"], "trainer.accelerator must be auto or one that this machine has (cpu), got gpu"),
        (["evaluate", "run=x", "accelerator=cuda"], "accelerator must be auto or one that this machine has (cpu), got"),
        (
            ["pretrain", "output=a/b.safetensors", "accelerator=gpu"],
            "accelerator must be auto or one that this machine",
        ),
        (["shift=[stl10]", "shift.stl10.path=/no/where"], "shift.stl10.path must be a directory, but /no/where does"),
        (
            ["attack.pgd.when=last"],
            "attack.pgd.when must be every for the first attack, which the trade-off curve is about; got last",
        ),
        (["attack.pgd.when=never"], "attack.pgd.when must be one of every, last, frontier; got 'never'"),
        (
            ["attack=[pgd,autoattack]", "states.keep=none"],
            "states.keep must be all or selected where attack.autoattack.when is frontier, got none",
        ),
        (["backbone.resolution=30"], "backbone.resolution must be a multiple of the patch size 4, got 30"),
        (["backbone=timm"], "backbone.name must be given: it has no default"),
        (["dataset=folder"], "dataset.path must be given: it has no default"),
        (
            ["dataset=folder", "dataset.path=/no/where"],
            "dataset.path must be a directory, but /no/where does not exist",
        ),
        (
            ["dataset=folder", "dataset.path=x", "dataset.resize=fit"],
            "dataset.resize must be one of squash, crop; got 'fit'",
        ),
        (
            ["dataset=hub", "dataset.path=x", "dataset.label_column=null"],
            "dataset.label_column must be a text, got None",
        ),
        *(
            ([*chosen, f"{key}=~nosuchuser/x"], f"{key} must be a path whose ~ is a known home directory, got '~nosuch")
            for chosen, key in (
                (["dataset=folder"], "dataset.path"),
                (["dataset=cifar10"], "dataset.path"),
                (["shift=[folder]"], "shift.folder.path"),
                (["shift=[stl10]"], "shift.stl10.path"),
                ([], "backbone.checkpoint"),
            )
        ),
        (["dataset=folder", "dataset.path=caf\udce9"], "dataset.path must be a path in UTF-8, got 'caf\\udce9'"),
        (
            ["backbone.pretrained=false"],
            "backbone.pretrained must be true with backbone.checkpoint=package:glyph_vit.safetensors, "
            "or backbone.checkpoint null for random weights; got false",
        ),
        (["backbone.checkpoint=caf\udce9"], "backbone.checkpoint must be a path in UTF-8, got 'caf\\udce9'"),
        (
            ["backbone.options.proj_drop=1"],
            "backbone.options.proj_drop is not set yet; +backbone.options.proj_drop=...",
        ),
        (["evaluate"], "run must be given: it has no default"),
        (["evaluate", "run=nowhere"], "run must be the directory of a run, with run.json in it; got nowhere"),
        (["report", "run=nowhere"], "run must be the directory of a run, with run.json in it; got nowhere"),
        (
            ["trian"],
            "unknown command trian; one of train, evaluate, report, export, status, plan, sync, data, pretrain, then "
            "key=value ...; did you mean train?",
        ),
        (["pretrain", "steps=0"], "steps must be a whole number of at least 1, got 0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_with_exit_code_2_and_leaves_nothing_behind(words, tmp_path, given, said):
    if torch.cuda.is_available() and "this machine" in said:
        pytest.skip("the machine has the device that is to be missing")
    code, out, err = words(*given)
    assert code == 2
    assert out == ""
    assert err.startswith(f"robustft: {said}")
    assert err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_says_what_is_expected(words, tmp_path):
    (tmp_path / "mine").mkdir()
    code, _, err = words("dataset=folder", "dataset.path=mine")
    assert code == 2
    assert err.startswith(f"robustft: dataset.path {tmp_path / 'mine'} has no images: looked for SPLIT/CLASS/*")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_a_directory_with_other_things_in_it_is_refused(words, tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    code, _, err = words(f"hydra.run.dir={tmp_path}")
    assert code == 2
    assert err.startswith("robustft: hydra.run.dir must be new, empty or this run's own")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("below", ["", "/below", "/far/below"], ids=["it", "below", "far-below"])
def test_a_run_directory_that_is_a_file_or_below_one_is_told_in_one_line(words, tmp_path, below):
    (tmp_path / "thesis.tex").write_text("mine")
    code, out, err = words(f"hydra.run.dir={tmp_path}/thesis.tex{below}")
    assert (code, out) == (2, "")
    assert err.startswith(f"robustft: hydra.run.dir must be a directory that can be written, got {tmp_path}/thesis.tex")
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_sweep_into_a_file_is_told_in_one_line(words, tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    code, _, err = words("-m", "seed=0,1", f"hydra.sweep.dir={tmp_path}/thesis.tex")
    assert code == 2
    assert err.startswith("robustft: hydra.sweep.dir must be a directory that can be written, got")
    assert err.count("\n") == 1


def test_help_names_the_commands_and_the_choices(words):
    code, out, _ = words("--help")
    assert code == 0
    for expected in ("evaluate", "report", "pretrain", "compacter", "cub200", "eps_255"):
        assert expected in out


def test_a_mistake_in_the_resolved_configuration_names_the_key(words):
    code, out, err = words("--cfg", "job", "--resolve", "trainer.max_steps=${nosuch}")
    assert (code, out) == (2, "")
    assert err == "robustft: trainer.max_steps cannot be resolved: it refers to nosuch, which is no key\n"


def test_a_name_that_cannot_be_does_not_loop(words, tmp_path):
    (tmp_path / "set").mkdir()
    code, _, err = words("dataset=folder", "dataset.path=set", "dataset.name=a b")
    assert code == 2
    assert err.startswith("robustft: dataset.name must be letters, digits, dots")
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


@pytest.mark.parametrize("error", [OSError(13, "Permission denied", "/data"), ValueError("Invalid magic number")])
def test_an_error_that_begins_with_no_argument_names_the_part(error):
    with pytest.raises(Mistake, match=r"^dataset: (\[Errno 13\] Permission|Invalid magic)"), naming("dataset."):
        raise error


def test_an_uncertainty_set_that_is_not_there_names_its_own_path(words, tmp_path, no_hub):
    code, _, err = words("objective=dcm", "objective.uncertain=mnist")
    assert code == 2
    assert err.startswith("robustft: objective.uncertain_set.hub_id ")
    assert "give objective.uncertain_set.path=DIR" in err
    assert "dataset.path" not in err
    assert not (tmp_path / "multirun").exists()


@pytest.mark.parametrize("shift", ["stl10", "mnist"])
def test_a_shift_set_that_is_not_there_names_its_own_path(words, tmp_path, no_hub, shift):
    code, _, err = words(f"shift=[{shift}]")
    key = {"mnist": "mnist_test"}.get(shift, shift)
    assert code == 2
    assert err.startswith(f"robustft: shift.{key}.hub_id ")
    assert f"give shift.{key}.path=DIR" in err
    assert "dataset.path" not in err
    assert not (tmp_path / "multirun").exists()


def test_data_that_is_not_there_ends_with_the_two_ways_to_supply_it(words, tmp_path, no_hub):
    code, _, err = words("dataset=cub200", "method=compacter")
    assert code == 2
    assert err.count("\n") == 1
    for expected in ("efekankavalci/CUB_200_2011", str(tmp_path / "hub"), "dataset.path=", "hf download"):
        assert expected in err
