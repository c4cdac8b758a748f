from __future__ import annotations

import pytest

from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.evaluation.suite import Suite
from robustft.evaluation.tiers import tiers


def test_an_attack_left_open_comes_at_every_step_if_it_is_the_first_and_else_on_the_frontier():
    assert tiers(["pgd", "strong"], {"pgd": None, "strong": None}) == {"pgd": "every", "strong": "frontier"}
    assert tiers(["strong"], {"strong": None}) == {"strong": "every"}
    assert tiers(["pgd", "strong"], {}) == {"pgd": "every", "strong": "every"}


@pytest.mark.parametrize(
    ("when", "message"),
    [
        ({"pgd": "last"}, "pgd.when must be every for the first attack, which the trade-off curve is about; got last"),
        ({"pgd": "frontier", "strong": "every"}, "pgd.when must be every for the first attack"),
        ({"strong": "never"}, "strong.when must be one of every, last, frontier; got 'never'"),
        ({"weak": "last"}, r"weak.when must be of one of the attacks \(pgd, strong\)"),
    ],
)
def test_mistakes_name_the_attack(when, message):
    with pytest.raises(ValueError, match=message):
        Suite(threat_model=ThreatModel(eps_255=4), attacks={"pgd": Pgd(), "strong": Pgd(steps=9)}, when=when)


def test_a_suite_knows_the_attacks_of_a_tier():
    attacks = {name: Pgd() for name in ("a", "b", "c", "d")}
    suite = Suite(threat_model=ThreatModel(eps_255=4), attacks=attacks, when={"b": "last", "c": "frontier"})
    assert suite.attacks_at("every") == {"a", "d"}
    assert suite.attacks_at("last", "frontier") == {"b", "c"}
