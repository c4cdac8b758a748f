"""What else a study shows beside its areas: surfaces, OOD lines, other attacks, the paper, choices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from robustft.checks import number, one_of, optional
from robustft.study.tradeoff import Count
from robustft.study.uncertainty.estimate import Estimate

Corners = tuple[tuple[float, float], ...]
"""Corners of a staircase, by rising x: what is attained is what lies below and left of any of them."""


@dataclass(frozen=True, kw_only=True)
class FrontierBand:
    """The frontier of a strategy over its seeds, in one plane.

    x, y: `clean`, `robust` or `ood` (the plain mean of the OOD conditions).
    median: the median attainment surface; all_seeds, any_seed: what all and what any of the seeds attain.
    """

    setting: str
    strategy: str
    x: str
    y: str
    median: Corners
    all_seeds: Corners
    any_seed: Corners


@dataclass(frozen=True, kw_only=True)
class EffectiveRobustness:
    """ood, expected: OOD accuracy at best, and by the line; effective: the first less the second. Means over seeds."""

    strategy: str
    ood: float
    expected: float
    effective: float


@dataclass(frozen=True, kw_only=True)
class OodLine:
    """Least squares of OOD on clean accuracy on probit scales, over all states after step 0 of a setting.

    slope, intercept, r2: None with fewer than 3 states or no spread.
    """

    setting: str
    shift: str
    states: int
    slope: float | None
    intercept: float | None
    r2: float | None
    strategies: tuple[EffectiveRobustness, ...]


@dataclass(frozen=True, kw_only=True)
class AttackOrder:
    """A further attack beside the main one, at the states that both measured of every strategy.

    robust: strategy -> (robust accuracy under the main attack, under the further one), means over seeds at the best
        state (or at the last one that both measured).
    changed: pairs of strategies that stand the other way round under the further attack, the one first that was ahead.
    """

    setting: str
    main: str
    attack: str
    robust: Mapping[str, tuple[float, float]]
    changed: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class PublishedAgreement:
    """How the order of strategies agrees with the paper's on one data set.

    published: strategy -> area in the paper; kendall: tau-b.
    differs: what the setting has that is not the paper's, `eps_255=8 (in the paper 1)`.
    """

    setting: str
    dataset: str
    strategies: tuple[str, ...]
    published: Mapping[str, float]
    kendall: Estimate
    spearman: Estimate
    differs: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """The confidence of a strategy's best states on the images of one condition, means over those of its seeds that
    have predictions.

    confidence: the mean highest softmax probability; ece: expected calibration error; auroc, fpr95: of images of no
        class against the clean ones. None where there is none.
    """

    setting: str
    strategy: str
    condition: str
    seeds: int
    confidence: float
    ece: float | None
    auroc: float | None
    fpr95: float | None


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What a state must reach on validation, and by which validation accuracy it is then picked: `clean` or `robust`.

    Raises:
        ValueError: for a demand outside [0, 1], and for another accuracy to pick by.
    """

    robust_at_least: float | None = None
    clean_at_least: float | None = None
    best: str = "clean"

    def __post_init__(self) -> None:
        for name in ("robust_at_least", "clean_at_least"):
            optional(number, name, getattr(self, name), at_least=0, at_most=1)
        one_of("best", self.best, ("clean", "robust"))


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The state picked of a strategy's runs in one setting.

    run: its name; step: of the state; clean, robust: test counts.
    among: how many states it was picked among: all of the strategy that were measured on both splits and kept.
    reached: how many of these reach the demand on validation.
    holds: whether the demand holds on the test images: `yes`, `no`, or `open` if an interval contains it.
    short_by: None: the demand is reached on validation; else no state does, this is the nearest, and what is demanded
        would have to fall by so much.
    winner: the one to take in its setting; one that is short by something only if every strategy is.
    command: the `export` command.
    """

    setting: str
    strategy: str
    run: str
    seed: int
    step: int
    validation_clean: Count
    validation_robust: Count
    clean: Count
    robust: Count
    among: int
    holds: str
    short_by: float | None
    winner: bool
    command: str
    reached: int = 0


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All of them, in the order of settings and of strategies by area.

    notes: a line for each strategy of a setting that had no state to choose.
    """

    bands: tuple[FrontierBand, ...]
    lines: tuple[OodLine, ...]
    attack_orders: tuple[AttackOrder, ...]
    published: tuple[PublishedAgreement, ...]
    choices: tuple[Choice, ...]
    notes: tuple[str, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
