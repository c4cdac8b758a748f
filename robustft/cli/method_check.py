"""Which methods work with which backbone: some work inside the blocks of a plain vision transformer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hydra.utils import get_class
from omegaconf import OmegaConf

from robustft.backbones.backbone import Backbone
from robustft.cli.build import Parts
from robustft.cli.command_line.groups import choices, conf_dir
from robustft.cli.user_errors import Mistake, naming
from robustft.methods.method import Method, MissingLayers


def check_method(parts: Parts) -> None:
    """A Mistake if the method needs blocks that the backbone lacks; loads timm, but neither weights nor images."""
    method, backbone = parts.method, parts.backbone
    if not getattr(method, "needs_blocks", False):
        return
    with naming("backbone."):
        is_plain_vit = backbone.is_plain_vit()
    if not is_plain_vit:
        raise Mistake(_refusal(method, backbone, "it works inside the blocks of a plain vision transformer"))


@contextmanager
def naming_method(method: Method, backbone: Backbone) -> Iterator[None]:
    """ValueErrors of putting the method into the backbone become mistakes that name `method`."""
    try:
        with naming("method."):
            yield
    except Mistake as mistake:
        if isinstance(mistake.__cause__, MissingLayers):
            reason = str(mistake.__cause__)
            raise Mistake(_refusal(method, backbone, reason)) from mistake.__cause__
        raise


def _refusal(method: Method, backbone: Backbone, reason: str) -> str:
    classes = {choice: _method_class(choice) for choice in choices("method")}
    name = next((choice for choice, its_class in classes.items() if its_class is type(method)), type(method).__name__)
    working = [choice for choice, its_class in classes.items() if not its_class.needs_blocks and choice != name]
    label = getattr(backbone, "name", type(backbone).__name__)
    return f"method must be one of {', '.join(working)} with the backbone {label}; got {name}: {reason}"


def _method_class(choice: str) -> type[Method]:
    found: type[Method] = get_class(str(OmegaConf.load(conf_dir() / "method" / f"{choice}.yaml").method._target_))
    return found
