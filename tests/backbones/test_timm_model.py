from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
import timm
import torch
from PIL import Image, ImageDraw, ImageFont
from safetensors.torch import load_file, save_file
from timm.layers import resample_abs_pos_embed

from robustft.backbones.checkpoint import find_checkpoint
from robustft.backbones.timm_model import TimmModel

SMALL = {"patch_size": 8, "embed_dim": 48, "depth": 2, "num_heads": 3}


def small(**changes: Any) -> TimmModel:
    settings: dict[str, Any] = {"name": "vit_tiny_patch16_224", "pretrained": False, "resolution": 32, "options": SMALL}
    return TimmModel(**{**settings, **changes})


def head(seed: int, **changes: Any) -> torch.Tensor:
    weight: torch.Tensor = small(**changes).build(classes=10, seed=seed).network.head.weight
    return weight


def test_pixels_to_logits() -> None:
    assert small().build(classes=7, seed=0)(torch.rand(2, 3, 32, 32)).shape == (2, 7)


def test_head_depends_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = head(seed=3)
    torch.rand(17)
    assert torch.equal(head(seed=3), first)
    assert torch.equal(head(seed=3, options={**SMALL, "depth": 1}), first)  # not on how much the rest has drawn
    assert not torch.equal(head(seed=4), first)
    assert first.std().item() == pytest.approx(0.02, rel=0.15)


def test_random_weights_depend_on_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = small().build(classes=2, seed=5).state_dict()
    torch.manual_seed(2)
    again, other = (small().build(classes=2, seed=seed).state_dict() for seed in (5, 6))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["network.blocks.0.attn.qkv.weight"], other["network.blocks.0.attn.qkv.weight"])


def test_global_generator_is_left_as_it_was(glyph_vit: dict[str, Any]) -> None:
    before = torch.get_rng_state()
    small().build(classes=10, seed=0)
    TimmModel(**glyph_vit).build(classes=10, seed=0)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("name", "size"), [("vit_tiny_patch16_224", 224), ("vit_base_patch16_384", 384), ("vit_small_patch14_dinov2", 518)]
)
def test_image_size_is_known_without_building(name: str, size: int) -> None:
    settings = TimmModel(name=name, pretrained=False, options={"depth": 1, "embed_dim": 48, "num_heads": 1})
    assert settings.image_size() == size
    assert settings.build(classes=2, seed=0).network.patch_embed.img_size == (size, size)
    assert TimmModel(name=name, resolution=112).image_size() == 112


def test_resolution_and_normalisation_are_those_of_the_weights_unless_given() -> None:
    own = TimmModel(name="vit_tiny_patch16_224", pretrained=False, options={"depth": 1}).build(classes=2, seed=0)
    assert own.resolution == 224
    assert own.mean.flatten().tolist() == pytest.approx([0.5, 0.5, 0.5])
    clip = TimmModel(name="vit_base_patch32_clip_224.openai", pretrained=False, resolution=64, options={"depth": 1})
    assert clip.build(classes=2, seed=0).mean.flatten().tolist() == pytest.approx([0.4815, 0.4578, 0.4082], abs=1e-4)
    given = small(mean=[0.1, 0.2, 0.3], std=[1, 2, 3]).build(classes=2, seed=0)
    assert given.std.flatten().tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "resolution"),
    [
        ("vit_small_patch14_dinov2", 56),
        ("vit_small_patch14_reg4_dinov2", 56),
        ("deit_tiny_patch16_224", 32),
        ("deit_tiny_distilled_patch16_224", 32),
        ("vit_base_patch16_clip_224", 32),
        ("vit_base_patch16_siglip_224", 32),
    ],
)
def test_every_kind_of_plain_vit_builds(name: str, resolution: int) -> None:
    settings = TimmModel(name=name, pretrained=False, resolution=resolution, options={"depth": 1})
    assert settings.build(classes=5, seed=0)(torch.rand(1, 3, resolution, resolution)).shape == (1, 5)


def test_a_checkpoint_gives_its_weights_and_not_its_head(tmp_path: Path) -> None:
    other = timm.create_model("vit_tiny_patch16_224", img_size=32, num_classes=13, **SMALL)
    save_file(other.state_dict(), tmp_path / "other.safetensors")
    settings = small(checkpoint=str(tmp_path / "other.safetensors"))
    built = settings.build(classes=10, seed=0).network.state_dict()
    saved = other.state_dict()
    assert all(torch.equal(built[name], saved[name]) for name in saved if not name.startswith("head."))
    assert torch.equal(built["head.weight"], head(seed=0))
    assert settings.files() == {"checkpoint": tmp_path / "other.safetensors"}
    assert small().files() == {}


def test_a_checkpoint_without_head_will_do(tmp_path: Path) -> None:
    bare = timm.create_model("vit_tiny_patch16_224", img_size=32, num_classes=0, **SMALL)
    save_file(bare.state_dict(), tmp_path / "bare.safetensors")
    built = small(checkpoint=str(tmp_path / "bare.safetensors")).build(classes=10, seed=0)
    assert torch.equal(built.network.cls_token, bare.cls_token)


