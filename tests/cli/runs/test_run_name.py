"""A run directory is named by what the run is."""

from __future__ import annotations

import pytest
from hydra import compose, initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from robustft.cli.app import conf_dir
from robustft.cli.runs import run_name
from tests.data.pictures import domain_folder

DIGITS = "multirun/default/digits/glyph_vit/bitfit"


def test_a_name_that_is_too_long_for_a_file_system_is_cut_and_stays_unique():
    run_name.register()
    names = set()
    for last in ("fog", "frost"):
        corruptions = ["gaussian_noise", "shot_noise", "impulse_noise", "defocus_blur", "glass_blur", "motion_blur"]
        corruptions += [
            "zoom_blur",
            "snow",
            "brightness",
            "contrast",
            "elastic_transform",
            "pixelate",
            "saturate",
            last,
        ]
        given = [
            f"suite.corruptions=[{','.join(corruptions)}]",
            "trainer.learning_rate=0.00123",
            "trainer.weight_decay=0.5",
        ]
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            config = compose("train", overrides=given, return_hydra_config=True)
            names.add(OmegaConf.select(config, "hydra.run.dir").rpartition("/")[2])
    assert len(names) == 2
    assert all(len(name) == run_name.LONGEST_NAME and name.startswith("seed-0+") for name in names)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([], f"{DIGITS}/seed-0"),
        (["seed=3"], f"{DIGITS}/seed-3"),
        (["trainer.max_steps=50"], f"{DIGITS}/seed-0+max_steps-50"),
        (["trainer.max_steps=200", "schedule=lab"], f"{DIGITS}/seed-0"),
        (["tracker.mode=disabled", "trainer.accelerator=cpu", "suite.batch_size=7"], f"{DIGITS}/seed-0"),
        (["threat_model.eps_255=4", "attack.pgd.steps=3"], f"{DIGITS}/seed-0+eps_255-4+steps-3"),
        (["schedule=paper", "trainer=paper"], f"{DIGITS}/seed-0+schedule-paper+trainer-paper"),
        (["schedule=paper", "trainer.max_steps=9"], f"{DIGITS}/seed-0+max_steps-9+schedule-paper"),
        (["method=lora", "method.rank=4"], "multirun/default/digits/glyph_vit/lora/seed-0+rank-4"),
        (["trainer.augment=[flip,crop]"], f"{DIGITS}/seed-0+augment-flip_crop"),
        (
            ["dataset=cifar10", "dataset.resize=crop"],
            "multirun/default/cifar10/vit_base_in21k/bitfit/seed-0+resize-crop",
        ),
        (
            ["dataset=domainnet_sketch", "dataset.path=/data/d"],
            "multirun/default/domainnet-sketch/vit_base_in21k/bitfit/seed-0",
        ),
        (["trainer.max_steps=50.0", "seed=0.0"], f"{DIGITS}/seed-0+max_steps-50"),
        (["attack.pgd.opening=[2.0,1]", "attack.pgd.steps=15.0"], f"{DIGITS}/seed-0+opening-2_1"),
        (["study.name=mine"], "multirun/mine/digits/glyph_vit/bitfit/seed-0"),
        (["study.name=.."], "multirun/none/digits/glyph_vit/bitfit/seed-0"),
        (["study.name=../../x"], "multirun/x/digits/glyph_vit/bitfit/seed-0"),
        (["dataset=cub200"], "multirun/default/cub200/vit_base_in21k/bitfit/seed-0"),
        (["dataset=domainnet"], "multirun/default/domainnet-real/vit_base_in21k/bitfit/seed-0"),
        (
            ["dataset=domainnet", "dataset.source=sketch"],
            "multirun/default/domainnet-sketch/vit_base_in21k/bitfit/seed-0",
        ),
        (
            ["dataset=domains", "dataset.path=/data/pacs", "dataset.source=photo"],
            "multirun/default/pacs-photo/vit_base_in21k/bitfit/seed-0",
        ),
        (["dataset=folder", "dataset.path=/data/my birds"], "multirun/default/my-birds/vit_base_in21k/bitfit/seed-0"),
        (
            ["backbone=timm", "backbone.name=vit_small_patch14_dinov2.lvd142m", "backbone.pretrained=false"],
            "multirun/default/digits/vit_small_patch14_dinov2.lvd142m/bitfit/seed-0+pretrained-false",
        ),
        (["+backbone.options.proj_drop_rate=0.1"], f"{DIGITS}/seed-0+proj_drop_rate-0.1"),
        (
            ["dataset=hub", "dataset.path=/data/birds", "dataset.config=full"],
            "multirun/default/birds-full/vit_base_in21k/bitfit/seed-0",
        ),
        (["shift=[hub]", "shift.hub.path=/a/b", "shift.hub.config=c"], f"{DIGITS}/seed-0+shift-b-c"),
        (["shift=[]", "suite.corruptions=null", "suite.attack_ood=false"], f"{DIGITS}/seed-0"),
        (["shift=[stl10]", "shift.stl10.path=/data/stl"], f"{DIGITS}/seed-0+shift-stl10"),
        (["shift=[stl10,digits]", "seed=1"], f"{DIGITS}/seed-1+shift-stl10-digits"),
        (["shift=[folder]", "shift.folder.path=/data/my birds"], f"{DIGITS}/seed-0+shift-my-birds"),
        (
            ["shift=[domains]", "shift.domains.path=/data/pacs", "shift.domains.source=photo"],
            f"{DIGITS}/seed-0+shift-pacs-photo",
        ),
        (["suite.corruptions=all"], f"{DIGITS}/seed-0+corruptions-all"),
        (["pretext=none"], f"{DIGITS}/seed-0"),
        (["pretext=jigsaw"], "multirun/default/digits-jigsaw/glyph_vit/bitfit/seed-0"),
        (
            ["pretext=rotation", "objective=pgd_at", "objective.inner.share=0.5", "method=full"],
            "multirun/default/digits-rotation/glyph_vit/full/seed-0+objective-pgd_at+objective.inner.share-0.5",
        ),
        (
            ["dataset=domains", "dataset.path=/data/pacs", "dataset.source=photo", "pretext=rotation"],
            "multirun/default/pacs-photo-rotation/vit_base_in21k/bitfit/seed-0",
        ),
        (["attack=[pgd]", "suite.compile=true", "suite.precision=auto"], f"{DIGITS}/seed-0"),
        (["attack=[pgd,autoattack]"], f"{DIGITS}/seed-0+attack-pgd-autoattack"),
        (["attack=[pgd,square]", "attack.square.queries=9"], f"{DIGITS}/seed-0+attack-pgd-square+queries-9"),
        (["threat_model=l2", "suite.precision=bf16"], f"{DIGITS}/seed-0+precision-bf16+threat_model-l2"),
        (
            ["suite.corruptions=[fog,snow]", "suite.severities=[5]", "suite.attack_ood=true"],
            f"{DIGITS}/seed-0+attack_ood-true+corruptions-fog_snow+severities-5",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_it_says_what_differs_from_the_default_and_nothing_else(given, expected):
    run_name.register()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        config = compose("train", overrides=given, return_hydra_config=True)
        assert OmegaConf.select(config, "hydra.run.dir") == expected


@pytest.mark.parametrize("multirun", [False, True])
def test_a_directory_of_before_with_commas_is_found_and_one_of_today_comes_first(tmp_path, monkeypatch, multirun):
    monkeypatch.chdir(tmp_path)
    run_name.register()
    given = ["trainer.max_steps=50", "attack.pgd.steps=3", "hydra.sweep.dir=elsewhere"]
    former, today = "seed-0,max_steps-50,steps-3", "seed-0+max_steps-50+steps-3"
    key, place = ("hydra.sweep.subdir", "elsewhere") if multirun else ("hydra.run.dir", "multirun")
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        config = compose("train", overrides=given, return_hydra_config=True)
        directory = tmp_path / place / DIGITS.removeprefix("multirun/")
        assert OmegaConf.select(config, key).endswith(today)
        (directory / former).mkdir(parents=True)
        assert OmegaConf.select(config, key).endswith(former)
        (directory / today).mkdir()
        assert OmegaConf.select(config, key).endswith(today)


STUDY = (
    "dataset=cifar10,cifar100,caltech256,cub200,stanford_dogs,domainnet_clipart,domainnet_infograph,domainnet_painting,"
    "domainnet_quickdraw,domainnet_real,domainnet_sketch",
    "method=adapter,bitfit,compacter,full,ia3,linear_probe,lora",
    "seed=0,1,2",
)


def test_the_study_is_a_plain_product_of_231_runs_in_directories_of_their_own():
    run_name.register()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        hydra = compose("train", return_hydra_config=True)
        loader = GlobalHydra.instance().config_loader()
        overrides = OverridesParser.create(config_loader=loader).parse_overrides(list(STUDY))
        jobs = BasicSweeper.split_arguments(overrides, max_batch_size=None)[0]
        assert len({tuple(job) for job in jobs}) == 231
        # The seed decides the last level alone, which one data set shows; composing all would take a minute.
        composed = [job for job in jobs if "seed=0" in job or "dataset=domainnet_real" in job]
        assert len(composed) == 11 * 7 + 7 * 2
        found = {
            tuple(job): OmegaConf.select(loader.load_sweep_config(hydra, job), "hydra.sweep.subdir").split("/")
            for job in composed
        }
    for (dataset, method, seed), levels in found.items():
        assert levels[0] == "default"
        assert levels[1] == dataset.removeprefix("dataset=").replace("domainnet_", "domainnet-")
        assert levels[2:] == ["vit_base_in21k", method.removeprefix("method="), seed.replace("=", "-")]


def test_a_long_data_sets_name_is_a_name_that_file_systems_take(words, tmp_path):
    place = domain_folder(tmp_path / ("x" * 200), domains=("photo", "y" * 99))
    code, _, err = words(
        "dataset=domains", f"dataset.path={place}", f"dataset.source={'y' * 99}", "trainer.batch_size=0"
    )
    assert (code, err[:30]) == (2, "robustft: trainer.batch_size m")
