"""The error of a training whose numbers are no longer finite; without imports, so that commands can catch it.

>>> raise Diverged("training diverged at step 7: loss is not finite; the learning rate was 0.1")
Traceback (most recent call last):
robustft.divergence.Diverged: training diverged at step 7: loss is not finite; the learning rate was 0.1
"""

from __future__ import annotations


class Diverged(FloatingPointError):
    """Loss, gradient or state is no longer finite; the message says which, at what step and at what learning rate."""
