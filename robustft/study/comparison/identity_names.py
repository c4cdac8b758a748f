"""Names of settings and strategies: short, and never the same for two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from robustft.canonical_hash import canonical_hash, canonical_json
from robustft.study.plain_file import plain_line

_LONGEST = 60
"""Characters of a strategy's name with all that differs behind it."""

_LONGEST_VALUE = 32
_HASHES = ("fingerprint", "weights")


@dataclass(frozen=True, kw_only=True)
class Named:
    """What is to be named.

    key: the hash of all of it.
    name: what it is called if there is no other.
    settings: key, `method.rank`, -> value, the most telling first. A value goes without its key if that ends in a dot.
    """

    key: str
    name: str
    settings: Mapping[str, Any]


def setting_names(settings: Iterable[Named]) -> dict[str, str]:
    """key -> name, with as little behind it as tells it apart.

    >>> digits = [Named(key=f"{eps}", name="digits", settings={"eps_255": eps, "images": 450}) for eps in (4, 8)]
    >>> setting_names(digits)
    {'4': 'digits eps_255=4', '8': 'digits eps_255=8'}
    """
    different = _different(settings)
    names = {setting.key: setting.name for setting in different}
    groups = _by_name(different, names)
    for key in dict.fromkeys(key for setting in different for key in setting.settings):
        for group in groups:
            if key in _varying(group):
                having = [one for one in group if key in one.settings]
                names |= {one.key: " ".join([names[one.key], *_parts(one, [key], {key})]) for one in having}
        groups = _by_name(different, names)
    return _unambiguous(names)


def strategy_names(settings: Sequence[Sequence[Named]]) -> dict[str, str]:
    """key -> name of the strategies in each setting, with all behind it that differs in any setting under its name.

    So a strategy is called the same everywhere, and what differs only from setting to setting, as epochs that go with
    the data set, does not make it another one.

    >>> four, eight = (Named(key=f"{r}", name="lora", settings={"rank": r, "epochs": 5}) for r in (4, 8))
    >>> elsewhere = Named(key="other", name="lora", settings={"rank": 8, "epochs": 20})
    >>> strategy_names([[four, eight], [elsewhere]])
    {'4': 'lora rank=4', '8': 'lora rank=8', 'other': 'lora rank=8'}
    """
    names: dict[str, str] = {}
    for name in dict.fromkeys(strategy.name for setting in settings for strategy in setting):
        groups = [_different(strategy for strategy in setting if strategy.name == name) for setting in settings]
        varying = set().union(*map(_varying, groups))
        for strategy in _different(strategy for group in groups for strategy in group):
            ordered = [key for key in strategy.settings if key in varying]
            names[strategy.key] = _joined(name, _parts(strategy, ordered, varying))
    for setting in settings:
        names |= _unambiguous({strategy.key: names[strategy.key] for strategy in setting})
    return names


def _different(named: Iterable[Named]) -> list[Named]:
    return list({one.key: one for one in named}.values())


def _by_name(named: Iterable[Named], names: Mapping[str, str]) -> list[list[Named]]:
    groups: dict[str, list[Named]] = {}
    for one in named:
        groups.setdefault(names[one.key], []).append(one)
    return list(groups.values())


def _varying(group: Sequence[Named]) -> set[str]:
    """The keys of which not all have the same value; one that some lack varies."""
    values: dict[str, list[str]] = {}
    for one in group:
        for key, value in one.settings.items():
            values.setdefault(key, []).append(canonical_json(value))
    return {key for key, of_key in values.items() if len(of_key) < len(group) or len(set(of_key)) > 1}


def _parts(named: Named, keys: Sequence[str], varying: Collection[str]) -> list[str]:
    """`rank=4` for each of the keys; by as many of a key's last words as tell it from all that varies."""
    shown = []
    for key in keys:
        words = key.removesuffix("._target_").split(".")
        endings = [".".join(words[-count:]) for count in range(1, len(words) + 1)]
        others = [f".{other.removesuffix('._target_')}" for other in varying if other != key]
        label = next((end for end in endings if not any(other.endswith(f".{end}") for other in others)), endings[-1])
        value = _shown(key, named.settings[key])
        shown.append(value if key.endswith(".") else f"{label}={value}")
    return shown


def _shown(key: str, value: Any) -> str:
    """A value as short as people read it."""
    if value is None:
        return "null"
    text = plain_line(value if isinstance(value, str) else canonical_json(value)) or '""'
    if key.endswith("_target_"):
        text = text.rpartition(".")[2]
    if key.rpartition(".")[2] in _HASHES:
        return text[:6]
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _joined(name: str, parts: Sequence[str]) -> str:
    """The name with the parts behind it; where these are too many, a hash stands for the rest."""
    whole = " ".join([name, *parts])
    if len(whole) <= _LONGEST:
        return whole
    while parts and len(" ".join([name, *parts])) > _LONGEST - 5:
        parts = parts[:-1]
    return " ".join([name, *parts, canonical_hash(whole, characters=4)])


def _unambiguous(names: Mapping[str, str]) -> dict[str, str]:
    """key -> name, with the beginning of the key behind names that several have."""
    counts = Counter(names.values())
    return {key: name if counts[name] == 1 else f"{name} {key[:6]}" for key, name in names.items()}
