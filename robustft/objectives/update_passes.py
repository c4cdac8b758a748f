"""How often the networks are run in an update."""

from __future__ import annotations

from dataclasses import dataclass, field

from robustft.attacks.passes import Passes


@dataclass(frozen=True, kw_only=True)
class UpdatePasses:
    """Passes of an update for each image of the batch, over all networks.

    trained: forward and backward, for the gradient of the trained parameters; 1 for the cross-entropy.
    beside: those that change no gradient of a parameter: the inner maximisation's, a frozen reference's.

    >>> UpdatePasses(trained=2, beside=Passes(forward=11, backward=10)).perturbed().trained
    4
    """

    trained: float = 1
    beside: Passes = field(default_factory=Passes)

    def perturbed(self) -> UpdatePasses:
        """With adversarial weight perturbation the loss of the same images is differentiated twice."""
        return UpdatePasses(trained=2 * self.trained, beside=self.beside)
