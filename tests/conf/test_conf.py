"""Every file of conf/ composes, and what it describes builds."""

from __future__ import annotations

from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from robustft.cli.app import COMMANDS, conf_dir
from robustft.cli.build import build, parts_of
from robustft.cli.command_line.groups import choices
from robustft.cli.runs.identity import settings
from robustft.study.run_file import run_id
from robustft.training.fine_tune import evaluated_steps

GROUPS = sorted(path for path in conf_dir().iterdir() if path.is_dir() and path.name not in ("inner", "source"))
"""Those that a command line chooses from; the others are what data sets, shift sets and objectives are made of."""
NEEDED = {
    "backbone=timm": ["backbone.name=vit_small_patch16_224"],
    "dataset=folder": ["dataset.path=pictures"],
    "dataset=domains": ["dataset.path=pictures", "dataset.source=photo"],
    "dataset=hub": ["dataset.hub_id=somebody/something"],
    "objective=dcm": ["objective.uncertain=misclassified"],
    "shift=[folder]": ["shift.folder.path=pictures"],
    "shift=[domains]": ["shift.domains.path=pictures", "shift.domains.source=photo"],
    "shift=[hub]": ["shift.hub.hub_id=somebody/something"],
}
"""What a choice leaves to the user."""

STUDY_DATA = ("cifar10", "cifar100", "caltech256", "cub200", "stanford_dogs", "domainnet")
METHODS = str(OmegaConf.load(conf_dir() / "study/paper.yaml").hydra.sweeper.params.method).split(",")
"""Of the paper's study."""


def composed(*words: str, command: str = "train") -> DictConfig:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose(command, overrides=list(words))


@pytest.mark.parametrize(
    "choice",
    [
        f"{group.name}=[{path.stem}]" if group.name == "shift" else f"{group.name}={path.stem}"
        for group in GROUPS
        for path in group.glob("*.yaml")
    ],
)
def test_every_choice_composes_and_builds(choice):
    parts_of(composed(choice, *NEEDED.get(choice, [])))


