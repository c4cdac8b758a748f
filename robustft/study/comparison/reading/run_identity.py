"""What decides a run's numbers, sorted into its setting, its strategy and its seed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from robustft.canonical_hash import canonical_hash
from robustft.checks import number
from robustft.study.comparison.identity_names import Named
from robustft.study.comparison.reading.origin import names, seedless
from robustft.study.plain_file import plain_line
from robustft.study.run import Run
from robustft.study.run_command import printable_command
from robustft.study.run_file import dotted

_NAMES = ("dataset", "backbone", "method")
_SETTINGS = ("threat_model", "method", "objective", "trainer")


class RunIdentity:
    """What run.json says of a run, sorted into setting and strategy.

    Raises:
        ValueError: if it cannot be sorted.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        identity = seedless(content)
        self.content = content
        self.attacks = identity["attack"]
        self.main = next(iter(self.attacks))
        threat = identity.pop("threat_model", None)
        if not isinstance(threat, Mapping) or plain_line(norm := threat.get("norm")) != norm or norm is None:
            raise ValueError(f"run.json: identity.threat_model must have a norm, got {threat!r:.80}")
        self.norm: str = norm
        self.eps_255 = round(number("run.json: identity.threat_model.eps_255", threat.get("eps_255"), at_least=0), 9)
        attack = {key: value for key, value in self.attacks[self.main].items() if key != "when"}
        self.setting = {
            "dataset": object_or_empty(identity.pop("dataset", None)),
            "backbone": object_or_empty(identity.pop("backbone", None)),
            "threat_model": threat,
            "attack": {self.main: attack},
        }
        self.dataset, self.backbone, self.method = (plain_line(content[name]) or "" for name in _NAMES)
        self.seed = int(content["seed"])
        identity["attack"] = {name: node for name, node in self.attacks.items() if name != self.main}
        identity["suite"] = {
            key: value for key, value in object_or_empty(identity.get("suite")).items() if key != "max_images"
        }
        self.rest = {key: value for key, value in identity.items() if value not in ({}, None)}
        self.steps = attack.get("steps")

    @property
    def label(self) -> str:
        """Of the main attack, `PGD-15`."""
        has_steps = isinstance(self.steps, int) and not isinstance(self.steps, bool)
        return self.main.upper() + (f"-{self.steps}" if has_steps else "")

    @property
    def part(self) -> str:
        """The hash of the setting without the evaluated images."""
        return canonical_hash(self.setting, characters=16)

    def named_setting(self, images: int) -> Named:
        """The most telling first: people know a backbone by its name and not by its options."""
        key = canonical_hash(self.setting | {"images": images}, characters=16)
        telling = {"backbone.": self.backbone, "norm": self.norm, "eps_255": self.eps_255, "attack.": self.label}
        others = dotted({name: self.setting[name] for name in ("dataset", "backbone")})
        of_attack = dotted({"attack": self.setting["attack"][self.main]})
        return Named(key=key, name=self.dataset, settings=telling | {"images": images} | of_attack | others)

    def named_strategy(self) -> Named:
        """What follows the method first. An objective that is not the standard one, and what the run started from, go
        with the method's name."""
        name = plain_line(Run(Path(), self.content).strategy) or self.method
        told = names(self.content)
        if "start" in told:
            name = f"{name} start={told['start']}"
        order = sorted(self.rest, key=lambda name: name != "method")
        settings = dotted({name: self.rest[name] for name in order})
        if "start" in told:  # names rather than hashes
            settings.pop("start.strategy", None)
        if "reference" in told:
            settings["reference"] = told["reference"]
            settings.pop("objective.reference_strategy", None)
        return Named(key=canonical_hash(self.rest, characters=16), name=name, settings=settings)

    @property
    def command(self) -> str:
        """What makes a run again where neither a study nor its own directory has its words: its groups, and its
        settings as far as they are plain."""
        names = {name: str(self.content[name]) for name in (*_NAMES, "seed")}
        if "objective" in self.rest:
            names["objective"] = str(self.content.get("objective"))
        if "pretext" in self.setting["dataset"]:  # its name follows that of the data set
            names["dataset"], _, names["pretext"] = names["dataset"].rpartition("-")
        words = [f"{name}={value}" for name, value in names.items()]
        settings = dotted({"threat_model": self.setting["threat_model"]} | self.rest)
        for key, value in settings.items():
            plain = isinstance(value, int | float) and not isinstance(value, bool)
            if key.split(".")[0] in _SETTINGS and (plain or key == "threat_model.norm"):
                words.append(f"{key}={value}")
        return printable_command(words) or ""


def object_or_empty(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
