"""The contract of a fine-tuning method: everything is frozen but the head and the parameters that it trains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, ClassVar

from robustft.methods.head import head_parameters

if TYPE_CHECKING:
    from torch import nn


class MissingLayers(ValueError):
    """A network lacks the layers that a method works with."""


class MissingBlocks(MissingLayers):
    """A network lacks the transformer blocks that a method works inside."""


class Method(ABC):
    """Settings of a fine-tuning method. Trainable parameters are those that require a gradient.

    adds_parameters: whether it trains parameters that the backbone does not have, the head aside.
    needs_blocks: whether it works inside the blocks of a plain vision transformer, and so on no other backbone.
    moves_features: whether it trains anything but the head.
    """

    needs_blocks: ClassVar[bool] = False
    adds_parameters: ClassVar[bool] = False
    moves_features: ClassVar[bool] = True

    def apply(self, network: nn.Module) -> nn.Module:
        """The network to call in place of `network`, which is changed: the same one or a shell around it.

        Both take normalised images and give logits. Parameters that a method adds are drawn from torch's global
        generator.

        Raises:
            ValueError: in one line, if the network lacks what the method needs; MissingLayers if that is its layers.
        """
        training = network.training
        network.requires_grad_(False)
        adapted = self.adapt(network)
        for parameter in head_parameters(adapted).values():
            parameter.requires_grad_(True)
        return adapted.train(training)

    def fitted(self, network: nn.Module) -> Method:
        """The settings that `network` is tuned with: these, but for what does not fit it and has to be replaced.

        >>> from torch import nn
        >>> from robustft.methods import Full
        >>> method = Full()
        >>> method.fitted(nn.Linear(2, 2)) is method
        True
        """
        return self

    def merged(self, network: nn.Module) -> nn.Module:
        """The network to call in place of a tuned `network`, which is changed, for the same logits: what the method
        added is multiplied into weights as far as that goes. It is float32, in eval mode, and not trained any more.

        >>> from torch import nn
        >>> from robustft.methods import Full
        >>> network = nn.Linear(2, 2)
        >>> Full().merged(network) is network
        True
        """
        return network

    @abstractmethod
    def adapt(self, network: nn.Module) -> nn.Module:
        """Makes parameters of the frozen network trainable, or adds some; returns the network to call in its place.

        The head is not its concern.
        """
