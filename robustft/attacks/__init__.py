"""Adversarial attacks: threat models, the search that checks every success, one file per attack."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustft.public_names import door

if TYPE_CHECKING:
    from robustft.attacks.apgd import Apgd as Apgd
    from robustft.attacks.apgd import ApgdTargeted as ApgdTargeted
    from robustft.attacks.attack import Attack as Attack
    from robustft.attacks.attack import BatchAttack as BatchAttack
    from robustft.attacks.attack import GreedyAttack as GreedyAttack
    from robustft.attacks.attack import Situation as Situation
    from robustft.attacks.attack import SteppedAttack as SteppedAttack
    from robustft.attacks.autoattack import AutoAttack as AutoAttack
    from robustft.attacks.autoattack_official import OfficialAutoAttack as OfficialAutoAttack
    from robustft.attacks.fab import FabTargeted as FabTargeted
    from robustft.attacks.pgd import Pgd as Pgd
    from robustft.attacks.square import Square as Square
    from robustft.attacks.threat_model import ThreatModel as ThreatModel

__getattr__ = door(
    __name__,
    {
        "Apgd": "apgd",
        "ApgdTargeted": "apgd",
        "Attack": "attack",
        "AutoAttack": "autoattack",
        "BatchAttack": "attack",
        "FabTargeted": "fab",
        "GreedyAttack": "attack",
        "OfficialAutoAttack": "autoattack_official",
        "Pgd": "pgd",
        "Situation": "attack",
        "Square": "square",
        "SteppedAttack": "attack",
        "ThreatModel": "threat_model",
    },
)
