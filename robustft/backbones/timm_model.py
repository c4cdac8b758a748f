"""Image classifiers of timm, with pre-trained weights from a file or the hub and a new head."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from robustft import checks
from robustft.backbones.backbone import Backbone
from robustft.backbones.checkpoint import find_checkpoint, tensor_shapes
from robustft.backbones.hub_weights import hub_weights
from robustft.backbones.timm_architecture import TimmArchitecture
from robustft.backbones.timm_vit import check_patches, check_resolution, is_plain_vit, patch_size_in
from robustft.canonical_hash import canonical

if TYPE_CHECKING:
    from torch import nn

    from robustft.backbones.pixel_model import PixelModel

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
class TimmModel(Backbone):
    """Settings of a timm image classifier: ResNet, ConvNeXt, Swin, ViT, DeiT, DINOv2, CLIP and SigLIP image towers, ...

    name: timm's, with or without a tag for the weights, `vit_base_patch16_224.orig_in21k`.
    pretrained: use the hub's weights; false: random weights. Ignored with a checkpoint.
    checkpoint: safetensors file of that timm model, or `package:NAME` for one that ships with robustft. Its head is
        dropped; every other tensor must fit, except that position embeddings are resampled to another resolution.
    resolution: height and width of the images in pixels, by default the model's own.
    mean, std: one number per channel, of pixels in [0, 1], by default those that timm gives for the weights.
    options: further arguments of the timm model, such as patch_size, embed_dim, depth or drop_path_rate.

    >>> backbone = TimmModel(name="resnet18", pretrained=False, resolution=64)
    >>> backbone.image_size(), backbone.is_plain_vit()
    (64, False)
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
        patch = patch_size_in(self.name)
        if self.resolution is not None and patch is not None:
            patch = (self.options or {}).get("patch_size", patch)
            if isinstance(patch, int):
                check_resolution(self.resolution, patch)
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
        return {} if self.checkpoint is None else {"checkpoint": find_checkpoint(self.checkpoint)}

    @property
    def is_from_hub(self) -> bool:
        return self.pretrained and self.checkpoint is None

    def hub_files(self) -> dict[str, Path]:
        if not self.is_from_hub:
            return {}
        self._pretrained_config()
        return {"checkpoint": hub_weights(self.name)}

    def prepare(self) -> None:
        self._weights()

    def image_size(self) -> int:
        return self.resolution if self.resolution is not None else self._own_size()

    def is_plain_vit(self) -> bool:
        self._pretrained_config()
        return is_plain_vit(self.name)

    def architecture(self) -> TimmArchitecture:
        arguments = {**(self.options or {}), **self._image_size_argument()}
        return TimmArchitecture(name=self.name.partition(".")[0], arguments=arguments)

    def build(self, *, classes: int, seed: int) -> PixelModel:
        from robustft.backbones.new_head import put_new_head
        from robustft.backbones.pixel_model import PixelModel

        classes = checks.whole_number("classes", classes, at_least=1)
        seed = checks.whole_number("seed", seed, at_least=0)
        mean, std = self._normalisation()
        network = self._network(self._weights(), seed)
        try:
            put_new_head(network, classes, std=HEAD_STD, seed=seed)
        except ValueError as error:
            raise ValueError(f"name must be a timm image classifier, got {self.name!r}: {error}") from error
        model = PixelModel(network, resolution=self.image_size(), mean=mean, std=std)
        self._check_logits(model, classes)
        return model

    def _pretrained_config(self) -> Any:
        """timm's configuration of the pre-trained model, without a download; ValueError if there is no such model."""
        import difflib

        import timm

        if self.name not in timm.list_models() and self.name not in timm.list_pretrained():
            similar = difflib.get_close_matches(self.name, [*timm.list_models(), *timm.list_pretrained()], n=3)
            hint = f"did you mean {', '.join(similar)}?" if similar else "timm.list_models() lists them"
            raise ValueError(f"name must be a timm model, got {self.name!r}; {hint}")
        config: Any = timm.get_pretrained_cfg(self.name)
        if config is None or config.input_size[0] != 3:
            channels = "unknown" if config is None else config.input_size[0]
            raise ValueError(f"name must be a timm model of images with 3 channels, got {self.name!r} ({channels})")
        return config

    def _own_size(self) -> int:
        """Height and width, in pixels, of the images that the weights were trained with."""
        return int(self._pretrained_config().input_size[-1])

    def _normalisation(self) -> tuple[Sequence[float], Sequence[float]]:
        """mean and std: the settings, by default those of the weights."""
        config = self._pretrained_config()
        values = {"mean": self.mean or config.mean, "std": self.std or config.std}
        for name, value in values.items():
            if value is None or len(value) != 3:
                raise ValueError(f"{name} must be 3 numbers, one per channel: timm has none for {self.name}")
        return values["mean"], values["std"]

    def _weights(self) -> Path | None:
        if self.checkpoint is not None:
            return find_checkpoint(self.checkpoint)
        return hub_weights(self.name) if self.pretrained else None

    def _network(self, weights: Path | None, seed: int) -> nn.Module:
        import timm
        import torch

        arguments: dict[str, Any] = {**(self.options or {}), "num_classes": 0, **self._image_size_argument()}
        if weights is not None:
            # With the file's number of classes timm loads strictly; with another one it ignores missing tensors.
            classes = self._classes_in(weights)
            overlay = {"file": str(weights), "custom_load": False, "num_classes": classes}
            arguments |= {"pretrained": True, "num_classes": classes, "pretrained_cfg_overlay": overlay}
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)  # torch.manual_seed would seed the GPUs as well
            try:
                network: nn.Module = timm.create_model(self.name, **arguments)
            except (RuntimeError, KeyError) as error:
                raise self._misfit(weights, error) from error
            except (TypeError, AssertionError, ValueError, IndexError, ArithmeticError) as error:
                raise self._unsuitable(error, arguments) from error
        if self.is_plain_vit():
            self._check_grid(network, weights)
        return network

    def _image_size_argument(self) -> dict[str, int]:
        """`img_size` for the models that need it; most convolutional networks take any size and lack the argument."""
        is_another = self._pretrained_config().fixed_input_size and self.image_size() != self._own_size()
        return {"img_size": self.image_size()} if is_another or self.is_plain_vit() else {}

    def _classes_in(self, weights: Path) -> int:
        """Number of classes of the head in the file; 0 if it has none."""
        classifier = self._pretrained_config().classifier or "head"
        first = classifier if isinstance(classifier, str) else classifier[0]
        return tensor_shapes(weights).get(f"{first}.weight", (0,))[0]

    def _check_grid(self, vit: Any, weights: Path | None) -> None:
        check_resolution(self.image_size(), vit.patch_embed.feat_ratio())
        if weights is None:
            return
        try:
            in_file = tensor_shapes(weights).get("patch_embed.proj.weight")
            check_patches(tuple(vit.patch_embed.proj.weight.shape), in_file)
        except ValueError as error:
            raise self._misfit(weights, error) from error

    def _check_logits(self, model: PixelModel, classes: int) -> None:
        """Runs the model once: some networks reject a resolution only in their forward pass."""
        import torch

        size = self.image_size()
        model.eval()
        try:
            with torch.no_grad():
                logits: Any = model(torch.zeros(1, 3, size, size))
        except (RuntimeError, AssertionError, ValueError, TypeError, IndexError, ArithmeticError) as error:
            raise ValueError(f"resolution must suit timm's {self.name}, got {size}: {_one_line(error)}") from error
        finally:
            model.train()
        shape = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        if shape != (1, classes):
            source = "options must make" if self.options else "name must be"
            raise ValueError(
                f"{source} a timm image classifier with outputs of shape (N, {classes}), "
                f"got {dict(self.options or {}) or repr(self.name)} with {shape} for one image"
            )

    def _unsuitable(self, error: Exception, arguments: Mapping[str, Any]) -> ValueError:
        """The error for arguments that timm's constructor rejects."""
        size = self.image_size()
        if isinstance(error, TypeError) and "'img_size'" in str(error):
            return ValueError(f"resolution must be {self._own_size()}, the only one of timm's {self.name}, got {size}")
        if self.options or "img_size" not in arguments:
            return ValueError(
                f"options must suit timm's {self.name}, got {dict(self.options or {})}: {_one_line(error)}"
            )
        return ValueError(f"resolution must suit timm's {self.name}, got {size}: {_one_line(error)}")

    def _misfit(self, weights: Path | None, error: Exception) -> ValueError:
        """The error for weights that do not fit, or, without weights, for a network that cannot be built."""
        if weights is None:
            return self._unsuitable(error, self._image_size_argument())
        source = "pretrained" if self.checkpoint is None else "checkpoint"
        options = f" with {dict(self.options)}" if self.options else ""
        fault = f"got '{weights}': {_one_line(error)}"
        return ValueError(f"{source} must hold weights that fit {self.name}{options}, {fault}")


