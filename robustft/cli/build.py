"""From configuration nodes to objects; nothing heavy is imported for it."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydra.errors import InstantiationException
from hydra.utils import get_class, instantiate
from omegaconf import DictConfig, OmegaConf

from robustft import checks
from robustft.cli.mistakes import Mistake, naming

if TYPE_CHECKING:
    from robustft.backbones.timm_vit import TimmVit
    from robustft.data.source import Source
    from robustft.evaluation.schedule import Schedule
    from robustft.evaluation.suite import Suite
    from robustft.methods.method import Method
    from robustft.training.plan import TrainingPlan
    from robustft.training.tracker import Tracker


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The objects of one run, checked, before anything is loaded."""

    source: Source
    backbone: TimmVit
    method: Method
    suite: Suite
    schedule: Schedule
    plan: TrainingPlan
    tracker: Tracker
    seed: int
    keep_states: str | None


def build(config: DictConfig, key: str) -> Any:
    """The object that node `key` describes by its `_target_`; a Mistake that names the key if it refuses."""
    node = OmegaConf.select(config, key)
    if node is None:
        raise Mistake(f"{key} must be given: it has no default")
    missing = sorted(OmegaConf.missing_keys(node))
    if missing:
        raise Mistake(f"{missing[0]} must be given: it has no default")
    try:
        return instantiate(node, _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, (ValueError, OSError)):
            with naming(f"{key}."):
                raise cause from error
        unknown = _unknown_settings(node)
        if unknown:
            raise Mistake(f"{key}.{unknown[0]} is no key; {node._target_} has {unknown[1]}") from error
        raise Mistake(" ".join(f"{key}: {error}".split())) from error


def _unknown_settings(node: DictConfig) -> tuple[str, str] | None:
    """The first key that the target's constructor does not take, and those that it takes."""
    taken = list(inspect.signature(get_class(node._target_)).parameters)
    unknown = [str(key) for key in node if key not in taken and not str(key).startswith("_")]
    return (unknown[0], ", ".join(taken) or "no keys") if unknown else None


def parts_of(config: DictConfig) -> Parts:
    """All objects of a run; the first mistake is raised, the cheapest checks first."""
    from robustft.evaluation.keep import KEEP
    from robustft.evaluation.suite import Suite

    with naming(""):
        seed = checks.whole_number("seed", config.seed, at_least=0, at_most=2**32 - 1)
    with naming("states."):
        keep = checks.one_of("keep", config.states.keep, (*KEEP, None))
    threat_model = build(config, "threat_model")
    attacks = {str(name): build(config, f"attack.{name}") for name in config.get("attack", {})}
    with naming("suite."):
        suite = Suite(threat_model=threat_model, attacks=attacks, **OmegaConf.to_container(config.suite, resolve=True))  # type: ignore[arg-type]
    return Parts(
        source=build(config, "dataset"),
        backbone=build(config, "backbone"),
        method=build(config, "method"),
        suite=suite,
        schedule=build(config, "schedule"),
        plan=build(config, "trainer"),
        tracker=build(config, "tracker"),
        seed=seed,
        keep_states=keep,
    )
