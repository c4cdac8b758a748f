from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["method=foo"], "method must be one of adapter, bitfit, compacter, full, ia3, linear_probe, lora; got foo"),
        (["metod=lora"], "metod is no key; did you mean method? the configuration has backbone"),
        (["trainer.max_step=5"], "trainer.max_step is no key; did you mean trainer.max_steps? trainer has max_steps"),
        (["dataset=cub200", "dataset.pat=x"], "dataset.pat is no key; did you mean dataset.path?"),
        (["+attack.pgd.stepz=1"], "attack.pgd.stepz is no key; robustft.attacks.pgd.Pgd has steps"),
        (["threat_model.eps_255=-1"], "threat_model.eps_255 must be a number at least 0 and at most 255, got -1"),
        (["attack.pgd.steps=0"], "attack.pgd.steps must be a whole number of at least 1, got 0"),
        (["seed=abc"], "seed must be a whole number of at least 0 and at most 4294967295, got 'abc'"),
        (["trainer.max_steps=1.5"], "trainer.max_steps must be a whole number of at least 1, got 1.5"),
        (["trainer.decay=step"], "trainer.decay must be one of constant, linear, cosine; got 'step'"),
        (["schedule.points=0"], "schedule.points must be a whole number of at least 1, got 0"),
        (["suite.max_images=0"], "suite.max_images must be a whole number of at least 1, got 0"),
        (["states.keep=some"], "states.keep must be one of all, selected, none, null; got 'some'"),
        (["tracker.mode=live"], "tracker.mode must be one of online, offline, disabled; got 'live'"),
        (["attack=[]"], "suite.attacks must have at least one attack, got none"),
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
        (["backbone.checkpoint=caf\udce9"], "backbone.checkpoint must be a path in UTF-8, got 'caf\\udce9'"),
        (
            ["backbone.options.proj_drop=1"],
            "backbone.options.proj_drop is not set yet; +backbone.options.proj_drop=...",
        ),
        (["evaluate"], "run must be given: it has no default"),
        (["evaluate", "run=nowhere"], "run must be the directory of a run, with run.json in it; got nowhere"),
        (["report", "run=nowhere"], "run must be the directory of a run, with run.json in it; got nowhere"),
        (["trian"], "unknown command trian; one of train, evaluate, report, data, pretrain, then key=value ..."),
        (["pretrain", "steps=0"], "steps must be a whole number of at least 1, got 0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_with_exit_code_2_and_leaves_nothing_behind(words, tmp_path, given, said):
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


def test_help_names_the_commands_and_the_choices(words):
    code, out, _ = words("--help")
    assert code == 0
    for expected in ("evaluate", "report", "pretrain", "compacter", "cub200", "eps_255"):
        assert expected in out


def test_data_that_is_not_there_ends_with_the_two_ways_to_supply_it(words, tmp_path, monkeypatch):
    for name in ("HF_HUB_CACHE", "HF_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    code, _, err = words("dataset=cub200", "method=compacter")
    assert code == 2
    assert err.count("\n") == 1
    for expected in ("efekankavalci/CUB_200_2011", str(tmp_path / "hub"), "dataset.path=", "hf download"):
        assert expected in err