def test_position_embedding_is_resampled_to_another_resolution(tmp_path: Path) -> None:
    other = timm.create_model("vit_tiny_patch16_224", img_size=32, num_classes=3, **SMALL)
    save_file(other.state_dict(), tmp_path / "other.safetensors")
    built = small(checkpoint=str(tmp_path / "other.safetensors"), resolution=48).build(classes=10, seed=0)
    assert built(torch.rand(1, 3, 48, 48)).shape == (1, 10)
    expected = resample_abs_pos_embed(other.pos_embed, new_size=[6, 6], old_size=[4, 4])
    torch.testing.assert_close(built.network.pos_embed, expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"depth": 3}, "blocks.2.norm1.weight"),
        ({"depth": 1}, "blocks.1."),
        ({"embed_dim": 96}, "cls_token"),
        ({"patch_size": 4}, r"patch_embed.proj.weight has shape \(48, 3, 8, 8\), not \(48, 3, 4, 4\)"),
        ({"class_token": False, "global_pool": "avg"}, "cls_token"),
    ],
    ids=str,
)
def test_a_checkpoint_that_does_not_fit_is_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    other = timm.create_model("vit_tiny_patch16_224", img_size=32, num_classes=3, **SMALL)
    save_file(other.state_dict(), tmp_path / "other.safetensors")
    settings = small(checkpoint=str(tmp_path / "other.safetensors"), options={**SMALL, **options})
    with pytest.raises(ValueError, match=rf"^checkpoint must hold weights that fit .*{message}") as caught:
        settings.build(classes=10, seed=0)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "name must be the name of a timm model"),
        ({"pretrained": "yes"}, "pretrained must be true or false"),
        ({"resolution": 0}, "resolution must be a whole number of at least 1"),
        ({"resolution": 30}, "resolution must be a multiple of the patch size 8, got 30; the nearest one is 32"),
        ({"resolution": 35}, "resolution must be a multiple of the patch size 8, got 35; the nearest one is 32"),
        ({"resolution": 225, "options": None}, "resolution must be a multiple of the patch size 16, got 225; .* 224"),
        ({"mean": [0.5]}, "mean must be 3 numbers"),
        ({"std": [0.5, 0.5, 0]}, "std must be a number above 0, got 0"),
        ({"options": ["depth"]}, "options must be a mapping"),
        ({"options": {"img_size": 28}}, "options must not hold img_size: use resolution"),
        ({"options": {"num_classes": 3}}, "options must not hold num_classes"),
        ({"checkpoint": "nothing.safetensors"}, "checkpoint must be a safetensors file"),
    ],
    ids=str,
)
def test_mistakes_are_told_when_the_settings_are_made(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        small(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "vit_tiny_patch16_244"}, "name must be a timm model, got 'vit_tiny_patch16_244'; .*_224"),
        (
            {"name": "vit_tiny_patch16_224.nope"},
            r"name must be a timm model, got .*; did you mean vit_tiny_patch16_224",
        ),
        ({"name": "qqqq"}, "name must be a timm model, got 'qqqq'"),
        ({"name": "resnet18."}, r"name must be a timm model, got 'resnet18\.'; did you mean resnet18"),
        ({"name": "resnet*"}, "name must be a timm model, got"),
        ({"name": "hf-hub:timm/resnet18.a1_in1k"}, "name must be a timm model, got 'hf-hub:timm/resnet18.a1_in1k'"),
        ({"name": "resnet18"}, "options must suit timm's resnet18, got .*patch_size"),
        ({"options": {"depht": 2}}, "options must suit timm's vit_tiny_patch16_224, got .*depht"),
        ({"options": {**SMALL, "num_heads": 5}}, "options must suit timm's .*: dim should be divisible by num_heads"),
    ],
    ids=str,
)
def test_mistakes_that_only_timm_can_tell_are_told_when_it_is_built(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        small(**changes).build(classes=10, seed=0)
    assert "\n" not in str(caught.value)


def test_a_patch_size_that_the_name_does_not_tell_is_checked_too() -> None:
    with pytest.raises(ValueError, match=r"^resolution must be a multiple of the patch size 15, got 224"):
        small(resolution=None, options={**SMALL, "patch_size": 15}).build(classes=10, seed=0)


def test_the_packaged_backbone_names_letters(glyph_vit: dict[str, Any]) -> None:
    backbone = TimmModel(**glyph_vit).build(classes=41, seed=0).eval()
    pretrained = load_file(find_checkpoint("package:glyph_vit.safetensors"))
    backbone.network.head.load_state_dict({name: pretrained[f"head.{name}"] for name in ("weight", "bias")})
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    with torch.no_grad():
        named = backbone(torch.stack([_drawn(letter, fonts / "DejaVuSans.ttf") for letter in letters])).argmax(1)
    assert (named == torch.arange(26)).sum() >= 22


def _drawn(letter: str, font: Path) -> torch.Tensor:
    image = Image.new("L", (28, 28))
    ImageDraw.Draw(image).text((14, 14), letter, fill=255, font=ImageFont.truetype(str(font), 22), anchor="mm")
    return torch.from_numpy(np.asarray(image) / 255).float().expand(3, 28, 28)


def test_settings_load_nothing_heavy() -> None:
    code = (
        "import sys\n"
        "from robustft.backbones.timm_model import TimmModel\n"
        "TimmModel(name='vit_base_patch16_224', resolution=224, checkpoint='package:glyph_vit.safetensors')\n"
        "heavy = {'torch', 'timm', 'transformers', 'adapters', 'huggingface_hub'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], check=True)
