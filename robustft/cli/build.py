"""Builds objects from configuration nodes; imports nothing heavy."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hydra.errors import InstantiationException
from hydra.utils import get_class, instantiate
from omegaconf import DictConfig, OmegaConf

from robustft import checks
from robustft.cli.command_line.groups import must_be_one_of
from robustft.cli.targets import check_kind, check_targets
from robustft.cli.user_errors import Mistake, naming
from robustft.evaluation.tiers import FRONTIER, tiers
from robustft.public_names import by_public_names

if TYPE_CHECKING:
    from robustft.backbones.backbone import Backbone
    from robustft.cli.companions.start import OtherState
    from robustft.data.source import Source
    from robustft.evaluation.schedule import Schedule
    from robustft.evaluation.suite import Suite
    from robustft.methods.method import Method
    from robustft.objectives.objective import Objective
    from robustft.objectives.update_passes import UpdatePasses
    from robustft.study.records.condition import Condition
    from robustft.training.plan import TrainingPlan
    from robustft.training.trackers.tracker import RunTracker


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The objects of one run, checked before data or weights are loaded."""

    source: Source
    backbone: Backbone
    method: Method
    objective: Objective
    suite: Suite
    schedule: Schedule
    plan: TrainingPlan
    tracker: RunTracker
    seed: int
    keep_states: str | None
    shifts: Mapping[str, Shift]
    start: OtherState | None = None
    reference: OtherState | None = None
    uncertain: Source | None = None

    @property
    def update_passes(self) -> UpdatePasses:
        """Of an update, whatever is around the objective."""
        passes = self.objective.passes
        return passes.perturbed() if self.plan.weight_perturbation else passes

    @property
    def checkpoint_states(self) -> int:
        """Size of a checkpoint, in states of the model: every trained network with AdamW's two moments, the average."""
        return 3 * (1 + self.objective.peers) + bool(self.plan.average)


@dataclass(frozen=True, kw_only=True)
class Shift:
    """A further data set whose test split is measured.

    mapping: its classes -> the run's.
    unknown: whether its images belong to no class of the run's: not accuracy is measured, but confidence.
    """

    source: Source
    mapping: Mapping[str, str]
    unknown: bool = False

    @property
    def condition(self) -> Condition:
        """What measures it, without an attack."""
        from robustft.study.records.condition import Condition

        return Condition(split="test", shift=self.source.name, unknown=self.unknown)


def build(config: DictConfig, key: str, *, without: Sequence[str] = ()) -> Any:
    """The object that node `key` describes by its `_target_`; a Mistake that names the key if a setting is invalid.

    without: keys of the node that are no arguments of the constructor.
    """
    node = OmegaConf.select(config, key)
    if node is None:
        raise Mistake(f"{key} must be given: it has no default")
    if not isinstance(node, DictConfig) or "_target_" not in node:
        raise Mistake(f"{key} must be a group of settings with a _target_, got {node!s:.80}")
    missing = sorted(OmegaConf.missing_keys(node))
    if missing:
        name = missing[0] if missing[0].startswith(f"{key}.") else f"{key}.{missing[0]}"
        raise Mistake(f"{name} must be given: it has no default")
    arguments: list[Any] = [name for name in node if name not in without]
    node = OmegaConf.masked_copy(node, arguments) if without else node
    node = OmegaConf.create(by_public_names(OmegaConf.to_container(node, resolve=True)))
    place = tuple(key.split("."))
    check_targets(OmegaConf.to_container(node), place, trusted=None)
    try:
        built = instantiate(node, _convert_="all")
    except InstantiationException as error:
        cause = error.__cause__
        if isinstance(cause, (ValueError, OSError)):
            with naming(f"{key}."):
                raise cause from cause.__cause__  # not from `error`, whose cause it is: a circle
        unknown = _unknown_settings(node)
        if unknown:
            raise Mistake(f"{key}.{unknown[0]} is no key; {node._target_} has {unknown[1]}") from error
        raise Mistake(" ".join(f"{key}: {error}".split())) from error
    check_kind(built, place, str(node._target_))
    return built


def _unknown_settings(node: DictConfig) -> tuple[str, str] | None:
    """The first key that is no parameter of the target's constructor, and the names of these; None if there is none."""
    parameters = _parameters(get_class(node._target_))
    unknown = [str(key) for key in node if key not in parameters and not str(key).startswith("_")]
    return (unknown[0], ", ".join(parameters) or "no keys") if unknown else None


def _parameters(target: type) -> list[str]:
    """The names of a constructor's parameters, with those of its base class where it passes **settings on."""
    names: dict[str, None] = {}
    for owner in target.__mro__:
        if "__init__" not in vars(owner):
            continue
        parameters = list(inspect.signature(owner.__init__).parameters.values())[1:]  # type: ignore[misc]
        names |= dict.fromkeys(each.name for each in parameters if each.kind is not each.VAR_KEYWORD)
        if all(each.kind is not each.VAR_KEYWORD for each in parameters):
            break
    return list(names)