def with_other_numbers(value):
    """15 as 15.0 and 8.0 as 8, all the way down."""
    if isinstance(value, dict):
        return {key: with_other_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_other_numbers(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


def described(value):
    """The object with its types: 15.0 is another text than 15."""
    if isinstance(value, dict):
        return {key: described(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [described(inner) for inner in value]
    inside = getattr(value, "__dict__", None)
    plain = inside is None or isinstance(value, Path)
    return repr(value) if plain else (type(value), described(inside))


@pytest.mark.parametrize(
    "choice",
    [
        f"{group.name}=[{path.stem}]" if group.name in ("shift", "attack") else f"{group.name}={path.stem}"
        for group in GROUPS
        for path in group.glob("*.yaml")
    ],
)
def test_a_whole_number_as_float_and_a_float_as_whole_number_are_the_same_object_and_the_same_run(choice):
    config = composed(choice, *NEEDED.get(choice, []))
    given = OmegaConf.to_container(config, resolve=True)
    other = OmegaConf.create(with_other_numbers(given))
    one_run, other_run = (described(vars(parts_of(each))) for each in (config, other))
    assert one_run == other_run
    assert run_id(settings(config)) == run_id(settings(other))
    for name, attack in parts_of(config).suite.attacks.items():
        assert parts_of(other).suite.attacks[name].settings_hash == attack.settings_hash


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_its_file(command):
    assert composed(command=command)


def test_there_is_no_other_file():
    assert {path.stem for path in Path(conf_dir()).glob("*.yaml")} == {*COMMANDS, "launch", "rates"}


def test_every_source_is_read_by_a_data_set_or_a_shift_set_and_says_alone_where_it_lies():
    """`hub_id` is written in one file, whoever uses it."""
    users = [path for group in ("dataset", "shift", "source") for path in (conf_dir() / group).glob("*.yaml")]
    for source in choices("source"):
        assert any(
            f"@dataset: {source}\n" in path.read_text() or f"@_here_: {source}\n" in path.read_text() for path in users
        )
    ids = [line for path in users for line in path.read_text().splitlines() if line.startswith("hub_id: ")]
    assert len(ids) == len(set(ids)) == 9


@pytest.mark.parametrize("dataset", STUDY_DATA)
@pytest.mark.parametrize("method", METHODS)
def test_the_study_composes_to_the_papers_setting_by_itself(dataset, method):
    config = composed(f"dataset={dataset}", f"method={method}")
    parts = parts_of(config)
    assert parts.backbone.name == "vit_base_patch16_224.orig_in21k"
    assert parts.backbone.image_size() == 224
    assert (parts.suite.threat_model.norm, parts.suite.threat_model.eps_255) == ("linf", 1)
    assert (parts.suite.attacks["pgd"].steps, parts.suite.attacks["pgd"].step_size_255) == (15, None)
    assert parts.schedule.steps(3000) == (0, *range(50, 701, 50), 1000, 2000, 3000)
    plan = parts.plan
    assert (plan.epochs, plan.max_steps, plan.batch_size, plan.weight_decay) == (20, None, 128, 0.01)
    expected = (2e-5, "linear", 0) if method == "full" else (5e-4, "cosine", 0.1)
    assert (plan.learning_rate, plan.decay, plan.warmup_fraction) == expected


def test_the_command_line_wins_over_what_a_data_set_chooses():
    config = composed(
        "dataset=cub200", "schedule=log", "backbone=glyph_vit", "threat_model.eps_255=4", "trainer.learning_rate=0.1"
    )
    assert config.schedule._target_.endswith("Log")
    assert config.backbone.resolution == 28
    assert config.threat_model.eps_255 == 4
    assert config.trainer.learning_rate == 0.1
    assert composed("schedule=paper", "threat_model.eps_255=2").threat_model.eps_255 == 2


SOURCES = ("clipart", "infograph", "painting", "quickdraw", "real", "sketch")


@pytest.mark.parametrize("source", SOURCES)
def test_a_domain_as_a_choice_is_the_same_run_as_the_domain_as_a_key(source):
    by_choice, by_key = (
        composed(f"dataset=domainnet_{source}"),
        composed("dataset=domainnet", f"dataset.source={source}"),
    )
    assert by_choice == by_key
    assert build(by_choice, "dataset").name == f"domainnet-{source}"


def test_a_revision_is_there_to_pin_but_is_not_what_a_run_is():
    for dataset in STUDY_DATA:
        config = composed(f"dataset={dataset}", "dataset.revision=v1.0")
        assert settings(config) == settings(composed(f"dataset={dataset}"))


def test_the_ways_to_resize_are_different_runs():
    runs = [settings(composed("dataset=cifar10", f"dataset.resize={resize}")) for resize in ("squash", "crop")]
    assert settings(composed("dataset=cifar10")) == runs[0] != runs[1]


def test_augmentation_is_off_by_default_and_part_of_what_a_run_is():
    assert composed("dataset=cifar10").trainer.augment == composed().trainer.augment == []
    with_flip = composed("dataset=cifar10", "trainer.augment=[flip]")
    assert parts_of(with_flip).plan.augment == ["flip"]
    assert settings(with_flip) != settings(composed("dataset=cifar10"))


@pytest.mark.parametrize("method", METHODS)
def test_the_released_preset_has_the_scripts_schedule_warmup_and_attack(method):
    parts = parts_of(composed("study=released", "dataset=cifar10", f"method={method}"))
    assert len(parts.schedule.steps(7020)) == 17
    assert parts.plan.warmup_steps == (0 if method == "full" else 800)
    assert parts.suite.attacks["pgd"].success == "last"
    assert parts.backbone.mean == [0.5, 0.5, 0.5]
    plan = parts.plan
    assert (plan.gradient_clip, plan.weight_decay_on, plan.drop_last, plan.warmup_from_zero) == (
        1,
        "matrices",
        False,
        True,
    )
    assert plan.rate_factor(0, 7040) == (1 if method == "full" else 0)
    assert evaluated_steps(parts.schedule, plan, images=45_000)[-1] == 7040


def test_the_guides_protocols_train_as_its_paper_says():
    plan = parts_of(composed("protocol=full_5", "dataset=cifar10")).plan
    assert (plan.epochs, plan.max_steps, plan.beta2, plan.weight_decay_on) == (5, None, 0.95, "matrices")


def test_the_papers_trainer_clips_and_spares_biases_and_norms_and_the_labs_does_neither():
    def settings_of(*words):
        plan = parts_of(composed(*words)).plan
        return plan.gradient_clip, plan.weight_decay_on, plan.drop_last, plan.warmup_from_zero

    assert settings_of("dataset=cifar10") == (1, "matrices", True, False)
    assert settings_of() == settings_of("dataset=cifar10", "trainer=lab") == (None, "all", True, False)
    assert settings_of("study=released", "trainer=lab") == (1, "matrices", False, True)


def test_the_lab_has_its_own_rates():
    for method, rate in (("full", 3e-4), ("linear_probe", 5e-3), ("bitfit", 5e-3)):
        plan = parts_of(composed(f"method={method}")).plan
        assert (plan.learning_rate, plan.decay, plan.max_steps) == (rate, "constant", 200)
    assert len(parts_of(composed()).schedule.steps(200)) == 8


def test_every_norm_is_a_choice_with_a_size_of_its_own_on_every_data_set():
    for dataset in ("digits", "cifar10"):
        for norm, eps in (("linf", 1 / 255), ("l2", 0.5), ("l1", 12)):
            threat_model = parts_of(composed(f"dataset={dataset}", f"threat_model={norm}")).suite.threat_model
            assert (threat_model.norm, threat_model.eps) == (norm, pytest.approx(eps))
    assert parts_of(composed("dataset=digits")).suite.threat_model.eps_255 == 8


def test_how_the_search_computes_is_named_by_the_run_only_where_it_is_chosen():
    usual = settings(composed())
    assert "precision" not in usual["suite"]
    assert settings(composed("suite.compile=true")) == usual
    assert settings(composed("suite.precision=bf16")) != usual


def test_no_value_is_left_to_resolve():
    OmegaConf.to_container(composed(), resolve=True, throw_on_missing=True)


def test_a_method_needs_no_rates_of_its_own(tmp_path):
    (tmp_path / "method").mkdir()
    (tmp_path / "method/mine.yaml").write_text("_target_: robustft.methods.LinearProbe\n")
    search = f"hydra.searchpath=[file://{tmp_path}]"
    mine, ours = (parts_of(composed(search, f"method={name}")).plan for name in ("mine", "linear_probe"))
    assert mine == ours
