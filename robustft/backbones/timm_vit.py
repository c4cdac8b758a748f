"""Vision transformers of timm, with pre-trained weights from a file or the hub and a new head."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustft import checks
from robustft.backbones.checkpoint import find_checkpoint, tensor_shapes
from robustft.backbones.hub_weights import hub_weights
from robustft.canonical_hash import canonical

if TYPE_CHECKING:
    from timm.models.vision_transformer import VisionTransformer

    from robustft.backbones.backbone import Backbone

PLAIN_VIT_MODULES = ("vision_transformer", "deit")
SET_BY_US = {"img_size": "resolution", "pretrained": "pretrained", "checkpoint_path": "checkpoint"}
NOT_OPTIONS = (
    "num_classes",
    "in_chans",
    "features_only",
    "pretrained_cfg",
    "pretrained_cfg_overlay",
    "dynamic_img_size",
)
HEAD_STD = 0.02


@dataclass(frozen=True, kw_only=True)
class TimmVit:
    """Settings of a plain timm ViT: ViT, DeiT, DINOv2, CLIP or SigLIP image towers, ...

    name: as timm spells it, with or without a tag for the weights, `vit_base_patch16_224.orig_in21k`.
    pretrained: start from the hub's weights rather than from random ones. Of no account with a checkpoint.
    checkpoint: safetensors file of a timm ViT, or `package:NAME` for one that ships with robustft. Its head is left
        out; every other tensor must fit, save that the position embedding is resampled to another resolution.
    resolution: height and width of the images in pixels, by default the model's own.
    mean, std: one number per channel, of pixels in [0, 1], by default those that timm gives for the weights.
    options: further arguments of the timm model, such as patch_size, embed_dim, depth or drop_path_rate.
    """

    name: str
    pretrained: bool = True
    checkpoint: str | None = None
    resolution: int | None = None
    mean: Sequence[float] | None = None
    std: Sequence[float] | None = None
    options: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise ValueError(f"name must be the name of a timm model, got {self.name!r}")
        checks.keep(
            self,
            pretrained=checks.yes_or_no("pretrained", self.pretrained),
            options=None if self.options is None else _checked_options(self.options),
            resolution=checks.optional(checks.whole_number, "resolution", self.resolution, at_least=1),
        )
        if self.resolution is not None:
            patch = (self.options or {}).get("patch_size") or _patch_size_in(self.name)
            if isinstance(patch, int):
                _check_resolution(self.resolution, patch)
        checks.keep(
            self,
            mean=checks.optional(_channels, "mean", self.mean),
            std=checks.optional(_channels, "std", self.std, above=0),
        )
        if self.checkpoint is not None:
            if not isinstance(self.checkpoint, str):
                raise ValueError(f"checkpoint must be the path of a safetensors file, got {self.checkpoint!r}")
            find_checkpoint(self.checkpoint)

    def files(self) -> dict[str, Path]:
        """The files that a run with this backbone depends on, whose content tells runs apart, by setting."""
        return {} if self.checkpoint is None else {"checkpoint": find_checkpoint(self.checkpoint)}

    @property
    def is_from_hub(self) -> bool:
        """Whether the weights are the hub's."""
        return self.pretrained and self.checkpoint is None

    def hub_files(self) -> dict[str, Path]:
        """The same where the weights are the hub's: downloaded if they are not on this machine yet, which loads timm.

        Under the same name, so that weights are the same wherever they came from.
        """
        if not self.is_from_hub:
            return {}
        _check_is_plain_vit(self.name)
        return {"checkpoint": hub_weights(self.name)}

    def prepare(self) -> None:
        """Downloads the weights if they are not on this machine yet."""
        self._weights()

    def image_size(self) -> int:
        """Height and width of the images, in pixels, known without building: as given, or what the weights take."""
        if self.resolution is not None:
            return self.resolution
        import timm

        _check_is_plain_vit(self.name)
        weights_config: Any = timm.get_pretrained_cfg(self.name)
        return int(weights_config.input_size[-1])

    def build(self, *, classes: int, seed: int) -> Backbone:
        """The network with its weights and a new head for `classes`, on the CPU.

        The head (and the rest of it, without pre-trained weights) is drawn from `seed` alone; the global random
        generators are left as they were. ValueError, in one line, for a model or weights that cannot be used.
        """
        from robustft.backbones.backbone import Backbone

        classes = checks.whole_number("classes", classes, at_least=1)
        seed = checks.whole_number("seed", seed, at_least=0)
        _check_is_plain_vit(self.name)
        weights = self._weights()
        network = self._network(weights, seed)
        _put_new_head(network, classes, seed)
        weights_config: Any = network.pretrained_cfg
        return Backbone(
            network,
            resolution=self.image_size(),
            mean=self.mean or weights_config["mean"],
            std=self.std or weights_config["std"],
        )

    def _weights(self) -> Path | None:
        if self.checkpoint is not None:
            return find_checkpoint(self.checkpoint)
        return hub_weights(self.name) if self.pretrained else None

    def _network(self, weights: Path | None, seed: int) -> VisionTransformer:
        import timm
        import torch
        from timm.models.vision_transformer import VisionTransformer

        arguments: dict[str, Any] = {**(self.options or {}), "img_size": self.image_size(), "num_classes": 0}
        if weights is not None:
            # Told the number of classes that the file has, timm compares every key; otherwise it lets any be missing.
            classes = tensor_shapes(weights).get("head.weight", (0,))[0]
            overlay = {"file": str(weights), "custom_load": False, "num_classes": classes}
            arguments |= {"pretrained": True, "num_classes": classes, "pretrained_cfg_overlay": overlay}
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed the GPUs as well
            try:
                network = timm.create_model(self.name, **arguments)
            except (TypeError, AssertionError, ValueError) as error:
                given = dict(self.options or {})
                raise ValueError(f"options must suit timm's {self.name}, got {given}: {_one_line(error)}") from error
            except (RuntimeError, KeyError) as error:
                if weights is None:
                    raise
                raise self._misfit(weights, _one_line(error)) from error
        if not isinstance(network, VisionTransformer):
            raise ValueError(_not_plain(self.name))
        _check_resolution(self.image_size(), network.patch_embed.feat_ratio())
        if weights is not None:
            self._check_patches(network, weights)
        return network

    def _check_patches(self, network: VisionTransformer, weights: Path) -> None:
        # timm resamples patches of another size without a word, which is rarely what somebody wants who fine-tunes.
        patches = "patch_embed.proj.weight"
        held, wanted = tensor_shapes(weights).get(patches), tuple(network.patch_embed.proj.weight.shape)
        if held is not None and len(held) == 4 and held != wanted:
            raise self._misfit(weights, f"{patches} has shape {held}, not {wanted}")

    def _misfit(self, weights: Path, reason: str) -> ValueError:
        source = "pretrained" if self.checkpoint is None else "checkpoint"
        options = f" with {dict(self.options)}" if self.options else ""
        return ValueError(f"{source} must hold weights that fit {self.name}{options}, got '{weights}': {reason}")


