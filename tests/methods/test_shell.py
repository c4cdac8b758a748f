"""The shell against `adapters`' own ViT, and what the library must not be given."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import timm
import torch
from adapters import CompacterConfig, DoubleSeqBnConfig, IA3Config, LoRAConfig, ViTAdapterModel
from adapters.methods.lora import LoRAMergedLinear
from torch import nn
from transformers import ViTConfig

from robustft.methods.bottleneck_adapter import BottleneckAdapter
from robustft.methods.compacter import Compacter
from robustft.methods.full import Full
from robustft.methods.ia3 import IA3
from robustft.methods.lora import Lora
from robustft.methods.method import Method
from robustft.methods.shell import FusedQkv

# The study's settings in the library's own words, written without looking at ours. LoRA has alpha = 2 r here, because
# a wrong factor would not show at alpha = r.
LIBRARY: dict[str, Any] = {
    "lora": LoRAConfig(r=8, alpha=16, intermediate_lora=True, output_lora=True, attn_matrices=["q", "k", "v"]),
    "adapter": DoubleSeqBnConfig(reduction_factor=8, non_linearity="gelu"),
    "compacter": CompacterConfig(),
    "ia3": IA3Config(output_lora=True),
}
OURS: dict[str, Method] = {
    "lora": Lora(alpha=16),
    "adapter": BottleneckAdapter(),
    "compacter": Compacter(),
    "ia3": IA3(),
}
HF_BLOCK = {
    "norm1": "layernorm_before",
    "attn.proj": "attention.output.dense",
    "norm2": "layernorm_after",
    "mlp.fc1": "intermediate.dense",
    "mlp.fc2": "output.dense",
    "attention_adapters": "attention_adapters",
    "output_adapters": "output.output_adapters",
}


@pytest.fixture(scope="module")
def vit_base() -> nn.Module:
    torch.manual_seed(0)
    network: nn.Module = timm.create_model("vit_base_patch16_224", num_classes=10).eval()
    with torch.no_grad():  # timm starts with zero biases, which would hide a bias in the wrong place
        for name, parameter in network.named_parameters():
            if name.endswith("bias"):
                parameter.normal_(std=0.1)
    return network


@pytest.fixture(scope="module")
def library_vit(vit_base: nn.Module) -> Any:
    """`adapters`' ViT with the same weights, and all four adapters, none of them active."""
    model = ViTAdapterModel(ViTConfig(layer_norm_eps=1e-6)).eval()
    for name, config in LIBRARY.items():
        model.add_adapter(name, config=config)
    _copy_into(model, "", dict(vit_base.named_parameters()))
    return model


@pytest.mark.parametrize("name", LIBRARY)
def test_logits_agree_with_the_librarys_own_vit(name: str, vit_base: nn.Module, library_vit: Any) -> None:
    images = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    network = OURS[name].apply(copy.deepcopy(vit_base))
    torch.manual_seed(2)
    with torch.no_grad():
        for parameter in (p for p in network.parameters() if p.requires_grad):
            parameter.add_(torch.randn_like(parameter), alpha=0.05)
        _copy_into(library_vit, name, dict(network.named_parameters()))
        library_vit.active_adapters = name
        logits = network(images)
        torch.testing.assert_close(logits, _library_logits(library_vit, images, network.vit.head), rtol=0, atol=1e-4)
        library_vit.active_adapters = None
        assert (
            logits - _library_logits(library_vit, images, network.vit.head)
        ).abs().max() > 1e-2  # not for want of effect