def parts_of(config: DictConfig) -> Parts:
    """All objects of a run; a Mistake for the first invalid setting, the cheapest checks first."""
    from robustft.cli.companions.start import other_state
    from robustft.evaluation.suite import Suite
    from robustft.models.keep_policy import KEEP

    with naming(""):
        seed = checks.whole_number("seed", config.seed, at_least=0, at_most=2**32 - 1)
    with naming("states."):
        keep = checks.one_of("keep", config.states.keep, (*KEEP, None))
    threat_model = build(config, "threat_model")
    attacks = {str(name): build(config, f"attack.{name}", without=("when",)) for name in config.get("attack") or {}}
    if not attacks:
        raise Mistake(must_be_one_of("attack", "[]").replace("one of", "at least one of", 1))
    when = tiers_of(config)
    on_frontier = [name for name, tier in when.items() if tier == FRONTIER]
    if on_frontier and keep == "none":
        raise Mistake(f"states.keep must be all or selected where attack.{on_frontier[0]}.when is frontier, got none")
    with naming("suite."):
        settings: Any = OmegaConf.to_container(config.suite, resolve=True)
        suite = Suite(threat_model=threat_model, attacks=attacks, when=when, **settings)
    parts = Parts(
        source=source_of(config),
        backbone=build(config, "backbone"),
        method=build(config, "method"),
        objective=objective_of(config),
        suite=suite,
        schedule=build(config, "schedule"),
        plan=build(config, "trainer"),
        tracker=build(config, "tracker"),
        seed=seed,
        keep_states=keep,
        shifts=shifts_of(config),
        start=other_state(config.get("start"), "start"),
        reference=other_state(OmegaConf.select(config, "objective.reference"), "objective.reference"),
        uncertain=uncertain_of(config),
    )
    _refuse_other_labels(parts)
    if not (parts.objective.trains_head or parts.method.moves_features):
        objective, method = (type(part).__name__ for part in (parts.objective, parts.method))
        raise Mistake(
            f"method must be one that trains more than the head, to which {objective} gives no gradient; got {method}"
        )
    return parts


def source_of(config: DictConfig) -> Source:
    """The data set, or the self-supervised one that `pretext` makes of it."""
    from robustft.data.pretexts.pretext_source import PretextSource

    source: Source = build(config, "dataset")
    if not config.get("pretext"):  # {} is that of pretext=none
        return source
    with naming("pretext."):
        return PretextSource(source=source, pretext=build(config, "pretext"))


def _refuse_other_labels(parts: Parts) -> None:
    """A Mistake for what has other labels than those of a pretext, or makes them wrong."""
    from robustft.data.pretexts.pretext_source import PretextSource

    if not isinstance(parts.source, PretextSource):
        return
    pretext = parts.source.pretext
    if parts.shifts:
        names = ", ".join(shift.source.name for shift in parts.shifts.values())
        raise Mistake(f"shift may have no set with pretext={pretext.name}, whose labels no other set has; got {names}")
    if wrong := [name for name in parts.plan.augment if name not in pretext.augmentations]:
        allowed = ", ".join(pretext.augmentations) or "nothing"
        raise Mistake(
            f"trainer.augment may have {allowed} with pretext={pretext.name}, whose labels it would make wrong; "
            f"got {', '.join(wrong)}"
        )


def objective_of(config: DictConfig) -> Objective:
    """What a training step minimises; runs of before there was a choice minimise the cross-entropy."""
    from robustft.objectives.standard import Standard

    return build(config, "objective", without=("reference", "uncertain_set")) if config.get("objective") else Standard()


def uncertain_of(config: DictConfig) -> Source | None:
    """The data set that `objective.uncertain` names; None if it names none."""
    from robustft.cli.companions.uncertain_set import uncertain_node

    node = uncertain_node(config)
    if node is None:
        return None
    source: Source = build(OmegaConf.create({"objective": {"uncertain_set": node}}), "objective.uncertain_set")
    return source


def tiers_of(config: DictConfig) -> dict[str, str]:
    """When each attack runs, by its name; a Mistake that names `attack.<name>.when`."""
    nodes = config.get("attack") or {}
    with naming("attack."):
        for name in nodes:
            checks.condition_name(f"{name}: its name", str(name))
        return tiers(map(str, nodes), {str(name): nodes[name].when for name in nodes if "when" in nodes[name]})


def shifts_of(config: DictConfig) -> dict[str, Shift]:
    """The data sets of the `shift` group by key; a Mistake if two have the same condition."""
    from robustft.data.class_matching import mapping_argument
    from robustft.data.dataset_name import look_alike, ood_name

    shifts: dict[str, Shift] = {}
    for key in config.get("shift") or {}:
        if "_target_" not in (config.shift[key] or {}):
            raise Mistake(f"shift.{key} must be chosen before it is set: shift=[{key}]")
        source = build(config, f"shift.{key}", without=("mapping", "unknown"))
        with naming(f"shift.{key}."):
            ood_name("name", source.name)
        if look_alike(source.name) in [look_alike(shift.source.name) for shift in shifts.values()]:
            raise Mistake(f"shift.{key}.name must be another: ood:{source.name} is taken")
        with naming(f"shift.{key}."):
            settings = OmegaConf.to_container(config.shift[key], resolve=True)
            mapping = mapping_argument(settings.get("mapping"))  # type: ignore[union-attr]
            unknown = checks.yes_or_no("unknown", settings.get("unknown", False))  # type: ignore[union-attr]
            if unknown and mapping:
                raise Mistake(f"shift.{key}.mapping must be null where unknown is true, got {mapping}")
        shifts[str(key)] = Shift(source=source, mapping=mapping, unknown=unknown)
    return shifts