def _checked_options(options: Mapping[str, Any]) -> Mapping[str, Any]:
    if not isinstance(options, Mapping) or not all(isinstance(option, str) for option in options):
        raise ValueError(f"options must be a mapping of timm's model arguments, got {options!r}")
    for option in options:
        if option in SET_BY_US:
            raise ValueError(f"options must not hold {option}: use {SET_BY_US[option]}")
        if option in NOT_OPTIONS:
            raise ValueError(f"options must not hold {option}: it is fixed here")
    # timm needs `patch_size=4`; a run with 4.0 has the same id, so it must have the same network.
    checked: Mapping[str, Any] = canonical(options)
    return checked


def _channels(name: str, values: Sequence[float], *, above: float | None = None) -> list[float]:
    if isinstance(values, str) or not isinstance(values, Sequence) or len(values) != 3:
        raise ValueError(f"{name} must be 3 numbers, one per channel, got {values!r}")
    return [checks.number(name, value, above=above) for value in values]


def _one_line(error: Exception, length: int = 300) -> str:
    text = " ".join(str(error).split())
    _, loading, reason = text.partition("Error(s) in loading state_dict for ")
    text = reason.partition(": ")[2] if loading else text or type(error).__name__
    return text if len(text) <= length else text[:length] + " ..."
