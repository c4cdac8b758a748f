"""What a user writes is what Hydra takes, whatever the spelling."""

from __future__ import annotations

import pytest

from robustft.cli.command_line.groups import PARTS, choices, conf_dir, takes_a_list
from robustft.cli.command_line.spellings import understood
from robustft.cli.user_errors import Mistake

GROUPS = sorted(path.name for path in conf_dir().iterdir() if path.is_dir() and path.name not in PARTS)


def read(*words: str, command: str = "train", multirun: bool = False) -> list[str]:
    return understood(words, command=command, multirun=multirun)


@pytest.mark.parametrize("choice", [f"{group}={name}" for group in GROUPS for name in choices(group)])
def test_every_choice_is_known_in_any_case_and_with_any_separator(choice):
    group, _, name = choice.partition("=")
    expected = f"{group}=[{name}]" if group in ("attack", "shift") else choice
    for written in (name, name.upper(), name.title(), name.replace("_", "-"), name.replace("_", " ")):
        assert read(f"{group}={written}") == [expected]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("method=LoRA", "method=lora"),
        ("method=(IA)^3", "method=ia3"),
        ("method=LinearProbe", "method=linear_probe"),
        ("dataset=CIFAR-10", "dataset=cifar10"),
        ("attack=[PGD, AutoAttack]", "attack=[pgd,autoattack]"),
        ("attack=APGD-CE", "attack=[apgd_ce]"),
        ("attack=", "attack=[]"),
        ("shift=null", "shift=[]"),
        ("threat_model.norm=Linf", "threat_model.norm=linf"),
        ("trainer.accelerator=CUDA", "trainer.accelerator=gpu"),
        ("accelerator=cuda", "trainer.accelerator=gpu"),
        ("method=mine", "method=mine"),
        ("tracker.project=LoRA", "tracker.project=LoRA"),
        ("+shift.other.path=/a b", '+shift.other.path="/a b"'),
        ("dataset.path=/a,b=c", 'dataset.path="/a,b=c"'),
        ("run=[a/seed-0+max_steps-50, b c]", 'run=["a/seed-0+max_steps-50","b c"]'),
        ("run=['a,b',c]", "run=['a,b',c]"),
        ("~attack", "~attack"),
    ],
)
def test_spellings(written, meant):
    assert read(written) == [meant]


def test_evaluate_has_an_accelerator_of_its_own():
    assert read("accelerator=cuda", command="evaluate") == ["accelerator=gpu"]


def test_the_groups_of_which_several_may_be_chosen_are_found_in_the_files():
    assert [group for group in GROUPS if takes_a_list(group)] == ["attack", "shift"]


def test_brackets_where_one_is_chosen_are_refused():
    with pytest.raises(Mistake, match=r"got \[LoRA\]; -m method=LoRA for several runs"):
        read("method=[LoRA]")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("attack=fgsm,PGD", "attack=[fgsm],[pgd]"),
        ("attack=[fgsm,pgd],autoattack", "attack=[fgsm,pgd],[autoattack]"),
        ("attack=glob(apgd*)", "attack=[apgd_ce],[apgd_dlr],[apgd_t]"),
        ("attack=glob(apgd*,exclude=*_t)", "attack=[apgd_ce],[apgd_dlr]"),
        ("attack=choice(PGD,fgsm)", "attack=[pgd],[fgsm]"),
        ("shift=stl10", "shift=[stl10]"),
        ("method=LoRA,Full", "method=lora,full"),
        ("method=glob(*)", "method=glob(*)"),
        ("threat_model.norm=Linf,L2", "threat_model.norm=linf,l2"),
        ("dataset.path=/a=b/c d", 'dataset.path="/a=b/c d"'),
        ("dataset.path=/a=b/c,d", 'dataset.path="/a=b/c,d"'),
        ("dataset.path=/a,/b=1", 'dataset.path="/a","/b=1"'),
        ("output=a.png,b.png", 'output="a.png","b.png"'),
        ("dataset.path=choice(/a,/b)", "dataset.path=choice(/a,/b)"),
    ],
)
def test_in_a_sweep_a_comma_stands_between_runs(written, meant):
    assert read(written, multirun=True) == [meant]


def test_a_path_with_a_comma_that_is_there_is_one_path_in_a_sweep_too(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("one,two", "one", "two", "three"):
        (tmp_path / name).mkdir()
    assert read("run=one,two", multirun=True) == ['run="one,two"']
    assert read("run=one,three", multirun=True) == ['run="one","three"']
    assert read(f"run={tmp_path}/one,three", multirun=True) == [f'run="{tmp_path}/one","three"']


def test_lists_without_brackets_run_and_are_the_lists(words):
    bare, listed = (words("--cfg", "job", f"attack={value}")[1] for value in ("fgsm", "[fgsm]"))
    assert bare == listed
    assert "fgsm:" in bare
    assert words("--cfg", "job", "evaluate", "shift=STL10")[1].count("stl10:") == 1
