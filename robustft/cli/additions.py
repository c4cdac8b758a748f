"""Conditions that `evaluate` adds to a run's records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf

from robustft.attacks.pgd import Pgd
from robustft.attacks.threat_model import ThreatModel
from robustft.cli.build import build, shifts_of
from robustft.cli.user_errors import Mistake, naming
from robustft.evaluation.suite import Suite
from robustft.evaluation.tiers import SPLITS, SPLITS_AFTERWARDS, attacks_afterwards

if TYPE_CHECKING:
    from robustft.study.records.condition import Condition


@dataclass(frozen=True, kw_only=True)
class Additions:
    """Settings of `evaluate`, checked once for all runs, so that a mistake is reported once. By default, no addition.

    attacks: name -> node of each chosen attack; suite: the keys of `suite` that are set.
    attacked: whether conditions with an attack are added: attacks, threat model, eps grid or OOD attacks are set.
    splits: the splits to measure; None: not set.
    shifts: key -> (name in conditions, node); moved: key of one of the run's own shift sets -> its new path.
    """

    attacks: Mapping[str, Any] = field(default_factory=dict)
    norm: str | None = None
    eps_255: float | None = None
    suite: Mapping[str, Any] = field(default_factory=dict)
    attacked: bool = False
    shifts: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    moved: Mapping[str, str | None] = field(default_factory=dict)
    splits: tuple[str, ...] | None = None

    def __bool__(self) -> bool:
        """Whether any condition is added; otherwise the run's own suite is measured again."""
        return self.attacked or bool(self.shifts) or "corruptions" in self.suite

    def wants(self, condition: Condition) -> bool:
        """Whether `condition` is to be added."""
        if condition.corruption is not None:
            return "corruptions" in self.suite
        if condition.shift in [name for name, _ in self.shifts.values()]:
            return True
        return self.attacked and attacks_afterwards(condition, self.splits or SPLITS_AFTERWARDS)


def additions_of(config: DictConfig) -> Additions:
    """The additions that `config` sets; a Mistake for settings that are invalid for any run."""
    attacks = {str(name): config.attack[name] for name in config.get("attack") or {}}
    built = {name: build(config, f"attack.{name}", without=("when",)) for name in attacks}
    suite: dict[str, Any] = OmegaConf.to_container(config.suite, resolve=True)  # type: ignore[assignment]
    suite = {name: value for name, value in suite.items() if value is not None}
    if "severities" in suite and "corruptions" not in suite:
        raise Mistake("suite.severities must come with suite.corruptions, got no corruptions")
    norm, eps_255 = config.threat_model.norm, config.threat_model.eps_255
    with naming("threat_model."):
        threat_model = ThreatModel(norm="l2" if norm is None else norm, eps_255=0 if eps_255 is None else eps_255)
    with naming("suite."):
        Suite(threat_model=threat_model, attacks=built or {"pgd": Pgd()}, **suite)
    nodes = config.get("shift") or {}
    chosen = {str(key): nodes[key] for key in nodes if "_target_" in (nodes[key] or {})}
    moved = {str(key): nodes[key] for key in nodes if key not in chosen}
    for key, node in moved.items():
        if not OmegaConf.is_config(node) or list(node) != ["path"]:
            raise Mistake(f"shift.{key} must be chosen, shift=[{key}], or have only a path, for a shift set of the run")
    shifts = shifts_of(OmegaConf.create({"shift": chosen}))
    return Additions(
        attacks={name: OmegaConf.to_container(node, resolve=False) for name, node in attacks.items()},
        norm=norm,
        eps_255=eps_255,
        suite=suite,
        attacked=bool(attacks)
        or norm is not None
        or eps_255 is not None
        or bool({"eps_grid_255", "attack_ood"} & suite.keys()),
        shifts={
            key: (shifts[key].source.name, OmegaConf.to_container(node, resolve=False)) for key, node in chosen.items()
        },
        moved={key: node.path for key, node in moved.items()},
        splits=_splits(config.splits),
    )


def _splits(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    splits = OmegaConf.to_container(value) if OmegaConf.is_list(value) else None
    if not isinstance(splits, list) or not splits or any(split not in SPLITS for split in splits):
        raise Mistake(f"splits must be a list of {' and '.join(SPLITS)}, such as [test]; got {value}")
    return tuple(map(str, splits))
