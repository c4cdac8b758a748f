from __future__ import annotations

import subprocess
import sys

import pytest

from robustft.lazy_module import lazy_module

SETTINGS = """
import sys
from robustft.attacks import Apgd, ApgdTargeted, AutoAttack, FabTargeted, OfficialAutoAttack, Pgd, Square, ThreatModel
import robustft.device
ThreatModel(eps_255=8)
for attack in (Apgd, ApgdTargeted, AutoAttack, FabTargeted, OfficialAutoAttack, Pgd, Square):
    attack().settings_hash
    attack().notes(10, "linf")
assert "torch" not in sys.modules
import torch
from robustft.attacks.norms import length
assert length(torch.ones(2, 4), "l2").tolist() == [2, 2]
"""


def test_attacks_are_set_up_without_torch_and_work_once_it_is_there() -> None:
    subprocess.run([sys.executable, "-c", SETTINGS], check=True)


def test_a_module_is_loaded_when_an_attribute_is_first_read() -> None:
    sys.modules.pop("this", None)  # the Zen of Python, which nobody else imports
    zen = lazy_module("this")
    assert "this" not in sys.modules
    assert "Beautiful" in zen.s.translate({ord(one): other for one, other in zen.d.items()})
    assert "this" in sys.modules


def test_an_attribute_is_the_modules_own_and_looked_up_once() -> None:
    import colorsys

    lazy = lazy_module("colorsys")
    assert lazy.rgb_to_hsv is colorsys.rgb_to_hsv
    assert vars(lazy)["rgb_to_hsv"] is colorsys.rgb_to_hsv


def test_what_is_not_there_is_named() -> None:
    with pytest.raises(AttributeError, match=r"colorsys.*no attribute 'nothing'"):
        _ = lazy_module("colorsys").nothing
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        _ = lazy_module("no_such_module").anything
