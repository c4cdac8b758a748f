"""The objectives of conf/objective, each as its yaml has it."""

from __future__ import annotations

from hydra import compose, initialize_config_dir

from robustft.cli.build import objective_of
from robustft.cli.command_line.groups import choices, conf_dir
from robustft.cli.runs import run_name
from robustft.objectives.objective import Objective


def objective(name: str, *overrides: str) -> Objective:
    """The objective that `objective=NAME` chooses, with further overrides."""
    run_name.register()
    words = ["objective.uncertain=misclassified"] if name == "dcm" else []
    with initialize_config_dir(str(conf_dir()), version_base=None):
        return objective_of(compose("train", [f"objective={name}", *words, *overrides]))


NAMES = choices("objective")
ADVERSARIAL = [name for name in NAMES if hasattr(objective(name), "inner")]
