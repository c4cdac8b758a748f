from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn

from robustft.evaluation.undisturbed import generator_states, restore_generators, undisturbed


@pytest.fixture
def model():
    model = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5), nn.BatchNorm1d(3), nn.Linear(3, 2))
    model[0].requires_grad_(False)
    model[1].eval()  # a part in another mode than the rest
    model(torch.randn(4, 3)).sum().backward()
    return model


def draws() -> tuple:
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002  the global one is meant


def test_inside_the_model_is_frozen_and_in_eval_mode(model):
    with undisturbed(model):
        assert not any(module.training for module in model.modules())
        assert not any(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("fails", [False, True])
def test_modes_requires_grad_and_gradients_come_back(model, fails):
    modes = [module.training for module in model.modules()]
    needs = [parameter.requires_grad for parameter in model.parameters()]
    gradients = [None if parameter.grad is None else parameter.grad.clone() for parameter in model.parameters()]
    buffers = [buffer.clone() for buffer in model.buffers()]
    try:
        with undisturbed(model):
            pixels = torch.randn(4, 3, requires_grad=True)
            model(pixels).sum().backward()
            if fails:
                raise RuntimeError
    except RuntimeError:
        assert fails
    assert [module.training for module in model.modules()] == modes
    assert [parameter.requires_grad for parameter in model.parameters()] == needs
    for parameter, gradient in zip(model.parameters(), gradients, strict=True):
        assert (parameter.grad is None) == (gradient is None)
        assert gradient is None or torch.equal(parameter.grad, gradient)
    for buffer, before in zip(model.buffers(), buffers, strict=True):
        assert torch.equal(buffer, before)


def test_all_generators_go_on_as_if_nobody_had_looked(model):
    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(5)
    expected = draws()
    for seed in (random.seed, np.random.seed, torch.manual_seed):
        seed(5)
    with undisturbed(model):
        draws()
        torch.manual_seed(99)
    assert draws() == expected


def test_generator_states_survive_a_file_that_is_read_without_unpickling(tmp_path):
    torch.save(generator_states(), tmp_path / "states")
    expected = draws()
    restore_generators(torch.load(tmp_path / "states", weights_only=True))
    assert draws() == expected


def test_gradients_come_back_even_if_somebody_clears_them(model):
    before = [None if parameter.grad is None else parameter.grad.clone() for parameter in model.parameters()]
    assert any(gradient is not None for gradient in before)
    with undisturbed(model):
        model.zero_grad()
    for parameter, gradient in zip(model.parameters(), before, strict=True):
        assert (parameter.grad is None) == (gradient is None)
        assert gradient is None or torch.equal(parameter.grad, gradient)
