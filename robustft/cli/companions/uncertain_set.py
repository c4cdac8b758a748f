"""The uncertainty set that `objective.uncertain` names."""

from __future__ import annotations

from typing import Any

from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from robustft.cli.command_line.groups import conf_dir
from robustft.cli.user_errors import Mistake

MISCLASSIFIED = "misclassified"
"""Of training images that are held out beside validation, those that the start state gets wrong."""


def uncertain_node(config: DictConfig) -> Any:
    """The settings of the data set that `objective.uncertain` names; None if it names none."""
    name = OmegaConf.select(config, "objective.uncertain")
    if name in (None, MISCLASSIFIED):
        return None
    known = sorted(path.stem for path in (conf_dir() / "source").glob("*.yaml"))
    if name not in known:
        raise Mistake(f"objective.uncertain must be one of {MISCLASSIFIED}, {', '.join(known)}; got {name}")
    loader = GlobalHydra.instance().config_loader()
    words = [f"+source@shift.uncertain={name}"]
    node = loader.load_configuration(config_name="train", overrides=words, run_mode=RunMode.RUN).shift.uncertain
    return OmegaConf.merge(node, OmegaConf.select(config, "objective.uncertain_set") or {})
