"""What is measured at every evaluated step, and once the run is over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from robustft import checks
from robustft.attacks.attack import Attack
from robustft.attacks.threat_model import ThreatModel
from robustft.data.corruptions.names import CORRUPTIONS, SEVERITIES, corruption_names, severity_numbers
from robustft.evaluation.tiers import tiers
from robustft.optional_setting import optional_setting
from robustft.study.records.condition import Condition

PRECISIONS = ("auto", "float32", "bf16")


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Clean and attacked accuracy on the validation and the test split, clean accuracy on every OOD set.

    Optionally also attacked accuracy on the OOD sets, and accuracy under corruptions of the test split.

    threat_model: what the adversary may do.
    attacks: name -> attack; the name is the condition's.
    when: name of an attack -> its tier: `every` scheduled step (where missing), the `last` state, or the states on the
        validation `frontier`; the first attack's must be `every`. Attacks of the last two leave validation alone: it
        has selected the states already.
    max_images: size of the fixed subset of every split that is evaluated (it does not depend on the run's seed);
        None: all images.
    batch_size: images per forward pass; changes speed and memory, and results by rounding at most.
    corruptions: those of the test split that are measured: names, `all` (the 15 of ImageNet-C), `extra` (its 4 more),
        or a list of these; None: none. Afterwards a tuple of names.
    severities: of every corruption, 1 to 5.
    attack_ood: whether the attacks attack other domains' images too (corrupted images they never do).
    precision: in which attacks search: `float32`, `bf16`, or `auto`, bf16 on a GPU that has it. Verdicts are always the
        model's own, float32.
    compile: whether attacks search with torch.compile; it takes a minute and pays on a GPU for thousands of images.
    eps_grid_255: further sizes at which every attack is measured, in units of 1/255, each above 0 and another than the
        threat model's. Afterwards a rising tuple.

    Raises:
        ValueError: for settings outside what is said above.

    >>> from robustft.attacks import Pgd
    >>> suite = Suite(threat_model=ThreatModel(eps_255=8), attacks={"pgd": Pgd()}, eps_grid_255=[16, 4])
    >>> [threat_model.eps_255 for threat_model in suite.threat_models]
    [8.0, 4.0, 16.0]
    """

    threat_model: ThreatModel
    attacks: Mapping[str, Attack] = field(default_factory=dict)
    when: Mapping[str, str] = field(default_factory=dict)
    max_images: int | None = None
    batch_size: int = 128
    corruptions: Any = optional_setting(None, normal=corruption_names)
    severities: Any = optional_setting(SEVERITIES, normal=severity_numbers, goes_with="corruptions")
    attack_ood: bool = optional_setting(False)
    eps_grid_255: Sequence[float] = optional_setting((), normal=sorted)
    precision: str = optional_setting("auto")
    compile: bool = False

    def __post_init__(self) -> None:
        if not self.attacks:
            raise ValueError("attacks must have at least one attack, got none")
        for name in self.attacks:
            checks.condition_name("attacks: the name of each", name)
        checks.keep(self, when=tiers(self.attacks, self.when))
        checks.keep(
            self,
            max_images=checks.optional(checks.whole_number, "max_images", self.max_images, at_least=1),
            batch_size=checks.whole_number("batch_size", self.batch_size, at_least=1),
            corruptions=corruption_names(self.corruptions),
            severities=severity_numbers(self.severities),
            attack_ood=checks.yes_or_no("attack_ood", self.attack_ood),
            eps_grid_255=_eps_grid(self.eps_grid_255, self.threat_model),
            precision=checks.one_of("precision", self.precision, PRECISIONS),
            compile=checks.yes_or_no("compile", self.compile),
        )

    @property
    def threat_models(self) -> tuple[ThreatModel, ...]:
        """The suite's own, and those of the grid by rising eps."""
        return (self.threat_model, *(replace(self.threat_model, eps_255=size) for size in self.eps_grid_255))

    @property
    def main_attack(self) -> str:
        """The name of the first attack: the one that the trade-off curve is about."""
        return next(iter(self.attacks))

    @property
    def attack_settings(self) -> dict[str, Any]:
        """The settings of every attack by their hash, which is all that records have of them."""
        return {attack.settings_hash: attack.settings for attack in self.attacks.values()}

    def corrupted(self) -> tuple[Condition, ...]:
        """The conditions of single corruptions, by corruption and severity."""
        return tuple(
            Condition(split="test", corruption=corruption, severity=severity)
            for corruption in self.corruptions
            for severity in self.severities
        )

    def conditions(self, shifts: Iterable[str], unknown: Iterable[str] = ()) -> Iterator[Condition]:
        """Everything that is measured, in its order: attacks behind what they attack, the corruptions' sum behind all.

        shifts: names of the OOD sets; unknown: of those whose images belong to no class, which nothing attacks.
        """
        clean = [Condition(split="validation"), Condition(split="test")]
        clean += [Condition(split="test", shift=name) for name in shifts]
        for images in clean:
            yield images
            if images.shift is None or self.attack_ood:
                yield from self._attacking(images)
        yield from (Condition(split="test", shift=name, unknown=True) for name in unknown)
        if self.corruptions:
            yield from self.corrupted()
            yield Condition(split="test", corruption=CORRUPTIONS)

    def _attacking(self, images: Condition) -> Iterator[Condition]:
        for name, attack in self.attacks.items():
            for threat_model in self.threat_models:
                yield replace(
                    images, attack=name, norm=threat_model.norm, eps=threat_model.eps, settings=attack.settings_hash
                )

    def attacks_at(self, *when: str) -> frozenset[str]:
        """The names of the attacks whose tier is one of `when`."""
        return frozenset(name for name, tier in self.when.items() if tier in when)


def _eps_grid(sizes_255: Any, threat_model: ThreatModel) -> tuple[float, ...]:
    """`sizes_255` in rising order, in units of 1/255.

    ValueError naming `eps_grid_255` if it is no list of numbers above 0, each another and none the threat model's.
    """
    if isinstance(sizes_255, str) or not isinstance(sizes_255, Sequence):
        raise ValueError(f"eps_grid_255 must be a list of numbers above 0, got {sizes_255!r}")
    at_most = 255 if threat_model.norm == "linf" else None
    sizes = [checks.number("eps_grid_255", size, above=0, at_most=at_most) for size in sizes_255]
    for index, size in enumerate(sizes):
        if size in sizes[:index]:
            raise ValueError(f"eps_grid_255 must have every size once, got {size:g} twice")
        if size == threat_model.eps_255:
            raise ValueError(f"eps_grid_255 must have other sizes than threat_model.eps_255, got {size:g}")
    return tuple(sorted(sizes))
