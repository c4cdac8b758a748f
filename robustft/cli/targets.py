"""Which class a `_target_` of the configuration may name: a known class, of the kind that its place requires."""

from __future__ import annotations

import importlib
import inspect
import re
from abc import ABC
from collections.abc import Collection, Mapping
from typing import Any

from robustft.cli.user_errors import Mistake

OURS = "robustft"
_SOURCE, _ARCHIVE = "robustft.data.Source", "robustft.data.Archive"
_KINDS = {
    ("dataset",): _SOURCE,
    ("dataset", "archive"): _ARCHIVE,
    ("shift", "*"): _SOURCE,
    ("shift", "*", "archive"): _ARCHIVE,
    ("pretext",): "robustft.data.Pretext",
    ("backbone",): "robustft.backbones.Backbone",
    ("method",): "robustft.methods.Method",
    ("objective",): "robustft.objectives.Objective",
    ("objective", "uncertain_set"): _SOURCE,
    ("objective", "uncertain_set", "archive"): _ARCHIVE,
    ("objective", "inner"): "robustft.objectives.InnerMaximisation",
    ("threat_model",): "robustft.attacks.ThreatModel",
    ("attack", "*"): "robustft.attacks.Attack",
    ("schedule",): "robustft.evaluation.Schedule",
    ("trainer",): "robustft.training.TrainingPlan",
    ("tracker",): "robustft.training.RunTracker",
}
"""Place in the configuration -> class of the object built there. Nothing is built elsewhere, except arguments of
classes from outside robustft."""

_NAME = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)+")
_SPECIAL = re.compile(r"_\w+_")


def check_targets(
    node: Any, place: tuple[str, ...] = (), *, trusted: Collection[str] | None, is_free: bool = False
) -> None:
    """Raises a Mistake for the first `_target_` in `node`, at any depth, that must not be built.

    A target names code to run, and modules also hold names that they only import: `os`, `np.load`. So only classes are
    built, and only those defined in robustft or in a trusted package.

    node: plain dictionaries and lists, as read from YAML.
    place: keys that lead to the node; () for a whole configuration.
    trusted: packages outside robustft that may be imported; None: all, for the user's own command line.
    is_free: whether the node is an argument of a class from outside robustft, which may contain any target.
    """
    if isinstance(node, list):
        for index, inner in enumerate(node):
            check_targets(inner, (*place, str(index)), trusted=trusted, is_free=is_free)
    if not isinstance(node, Mapping):
        return
    if "_target_" in node:
        is_free = _check_target(node["_target_"], place, trusted, is_free)
    for key, inner in node.items():
        if trusted is not None and not is_free and key != "_target_" and _SPECIAL.fullmatch(str(key)):
            raise Mistake(f"{'.'.join((*place, str(key)))} must not be set: it changes how an object is built")
        check_targets(inner, (*place, str(key)), trusted=trusted, is_free=is_free)


def _check_target(target: Any, place: tuple[str, ...], trusted: Collection[str] | None, is_free: bool) -> bool:
    """Whether the class comes from outside robustft; raises a Mistake if it must not be built."""
    where = ".".join((*place, "_target_"))
    if not isinstance(target, str) or not _NAME.fullmatch(target):
        raise Mistake(f"{where} must be the full name of a class, got {target!r}")
    kind = _KINDS.get(place) or _KINDS.get((*place[:1], "*", *place[2:]))
    package = target.partition(".")[0]
    if package != OURS:
        if trusted is not None and not _is_below(target, trusted):
            raise Mistake(
                f"run has a _target_ outside robustft, {where} {target}; if you know what its code does, "
                f"trust=[{package}] lets it run"
            )
        if trusted is not None and known_class(target, (OURS, *trusted)) is None:
            raise Mistake(f"{where} must be a class that is {package}'s own, got {target}")
        return True
    if kind is None and not is_free:
        raise Mistake(f"{where} must not be set: no object is built at this place; got {target}")
    kinds = _KINDS.values() if kind is None else (kind,)
    built_class = known_class(target, (OURS,))
    if built_class is None or inspect.isabstract(built_class) or not any(_is_of(built_class, kind) for kind in kinds):
        expected = kind.rpartition(".")[2] if kind else "one that robustft builds"
        raise Mistake(f"{where} must be a class of robustft's own, of the kind {expected}; got {target}")
    return False


def check_kind(built: Any, place: tuple[str, ...], target: str) -> None:
    """Raises a Mistake if the object built at `place` does not extend the base class of its kind."""
    kind = _KINDS.get(place) or _KINDS.get((*place[:1], "*", *place[2:]))
    if kind is None:
        return
    base = known_class(kind, (OURS,))
    if base is not None and ABC in base.__mro__ and not isinstance(built, base):
        raise Mistake(f"{'.'.join(place)}._target_ must be a class that extends {kind}, got {target}")


def known_class(name: str, packages: Collection[str]) -> type | None:
    """The class with the full name `name`, if it is defined in one of `packages`.

    None for functions, modules, private classes, and names that a module only imports.
    """
    module, _, attribute = name.rpartition(".")
    try:
        value = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return None
    if not isinstance(value, type) or not _is_below(value.__module__, packages) or value.__name__.startswith("_"):
        return None
    return value


def _is_of(built_class: type, kind: str) -> bool:
    """Whether a class is `kind` or extends it; a base class (ABC) itself does not count."""
    expected = known_class(kind, (OURS,))
    assert expected is not None
    is_base = ABC in expected.__mro__
    return issubclass(built_class, expected) and not (is_base and built_class is expected)


def _is_below(name: str, packages: Collection[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)
