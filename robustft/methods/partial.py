"""Methods that train a part of the backbone's own layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from robustft import checks
from robustft.methods.blocks import width
from robustft.methods.method import Method, MissingLayers

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class Norm(Method):
    """Scale and shift of every normalisation layer, of any kind (Frankle et al., ICLR 2021, arXiv 2003.00152).

    Batch normalisation is in training mode then, with running statistics that follow the data.
    """

    def adapt(self, network: nn.Module) -> nn.Module:
        scales = [
            parameter
            for module in network.modules()
            if _is_normalisation(module)
            for name, parameter in module.named_parameters(recurse=False)
            if name in ("weight", "bias")
        ]
        if not scales:
            raise MissingLayers(f"network must have normalisation layers, and {type(network).__name__} has none")
        for parameter in scales:
            parameter.requires_grad_(True)
        return network


@dataclass(frozen=True, kw_only=True)
class LastBlocks(Method):
    """The last blocks of a vision transformer and the norm behind them.

    blocks: how many.
    """

    needs_blocks: ClassVar[bool] = True

    blocks: int = 2

    def __post_init__(self) -> None:
        checks.keep(self, blocks=checks.whole_number("blocks", self.blocks, at_least=1))

    def adapt(self, network: Any) -> nn.Module:
        width(network)
        checks.whole_number("blocks", self.blocks, at_least=1, at_most=len(network.blocks))
        norms = [network.get_submodule(name) for name in ("norm", "fc_norm") if hasattr(network, name)]
        for layer in [*network.blocks[-self.blocks :], *norms]:
            layer.requires_grad_(True)
        return cast("nn.Module", network)


def _is_normalisation(module: nn.Module) -> bool:
    """By name: timm has about thirty such classes, and only some of them extend one of torch's."""
    return any("norm" in kind.__name__.lower() for kind in type(module).__mro__)
