"""How often the intervals of a comparison contain the truth, and how often it names a difference that is none.

    python tests/benchmarks/coverage.py [--studies 1000] [--only NAME] [--draws 2000] [--seed-terms 10] [--json]

Every study is made up: 7 strategies, 3 or 5 seeds each, 450 test images, and states selected on 150 validation images.
An image is about as hard for one run as for another; a state has it right if that is less than what the state
can do. The truth is the mean area over seeds on infinitely many images, from 10,000 runs. Beside robustft's draws stand
others that could have been used.

    unequal   areas from 0.15 to 0.39: do the 95 % intervals of areas, differences and shares above the mean cover
    noisy     areas of 0.3, one strategy three times as noisy as the rest
    equal     all strategies are the same: is any of 21 pairs called different
    better    one is better by 0.11 of area: is it called best
    two       two strategies that are the same, 3 seeds, the one pair
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from robustft.random_stream import stream
from robustft.study.frontier import area, pareto
from robustft.study.uncertainty.ranking import ranking
from robustft.study.uncertainty.seed_noise import SeedNoise, seed_noise
from robustft.study.uncertainty.setting_draws import SeedCurve, area_draws, mean_areas

IMAGES, VALIDATION = 450, 150
SEED_SD, BETTER_BY = 0.016, 0.11
ALIKE = 0.6
"""Correlation of an image's hardness for two runs. That of two runs' areas on drawn images is 0.55 then, in the lab
0.4. With 0.97 it is 0.92: images all but cancel in differences, and the seeds decide."""
CLEAN, ROBUST = ndtri(np.linspace(0.55, 0.90, 8)), ndtri(np.linspace(0.40, 0.10, 8))
"""What the 8 states of a run can do, on a probit scale: clean accuracy rises, robust accuracy falls."""


@dataclass(frozen=True)
class Strategy:
    """level: added to what its states can do; noise: standard deviation of that over seeds; truth: its mean area."""

    level: float
    noise: float
    truth: float


class Truth:
    """Areas on infinitely many images, of runs that are the same for all levels and noises but for these."""

    def __init__(self, runs: int, alike: float = ALIKE) -> None:
        generator, self.alike = stream("coverage: truth"), alike
        self.shifts = generator.standard_normal((runs, 9))
        self.validation = np.stack([hardness(None, VALIDATION, alike, generator) for _ in range(runs)])

    def areas(self, level: float, noise: float) -> NDArray[np.float64]:
        clean, robust = abilities(level, noise, self.shifts)
        validation = [(self.validation < values[:, :, None]).mean(axis=2) for values in (clean, robust)]
        chosen = [pareto(*rates) for rates in zip(*validation, strict=True)]
        on_test = zip(ndtr(clean), ndtr(robust), chosen, strict=True)
        return np.array([area(clean[states], robust[states]) for clean, robust, states in on_test])

    def strategy(self, target: float, sd: float) -> Strategy:
        """The strategy of this mean area and this standard deviation over seeds."""
        level, noise = 0.0, 0.02
        for _ in range(6):  # steps of Newton's, on slopes that change little
            areas = self.areas(level, noise)
            level += (target - areas.mean()) / 0.55
            noise *= math.sqrt(max(0.1, (sd**2 - areas.var()) / (0.45 * noise) ** 2 + 1))
        areas = self.areas(level, noise)
        return Strategy(level=level, noise=noise, truth=float(areas.mean()))


def abilities(level: float, noise: float, shifts: NDArray[np.float64]) -> tuple[NDArray, NDArray]:
    """(runs, 8) each, clean and robust: one shift of a run as a whole, half as large ones of its states."""
    added = level + noise * (shifts[:, :1] + shifts[:, 1:] / 2)
    return CLEAN + added, ROBUST + added


def hardness(common: NDArray | None, images: int, alike: float, generator: np.random.Generator) -> NDArray[np.float32]:
    """(8, images) how hard each image is for each state of one run.

    common: what is the same for all runs; None: nothing, as of validation images, which other seeds do not share.
    """
    common = generator.standard_normal(images) if common is None else common
    own, of_states = generator.standard_normal(images), generator.standard_normal((8, images))
    in_run = max(0.85, (1 + alike) / 2)  # the correlation for two states of one run
    parts = math.sqrt(alike) * common + math.sqrt(in_run - alike) * own + math.sqrt(1 - in_run) * of_states
    return parts.astype(np.float32)


def run(strategy: Strategy, seed: int, common: NDArray, alike: float, generator: np.random.Generator) -> SeedCurve:
    """One run: what survives the attack was right before, as a robust threshold lies below the clean one."""
    thresholds = [
        values[0][:, None] for values in abilities(strategy.level, strategy.noise, generator.standard_normal((1, 9)))
    ]
    validation, test = hardness(None, VALIDATION, alike, generator), hardness(common, IMAGES, alike, generator)
    chosen = np.sort(pareto(*((validation < values).mean(axis=1) for values in thresholds)))
    clean, robust = ((test < values)[chosen] for values in thresholds)
    return SeedCurve(seed=seed, area=area(clean.mean(axis=1), robust.mean(axis=1)), clean=clean, robust=robust)


def study(
    strategies: Mapping[str, Strategy], seeds: int, alike: float, generator: np.random.Generator
) -> dict[str, list[SeedCurve]]:
    common = generator.standard_normal(IMAGES)
    return {
        name: [run(strategy, seed, common, alike, generator) for seed in range(seeds)]
        for name, strategy in strategies.items()
    }


Draws = dict[str, NDArray[np.float64]]


class OtherDraws:
    """Draws of one study as they could have been made instead."""

    def __init__(self, curves: Mapping[str, Sequence[SeedCurve]], draws: int, terms: int, seed: int) -> None:
        self.curves, self.terms, self.generator = curves, terms, stream("coverage: other draws", seed)
        runs = {f"{name} {curve.seed}": [curve] for name, group in curves.items() for curve in group}
        by_run = mean_areas(runs, images=IMAGES, draws=draws, generator=self.generator)
        self.by_seed = {
            name: np.repeat([by_run[f"{name} {curve.seed}"] for curve in group], terms, axis=1)
            for name, group in curves.items()
        }
        self.areas = {name: [curve.area for curve in group] for name, group in curves.items()}

    def images_alone(self) -> Draws:
        return {name: values.mean(axis=0) for name, values in self.by_seed.items()}

    def seeds_resampled(self) -> Draws:
        """As many seeds as there are, with replacement, on the images of the draw."""
        resampled = {}
        for name, values in self.by_seed.items():
            picked = self.generator.integers(0, len(values), size=values.shape)
            resampled[name] = np.take_along_axis(values, picked, axis=0).mean(axis=0)
        return resampled

    def own_seeds(self) -> Draws:
        return self._with({name: seed_noise({name: areas})[name] for name, areas in self.areas.items()})

    def pooled(self) -> Draws:
        degrees = sum(len(areas) - 1 for areas in self.areas.values())
        squares = sum(np.var(areas) * len(areas) for areas in self.areas.values())
        noise = {
            name: SeedNoise(scale=math.sqrt(squares / degrees / len(areas)), degrees=degrees)
            for name, areas in self.areas.items()
        }
        return self._with(noise)

    def _with(self, noise: Mapping[str, SeedNoise | None]) -> Draws:
        drawn = self.images_alone()
        for name, of_seeds in noise.items():
            assert of_seeds is not None
            drawn[name] = drawn[name] + of_seeds.terms(drawn[name].size, self.generator)
        return drawn


OTHERS = {
    "unequal": (),
    "noisy": ("pooled",),
    "equal": (),
    "better": ("own_seeds", "pooled"),
    "two": ("images_alone", "seeds_resampled"),
}


def strategies_of(case: str, truth: Truth) -> dict[str, Strategy]:
    usual = truth.strategy(0.30, SEED_SD)
    names = [f"s{number}" for number in range(2 if case == "two" else 7)]
    if case == "unequal":
        return {name: truth.strategy(0.15 + 0.04 * place, SEED_SD) for place, name in enumerate(names)}
    strategies = dict.fromkeys(names, usual)
    if case == "noisy":
        strategies["s0"] = truth.strategy(0.30, 3 * SEED_SD)
    if case == "better":
        strategies["s0"] = truth.strategy(0.30 + BETTER_BY, SEED_SD)
    return strategies


def seen(strategies: Mapping[str, Strategy], areas: Mapping[str, float], draws: Draws) -> dict[str, float]:
    """What one study shows of the truth, as shares."""
    table = ranking(areas, draws, images_only=False)
    truths = {name: strategy.truth for name, strategy in strategies.items()}
    mean = sum(truths.values()) / len(truths)
    covered = {row.strategy: row.area.low <= truths[row.strategy] <= row.area.high for row in table.strategies}
    shares = [row.above_mean.low <= truths[row.strategy] / mean - 1 <= row.above_mean.high for row in table.strategies]
    pairs = [pair.difference.low <= truths[pair.a] - truths[pair.b] <= pair.difference.high for pair in table.pairs]
    return {
        **{f"covered, {name}": hit for name, hit in covered.items()},
        "covered": float(np.mean(list(covered.values()))),
        "differences covered": float(np.mean(pairs)),
        "above_mean covered": float(np.mean(shares)),
        "any pair called different": any(pair.p_holm <= 0.05 for pair in table.pairs),
        "s0 called best": table.best == "s0",
        "another called best": table.best not in (None, "s0"),
        "width": float(np.mean([row.area.high - row.area.low for row in table.strategies])),
    }


def measure(case: str, seeds: int, truth: Truth, options: argparse.Namespace) -> dict[str, dict[str, float]]:
    strategies = strategies_of(case, truth)
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    begin = time.monotonic()
    for number in range(options.studies):
        curves = study(strategies, seeds, truth.alike, stream(f"coverage: {case} {seeds}", number))
        settings = {"image_draws": options.draws, "seed_terms": options.seed_terms, "seed": number}
        ours = area_draws(curves, images=IMAGES, setting=case, **settings)
        other = OtherDraws(curves, options.draws, options.seed_terms, number) if OTHERS[case] else None
        compared = {"robustft": ours.draws, **{name: getattr(other, name)() for name in OTHERS[case]}}
        for name, draws in compared.items():
            for what, value in seen(strategies, ours.areas, draws).items():
                sums[name][what] += value / options.studies
    result = {name: {what: round(value, 4) for what, value in values.items()} for name, values in sums.items()}
    result["made up"] = {
        **{f"truth, {name}": round(strategy.truth, 4) for name, strategy in strategies.items()},
        "seed sd": round(float(truth.areas(strategies["s1"].level, strategies["s1"].noise).std()), 4),
        "seed sd, s0": round(float(truth.areas(strategies["s0"].level, strategies["s0"].noise).std()), 4),
        "seconds": round(time.monotonic() - begin, 1),
    }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--only", choices=list(OTHERS))
    parser.add_argument("--seeds", type=int, nargs="*", default=[3, 5])
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--seed-terms", type=int, default=10)
    parser.add_argument("--runs", type=int, default=10_000, help="that the truth is the mean of")
    parser.add_argument("--alike", type=float, default=ALIKE)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    truth = Truth(options.runs, options.alike)
    for case in [options.only] if options.only else OTHERS:
        for seeds in options.seeds if case != "two" else [3]:
            result = measure(case, seeds, truth, options)
            if options.json:
                print(
                    json.dumps(
                        {"case": case, "seeds": seeds, "studies": options.studies, "alike": options.alike, **result}
                    ),
                    flush=True,
                )
                continue
            print(f"{case}, {seeds} seeds, {options.studies} studies, alike {options.alike:g}")
            for name, values in result.items():
                print(f"  {name}: " + ", ".join(f"{what} {value:g}" for what, value in values.items()), flush=True)


if __name__ == "__main__":
    main()
