"""Opens timm's ViTs to the `adapters` library. Imported only when a method needs it: transformers takes a while.

`adapters` changes models of transformers, or any `PreTrainedModel` that tells it where its layers are.
"""

from __future__ import annotations

from typing import Any, cast

import adapters
import torch
from adapters import AdapterConfig, AdapterModelInterface
from adapters.composition import Stack
from adapters.interface import AdapterMethod
from adapters.methods.lora import LoRAMergedLinear
from torch import Tensor, nn
from transformers import PretrainedConfig, PreTrainedModel

from robustft.methods.blocks import check_blocks, width

ADAPTER = "tuned"


class AdapterShell(PreTrainedModel):
    """A timm ViT that `adapters` takes for a transformers model.

    It holds what adapters share across blocks (Compacter's PHM rule) and hands it down in every forward pass, so it,
    not the ViT inside, is what must be called, copied and saved.
    """

    config_class = PretrainedConfig

    def __init__(self, vit: Any) -> None:
        super().__init__(PretrainedConfig(hidden_size=width(vit)))
        self.vit = vit

    def get_input_embeddings(self) -> nn.Module:
        embedding: nn.Module = self.vit.patch_embed
        return embedding

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes) of normalised images (N, 3, H, W)."""
        logits: Tensor = self.vit(images)
        return logits


class FusedQkv(LoRAMergedLinear):
    """The library's layer for a fused q, k, v, with a faster `pad`.

    The library writes through a boolean mask that it keeps on the CPU. On a small ViT that is a quarter of the time of
    a pass with LoRA; on a GPU the mask is copied there in every block.
    """

    def pad(self, x: Tensor, lora: Any, fill_value: float | None = None) -> Tensor:
        """`x` (..., those of q, k, v that are adapted) with the neutral element in the others' place."""
        if all(lora.enable_lora):
            return x
        if fill_value is None:
            fill_value = 0 if lora.composition_mode == "add" else 1
        size = self.out_features // 3
        neutral = x.new_full((*x.shape[:-1], size), fill_value)
        parts = iter(x.split(size, dim=-1))
        return torch.cat([next(parts) if enabled else neutral for enabled in lora.enable_lora], dim=-1)


def add_adapters(vit: nn.Module, preset: str, **settings: Any) -> AdapterShell:
    """A shell around the frozen `vit`, whose blocks now hold adapters: only what the library added is trainable.

    preset, settings: name of a configuration of `adapters`, and what to change in it.
    """
    check_blocks(vit)  # the library checks the first one only, and leaves out what the others lack
    config = AdapterConfig.load(preset, **settings)
    theirs = {id(parameter) for parameter in vit.parameters()}
    shell: Any = AdapterShell(vit)  # `adapters` swaps its class for one with more methods
    adapters.init(shell, interface=_interface(AdapterMethod.get_from_config(config)))
    for module in shell.modules():
        if isinstance(module, LoRAMergedLinear):
            module.__class__ = FusedQkv
    shell.add_adapter(ADAPTER, config=config)
    shell.adapters_config.active_setup = Stack(ADAPTER)  # set_active_adapters would warn that none is active yet
    for parameter in shell.parameters():
        parameter.requires_grad_(id(parameter) not in theirs)
    return cast(AdapterShell, shell)


def _interface(kinds: list[str]) -> AdapterModelInterface:
    return AdapterModelInterface(
        adapter_methods=kinds,
        model_embeddings="vit.patch_embed",
        model_layers="vit.blocks",
        layer_self_attn="attn",
        layer_cross_attn=None,
        attn_qkv_proj="qkv",
        attn_o_proj="proj",
        layer_intermediate_proj="mlp.fc1",
        layer_output_proj="mlp.fc2",
        layer_pre_self_attn="norm1",
        layer_pre_ffn="norm2",
    )