def _put_new_head(network: VisionTransformer, classes: int, seed: int) -> None:
    """A new classifier as timm's ViTs start with: truncated normal weights of std 0.02, zero biases."""
    import torch
    from torch import nn

    with torch.random.fork_rng(devices=[]):  # a new layer draws weights of its own, which are overwritten
        network.reset_classifier(classes)
    generator = torch.Generator().manual_seed(seed)
    classifier = network.get_classifier()
    for layer in classifier if isinstance(classifier, tuple) else (classifier,):  # a distilled DeiT has two
        nn.init.trunc_normal_(layer.weight, std=HEAD_STD, generator=generator)
        nn.init.zeros_(layer.bias)


def _check_is_plain_vit(name: str) -> None:
    """Told from timm's lists, before anything is downloaded or built."""
    import difflib

    import timm

    plain = [
        listed
        for module in PLAIN_VIT_MODULES
        for pretrained in (False, True)
        for listed in timm.list_models(module=module, pretrained=pretrained)
    ]
    if name in plain:
        return
    if timm.is_model(name) and "." not in name:
        raise ValueError(_not_plain(name))
    close = difflib.get_close_matches(name, plain, n=3)
    hint = f"did you mean {', '.join(close)}?" if close else "timm.list_models() lists them"
    raise ValueError(f"name must be a timm model, got {name!r}; {hint}")


def _not_plain(name: str) -> str:
    return (
        f"name must be a plain timm ViT (with patch_embed, blocks and head), "
        f"such as vit_base_patch16_224, deit_small_patch16_224 or vit_small_patch14_dinov2; got {name!r}"
    )


def _checked_options(options: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(options, Mapping) or not all(isinstance(option, str) for option in options):
        raise ValueError(f"options must be a mapping of timm's model arguments, got {options!r}")
    for option in options:
        if option in SET_BY_US:
            raise ValueError(f"options must not hold {option}: use {SET_BY_US[option]}")
        if option in NOT_OPTIONS:
            raise ValueError(f"options must not hold {option}: it is fixed here")
    # timm wants `patch_size=4`; 4.0 is the same run, so it must be the same network.
    checked: Mapping[str, Any] = canonical(options)
    return checked


def _channels(name: str, values: Sequence[float], *, above: float | None = None) -> list[float]:
    if isinstance(values, str) or not isinstance(values, Sequence) or len(values) != 3:
        raise ValueError(f"{name} must be 3 numbers, one per channel, got {values!r}")
    return [checks.number(name, value, above=above) for value in values]


def _patch_size_in(name: str) -> int | None:
    """timm's ViTs carry it in their name, so that a wrong resolution is found before torch loads."""
    found = re.search(r"_patch(\d+)", name)
    return int(found.group(1)) if found else None


def _check_resolution(resolution: int, patch: int) -> None:
    if resolution % patch == 0:
        return
    below = resolution // patch * patch
    nearest = below if below and resolution - below <= patch / 2 else below + patch
    raise ValueError(
        f"resolution must be a multiple of the patch size {patch}, got {resolution}; the nearest one is {nearest}"
    )


def _one_line(error: Exception, length: int = 300) -> str:
    text = " ".join(str(error).split()).removeprefix("Error(s) in loading state_dict for VisionTransformer: ")
    return text if len(text) <= length else text[:length] + " ..."
