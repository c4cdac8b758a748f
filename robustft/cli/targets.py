"""Which class a `_target_` of the configuration may name: a known one, of the kind that its place takes."""

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
    ("backbone",): "robustft.backbones.Backbone",
    ("method",): "robustft.methods.Method",
    ("threat_model",): "robustft.attacks.ThreatModel",
    ("attack", "*"): "robustft.attacks.Attack",
    ("schedule",): "robustft.evaluation.Schedule",
    ("trainer",): "robustft.training.TrainingPlan",
    ("tracker",): "robustft.training.Tracker",
}
"""Place in the configuration -> what is built there. Nothing is built anywhere else, but what a class from outside
robustft takes."""

_NAME = re.compile(r"[A-Za-z]\w*(\.[A-Za-z]\w*)+")
_SPECIAL = re.compile(r"_\w+_")


def check_targets(
    node: Any, place: tuple[str, ...] = (), *, trusted: Collection[str] | None, is_free: bool = False
) -> None:
    """A Mistake at the first `_target_` in `node`, at any depth, that is not to be built.

    A target is a name of code to run, and a module has many names in it that are not its own: `os`, `np.load`. So only
    classes are built, where their own module is robustft's or trusted.

    node: of plain dictionaries and lists, as a YAML file has them.
    place: where it stands; () if it is a whole configuration.
    trusted: packages outside robustft that may be imported; None: all of them, since the words are the user's own.
    is_free: whether the node is an argument of a class from outside robustft, which may take anything.
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
            raise Mistake(f"{'.'.join((*place, str(key)))} must not be there: it says how something is built")
        check_targets(inner, (*place, str(key)), trusted=trusted, is_free=is_free)


def _check_target(target: Any, place: tuple[str, ...], trusted: Collection[str] | None, is_free: bool) -> bool:
    """Whether the class comes from outside robustft; a Mistake if it is not to be built."""
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
        raise Mistake(f"{where} must not be there: nothing is built at this place; got {target}")
    kinds = _KINDS.values() if kind is None else (kind,)
    found = known_class(target, (OURS,))
    if found is None or inspect.isabstract(found) or not any(_is_of(found, kind) for kind in kinds):
        wanted = kind.rpartition(".")[2] if kind else "one that robustft builds"
        raise Mistake(f"{where} must be a class of robustft's own, of the kind {wanted}; got {target}")
    return False


def check_kind(built: Any, place: tuple[str, ...], target: str) -> None:
    """A Mistake if what was built at `place` does not extend the class that all of its kind extend."""
    kind = _KINDS.get(place) or _KINDS.get((*place[:1], "*", *place[2:]))
    if kind is None:
        return
    extended = known_class(kind, (OURS,))
    if extended is not None and ABC in extended.__mro__ and not isinstance(built, extended):
        raise Mistake(f"{'.'.join(place)}._target_ must be a class that extends {kind}, got {target}")


def known_class(name: str, packages: Collection[str]) -> type | None:
    """The class with the full name `name` if it is defined in one of `packages`; nothing of others is imported for it.

    None for functions, modules, private classes, and for what a module has only imported.
    """
    module, _, attribute = name.rpartition(".")
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ImportError:
        return None
    if not isinstance(found, type) or not _is_below(found.__module__, packages) or found.__name__.startswith("_"):
        return None
    return found


def _is_of(found: type, kind: str) -> bool:
    """Whether `found` is the kind itself, or where that is a contract, a class that fulfils it."""
    expected = known_class(kind, (OURS,))
    assert expected is not None
    is_contract = ABC in expected.__mro__
    return issubclass(found, expected) and not (is_contract and found is expected)


def _is_below(name: str, packages: Collection[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)
