"""Objectives: what a training step minimises; one file per family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from robustft.public_names import door

if TYPE_CHECKING:
    from robustft.objectives.act import Act as Act
    from robustft.objectives.adversarial_training import AdversarialTraining as AdversarialTraining
    from robustft.objectives.dcm import Dcm as Dcm
    from robustft.objectives.fare import Fare as Fare
    from robustft.objectives.inner_maximisation import InnerMaximisation as InnerMaximisation
    from robustft.objectives.l2_sp import L2Sp as L2Sp
    from robustft.objectives.mart import Mart as Mart
    from robustft.objectives.mte import Mte as Mte
    from robustft.objectives.objective import Objective as Objective
    from robustft.objectives.objective import Step as Step
    from robustft.objectives.pmg_aft import PmgAft as PmgAft
    from robustft.objectives.score import Score as Score
    from robustft.objectives.standard import Standard as Standard
    from robustft.objectives.trades import Trades as Trades
    from robustft.objectives.update_passes import UpdatePasses as UpdatePasses

__getattr__ = door(
    __name__,
    {
        "Act": "act",
        "AdversarialTraining": "adversarial_training",
        "Dcm": "dcm",
        "Fare": "fare",
        "InnerMaximisation": "inner_maximisation",
        "L2Sp": "l2_sp",
        "Mart": "mart",
        "Mte": "mte",
        "Objective": "objective",
        "PmgAft": "pmg_aft",
        "Score": "score",
        "Standard": "standard",
        "Step": "objective",
        "Trades": "trades",
        "UpdatePasses": "update_passes",
    },
)