def test_without_adapters_logits_agree_too(vit_base: nn.Module, library_vit: Any) -> None:
    images = torch.randn(1, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    network: Any = Full().apply(copy.deepcopy(vit_base))
    library_vit.active_adapters = None
    with torch.no_grad():
        torch.testing.assert_close(
            network(images), _library_logits(library_vit, images, network.head), rtol=0, atol=1e-4
        )


def _library_logits(model: Any, images: torch.Tensor, head: nn.Module) -> torch.Tensor:
    logits: torch.Tensor = head(model(images).last_hidden_state[:, 0])
    return logits


def _copy_into(model: Any, adapter: str, ours: dict[str, torch.Tensor]) -> None:
    """Our parameters, by our names, into the library's model; every one must find its place."""
    theirs = dict(model.named_parameters())
    with torch.no_grad():
        for name, value in ours.items():
            name = name.removeprefix("vit.")
            if name.startswith("head."):
                continue
            for place, part in _places(name.replace(".tuned.", f".{adapter}."), value):
                assert theirs[place].shape == part.shape, place
                theirs[place].copy_(part)


def _places(name: str, value: torch.Tensor) -> list[tuple[str, torch.Tensor]]:
    """Where a parameter of timm's ViT goes in transformers' ViT: one place, or several if q, k and v are fused."""
    outside = {
        "cls_token": "vit.embeddings.cls_token",
        "pos_embed": "vit.embeddings.position_embeddings",
        "patch_embed.proj.weight": "vit.embeddings.patch_embeddings.projection.weight",
        "patch_embed.proj.bias": "vit.embeddings.patch_embeddings.projection.bias",
        "norm.weight": "vit.layernorm.weight",
        "norm.bias": "vit.layernorm.bias",
    }
    if name in outside:
        return [(outside[name], value)]
    if name.startswith("shared_parameters."):
        return [(f"vit.{name}", value)]
    _, index, inside = name.split(".", 2)
    layer = f"vit.encoder.layer.{index}."
    if inside.startswith("attn.qkv."):
        rest = inside.removeprefix("attn.qkv.")
        # (IA)^3 has k and v only: 2 parts of 768, and LoRA's A has 3 parts of r = 8
        parts = ["key", "value"] if value.shape[0] == 2 * 768 else ["query", "key", "value"]
        values = value.chunk(len(parts))
        return [(f"{layer}attention.attention.{part}.{rest}", v) for part, v in zip(parts, values, strict=True)]
    for ours, theirs in HF_BLOCK.items():
        if inside.startswith(f"{ours}."):
            return [(layer + theirs + inside.removeprefix(ours), value)]
    raise AssertionError(f"no place for {name}")


@pytest.mark.parametrize("enabled", [[True, True, True], [False, True, True], [True, False, False]], ids=str)
@pytest.mark.parametrize("mode", ["add", "scale"])
def test_our_pad_equals_the_librarys(enabled: list[bool], mode: str) -> None:
    layer: Any = FusedQkv.__new__(FusedQkv)
    nn.Module.__init__(layer)
    layer.out_features = 12
    lora: Any = nn.Module()
    lora.enable_lora, lora.composition_mode = enabled, mode
    lora.attn_matrices = [name for name, on in zip("qkv", enabled, strict=True) if on]
    lora.lora_ind = torch.tensor(enabled).repeat_interleave(4)
    x = torch.randn(2, 5, 4 * sum(enabled))
    assert torch.equal(layer.pad(x, lora), LoRAMergedLinear.pad(layer, x, lora))


@pytest.mark.parametrize("method", OURS.values(), ids=OURS)
def test_blocks_without_what_adapters_need_are_refused_in_one_line(method: Method) -> None:
    swiglu = timm.layers.SwiGLU
    network = timm.create_model("vit_tiny_patch16_224", img_size=16, depth=1, num_classes=2, mlp_layer=swiglu)
    with pytest.raises(ValueError, match=r"^network must have .*; blocks.0 of VisionTransformer lacks mlp.fc1$"):
        method.apply(network)


@pytest.mark.parametrize("method", OURS.values(), ids=OURS)
def test_a_network_that_is_no_vit_is_refused(method: Method) -> None:
    with pytest.raises(ValueError, match=r"^network must be a timm ViT, got Linear$"):
        method.apply(nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"^network must be a timm ViT, got AdapterShell$"):
        method.apply(method.apply(timm.create_model("vit_tiny_patch16_224", img_size=16, depth=1, num_classes=2)))
