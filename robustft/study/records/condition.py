"""A condition: which images a model state is measured on, and what attacks them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from robustft.canonical_hash import canonical_hash
from robustft.checks import condition_name, keep, number, one_of, optional, whole_number

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What a model state is measured under: images, and an attack on them or none. Its name is derived.

    Two conditions are equal if they have the same records: the same split, name, threat model and settings.

    split: `train`, `validation` or `test`.
    shift: the domain or data set whose images take the place of the split's.
    unknown: whether the images of the shift belong to no class of the data set: none is correct or wrong, none is
        attacked, and what is measured is how confident the model is on them.
    corruption, severity: what the split's images are corrupted by, severity 1 to 5; without a severity `corruption` is
        a name for many of them together.
    attack: the name of the attack; None: none, and then there is none of the three below either.
    norm, eps: its threat model; eps in pixel units of [0, 1].
    settings: the hash of its settings.
    name: `clean`, `<attack>`, `ood:<ood>`, `ood:<ood>/<attack>` or `unknown:<shift>`.

    Raises:
        ValueError: for a name that could not be read again, and for an attack without a threat model.

    >>> Condition(split="test").name
    'clean'
    >>> Condition(split="test", corruption="fog", severity=3).name
    'ood:fog-3'
    >>> Condition(split="test", shift="sketch", attack="pgd", norm="linf", eps=8 / 255, settings="5e77145a").name
    'ood:sketch/pgd'
    """

    split: str
    shift: str | None = field(default=None, compare=False)
    unknown: bool = field(default=False, compare=False)
    corruption: str | None = field(default=None, compare=False)
    severity: int | None = field(default=None, compare=False)
    attack: str | None = field(default=None, compare=False)
    norm: str | None = None
    eps: float | None = None
    settings: str | None = None
    name: str = field(init=False)

    def __post_init__(self) -> None:
        one_of("split", self.split, SPLITS)
        for argument in ("shift", "corruption", "attack"):
            optional(condition_name, argument, getattr(self, argument))
        if self.shift is not None and self.corruption is not None:
            raise ValueError(f"corruption must be None where there is a shift, got {self.corruption!r}")
        if self.unknown and (self.shift is None or self.attack is not None):
            raise ValueError(f"unknown must be False without a shift and under an attack, got {self.unknown!r}")
        if self.severity is not None:
            whole_number("severity", self.severity, at_least=1, at_most=5)
        keep(self, name=self.name_with(self.attack))
        self._check_attack()

    def _check_attack(self) -> None:
        """A threat model and settings go with an attack and nothing else, or a clean measurement had many keys."""
        for argument, value in (("norm", self.norm), ("eps", self.eps), ("attack", self.settings)):
            if self.attack is not None and value is None:
                raise ValueError(f"{argument} must be given for the attack in condition {self.name}, got None")
            if self.attack is None and value is not None:
                raise ValueError(
                    f"{argument} must be None for condition {self.name}, which has no attack; got {value!r}"
                )
            if value is not None and argument != "eps" and not (isinstance(value, str) and value):
                raise ValueError(f"{argument} must be a string, got {value!r}")
        if self.eps is not None:
            eps = number("eps", self.eps, at_least=0)
            if not math.isfinite(eps * 255):
                raise ValueError(f"eps must be a number of pixel units, got {self.eps!r}")
            keep(self, eps=eps)

    @classmethod
    def recorded(cls, *, split: Any, name: Any, norm: Any = None, eps: Any = None, settings: Any = None) -> Condition:
        """The condition of a line of records.jsonl, which has its name: the one place where a name is read.

        What stands behind `ood:` becomes the shift; the name alone does not tell a corruption from a domain.
        """
        allowed = f"condition must be clean, <attack>, ood:<name>, ood:<name>/<attack> or unknown:<name>, got {name!r}"
        if not isinstance(name, str):
            raise ValueError(allowed)
        shift, attack = None, None if name == "clean" else name
        unknown = name.startswith("unknown:")
        if unknown:
            shift, attack = name.removeprefix("unknown:"), None
        elif name.startswith("ood:"):
            shift, slash, behind = name.removeprefix("ood:").partition("/")
            attack = behind if slash else None
        for part in (shift, attack):
            try:
                optional(condition_name, "condition", part)
            except ValueError as reason:
                raise ValueError(f"{allowed}: {reason}") from reason
        return cls(split=split, shift=shift, unknown=unknown, attack=attack, norm=norm, eps=eps, settings=settings)

    @classmethod
    def recorded_part(cls, *, split: Any, name: Any) -> Condition:
        """A condition that the record of a sum names: of a corruption and a severity wherever it can be one."""
        part = cls.recorded(split=split, name=name)
        corruption, _hyphen, severity = (part.shift or "").rpartition("-")
        if part.attack is not None or part.unknown or not corruption or severity not in ("1", "2", "3", "4", "5"):
            return part
        return cls(split=split, corruption=corruption, severity=int(severity))

    @property
    def ood(self) -> str | None:
        """What stands behind `ood:` in the name, `sketch` or `fog-3`; None: the split's own images, or of no class."""
        if self.unknown:
            return None
        if self.corruption is None or self.severity is None:
            return self.shift or self.corruption
        return f"{self.corruption}-{self.severity}"

    @property
    def eps_255(self) -> float | None:
        """eps * 255, for every norm; rounded, because 255 * (7 / 255) is not quite 7."""
        return None if self.eps is None else round(self.eps * 255, 9)

    @property
    def clean(self) -> Condition:
        """The same images without the attack."""
        return self if self.attack is None else replace(self, attack=None, norm=None, eps=None, settings=None)

    def name_with(self, attack: str | None) -> str:
        """The name, with another text in the attack's place: one that tells settings or sizes apart."""
        if self.unknown:
            return f"unknown:{self.shift}"
        if self.ood is None:
            return "clean" if attack is None else attack
        return f"ood:{self.ood}" if attack is None else f"ood:{self.ood}/{attack}"

    def key(self, step: int) -> str:
        """16 hexadecimal characters for the measurement of the state after `step` updates under this condition.

        They say what was measured, not what came out or how long it took.
        """
        return _key(self, step)

    @property
    def digest(self) -> str:
        """16 hexadecimal characters for the condition, whatever the state."""
        return canonical_hash({"name": self.name, **self._identity()}, characters=16)

    def _identity(self) -> dict[str, Any]:
        return {"split": self.split, "norm": self.norm, "eps": self.eps, "attack": self.settings}


@lru_cache(maxsize=1 << 14)
def _key(condition: Condition, step: int) -> str:
    """Of a study's runs most have the same."""
    identity = {"step": step, "condition": condition.name, **condition._identity()}
    return canonical_hash(identity, characters=16)
