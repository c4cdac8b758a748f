from __future__ import annotations

import pytest
import torch

from robustft.attacks.passes import Passes
from robustft.objectives import InnerMaximisation
from robustft.objectives.update_passes import UpdatePasses
from tests.objectives.conftest import small_model
from tests.objectives.every_objective import NAMES, objective


def counted(at, networks) -> UpdatePasses:
    """The passes of one loss, over all networks."""
    trained = searched = forward = 0

    def count(network, *_) -> None:
        nonlocal trained, searched, forward
        if not torch.is_grad_enabled():
            forward += 1
        elif network.training:
            trained += 1
        else:
            searched += 1

    hooks = [network.network.body.register_forward_hook(lambda body, *_: count(body)) for network in networks]
    try:
        at()
    finally:
        for hook in hooks:
            hook.remove()
    return UpdatePasses(trained=trained, beside=Passes(forward=forward + searched, backward=searched))


@pytest.mark.parametrize("name", [*NAMES, "score form=trades", "trades raised=cross_entropy"])
def test_plans_have_the_passes_that_an_update_takes(make_step, name):
    group, *words = name.split()
    chosen = objective(group, *(f"objective.{word}" for word in words))
    at = make_step(model=small_model().train(), peers=(small_model(seed=2).train(),))
    found = counted(lambda: chosen.loss(at), [at.model, at.reference, *at.peers])
    assert found == chosen.passes


def test_where_eps_is_0_and_for_what_stays_clean_nothing_is_run():
    assert InnerMaximisation(steps=4, share=0.5, ramp=(0.25, 0.75)).passes == Passes(forward=1.5, backward=1.5)
