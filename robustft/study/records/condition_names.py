"""Labels of a run's conditions, in tables, pictures, progress and the tracker.

The name of a condition is the same for every size and all settings of an attack; a label tells these apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from robustft.canonical_hash import canonical_json
from robustft.study.records.record import Record

_NOT_SETTINGS = ("_target_", "when")  # of an attack's node in the identity


@dataclass(frozen=True, kw_only=True)
class ConditionNames:
    """Names for the conditions of one run; no two conditions of a model state share one.

    The run's own threat model and settings go without saying: `pgd`, `ood:stl10/pgd`. What differs stands behind the
    name: other settings, `pgd steps=5`; another size, `pgd@2` for eps_255=2; another norm, `pgd@l2-127.5`.

    norm, eps: the run's own threat model; eps in pixel units of [0, 1].
    attacks: attack -> hash of the run's own settings.
    others: (attack, hash) -> what other settings are called; `pgd-017c`, with the beginning of the hash, if missing.
    """

    norm: str
    eps: float
    attacks: Mapping[str, str]
    others: Mapping[tuple[str, str], str] = field(default_factory=dict, hash=False)

    def of(self, record: Record) -> str:
        """The name of the condition of `record`."""
        condition = record.condition
        if condition.attack is None or condition.settings is None or condition.eps_255 is None:
            return condition.name
        attack = self.of_attack(condition.attack, condition.settings)
        if condition.norm != self.norm:
            attack = f"{attack}@{condition.norm}-{exactly(condition.eps_255)}"
        elif condition.eps != self.eps:
            attack = f"{attack}@{exactly(condition.eps_255)}"
        return condition.name_with(attack)

    def of_attack(self, attack: str, settings: str) -> str:
        """The name of an attack with the settings of that hash, at any size."""
        if self.attacks.get(attack) == settings:
            return attack
        return self.others.get((attack, settings), f"{attack}-{settings[:4]}")


def condition_names(
    records: Iterable[Record],
    *,
    norm: str,
    eps: float,
    configured: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
) -> ConditionNames:
    """The names for everything in `records`, of one run.

    An attack that the run itself did not make goes by its name with the settings on record first.

    records: the records of one run.
    norm, eps: its threat model.
    configured: attack -> its settings, as in the identity in run.json.
    settings: hash -> the settings that it stands for, as in run.json; some or all may be missing.
    """
    hashes: dict[str, list[str]] = {}
    for record in records:
        attack, of_record = record.condition.attack, record.condition.settings
        if attack is not None and of_record is not None and of_record not in hashes.setdefault(attack, []):
            hashes[attack].append(of_record)
    known = {key: value for key, value in (settings or {}).items() if isinstance(value, Mapping)}
    own: dict[str, str] = {}
    others: dict[tuple[str, str], str] = {}
    for attack, of_attack in hashes.items():
        configuration = _settings_of((configured or {}).get(attack))
        own[attack] = next((one for one in of_attack if _may_be(known.get(one), configuration)), of_attack[0])
        reference = known.get(own[attack], configuration)
        taken = {attack}
        for other in of_attack:
            if other != own[attack]:
                others[attack, other] = _other(attack, other, known.get(other), reference, taken)
                taken.add(others[attack, other])
    return ConditionNames(norm=norm, eps=eps, attacks=own, others=others)


def exactly(eps_255: float) -> str:
    """`2`, `0.5`: as short as `%g`, but never the same for two sizes."""
    short = f"{eps_255:g}"
    return short if float(short) == eps_255 else repr(eps_255)


def _settings_of(node: Any) -> Mapping[str, Any] | None:
    """Settings, as attacks give them, from a node of the configuration; None if there is none."""
    if not isinstance(node, Mapping):
        return None
    settings = {name: value for name, value in node.items() if name not in _NOT_SETTINGS}
    return settings | {"attack": str(node.get("_target_", "")).rpartition(".")[2]}


def _may_be(settings: Mapping[str, Any] | None, configuration: Mapping[str, Any] | None) -> bool:
    """Whether `settings` are those of the configuration as far as both are known."""
    if settings is None or configuration is None:
        return True
    both = settings.keys() & configuration.keys()
    return all(canonical_json(settings[name]) == canonical_json(configuration[name]) for name in both)


def _other(
    attack: str, settings_hash: str, settings: Mapping[str, Any] | None, reference: Mapping[str, Any] | None, taken: set
) -> str:
    """The attack's name with what differs from `reference` behind it, or with the hash where that is not known."""
    if settings is None or reference is None:
        differing = []
    else:
        # What is off may be missing from the configuration of a run that had it off.
        differing = [
            f"{name}={value if isinstance(value, str) else canonical_json(value)}"
            for name, value in settings.items()
            if (value or name in reference) and canonical_json(value) != canonical_json(reference.get(name))
        ]
    name = " ".join([attack, *differing])
    names = (name, f"{name}-{settings_hash[:4]}", f"{name}-{settings_hash}")
    return next(candidate for candidate in names if candidate not in taken)
