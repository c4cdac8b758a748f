"""What every fine-tuning method shares: all is frozen, the head always moves, the method adds what else does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from robustft.methods.head import head_parameters

if TYPE_CHECKING:
    from torch import nn


class Method(ABC):
    """Settings of a fine-tuning method. What moves is what requires a gradient."""

    def apply(self, network: nn.Module) -> nn.Module:
        """The network to call in place of `network`, which is changed: the same one or a shell around it.

        Both take normalised images and give logits. Parameters that a method adds are drawn from torch's global
        generator. ValueError, in one line, if the network lacks what the method needs.
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

    @abstractmethod
    def adapt(self, network: nn.Module) -> nn.Module:
        """Let move what the method moves in the frozen network; the network to call in its place. The head is not its
        concern."""
