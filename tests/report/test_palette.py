from __future__ import annotations

from itertools import combinations, product
from pathlib import Path

import numpy as np
import pytest

from robustft.report.palette import OF_METHODS, SHAPES, marks

OURS = {method: method for method in OF_METHODS}

# Machado et al. (2009), severity 1: linear RGB as a dichromat sees it.
DICHROMATS = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def _lab(color: str, seen: list[list[float]]) -> np.ndarray:
    """CIELAB under D65 of a colour as it is seen."""
    rgb = np.array([int(color[start : start + 2], 16) for start in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(np.array(seen) @ linear, 0, 1)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", DICHROMATS)
def test_colours_of_our_methods_differ_for_any_colour_vision(vision: str) -> None:
    for (_, a), (_, b) in combinations(marks(OURS).items(), 2):
        apart = np.linalg.norm(_lab(a.color, DICHROMATS[vision]) - _lab(b.color, DICHROMATS[vision]))
        assert apart > 10  # 2 can just be seen side by side
        assert a.shape != b.shape


def test_a_method_looks_the_same_whatever_else_takes_part() -> None:
    everything = marks({**OURS, "prefix": "prefix", "lora rank=4": "lora"})
    for method in OURS:
        assert marks({method: method})[method] == everything[method]


def test_strategies_of_one_method_share_its_shape_and_differ() -> None:
    strategies = {"lora": "lora", "lora rank=4": "lora", "lora rank=16": "lora", "lora rank=32": "lora", "full": "full"}
    drawn = marks(strategies)
    variants = [mark for strategy, mark in drawn.items() if strategies[strategy] == "lora"]
    assert {mark.shape for mark in variants} == {"triangle"}
    assert len({mark.color for mark in variants}) == len({mark.dash for mark in variants}) == 4


def test_many_strategies_of_one_method_have_colours_of_methods_that_do_not_take_part() -> None:
    objectives = {f"full {name}": "full" for name in ("act", "mart", "pgd_at", "score", "trades")}
    drawn = marks({"full": "full", **objectives, "lora": "lora", "lora trades": "lora"})
    colors = [drawn[name].color for name in ("full", *objectives, "lora", "lora trades")]
    assert {drawn[name].shape for name in objectives} == {"circle"}
    for vision, (one, other) in product(DICHROMATS, combinations(colors[:-1], 2)):
        assert np.linalg.norm(_lab(one, DICHROMATS[vision]) - _lab(other, DICHROMATS[vision])) > 10
    assert drawn["full"].color == marks({"full": "full"})["full"].color


def test_forty_strategies_all_look_different() -> None:
    methods = [*OF_METHODS, *(f"method_{number}" for number in range(20 - len(OF_METHODS)))]
    strategies = {f"{method}{suffix}": method for method, suffix in product(methods, ("", " rank=4"))}
    drawn = marks(strategies)
    assert len(drawn) == len({(mark.color, mark.shape, mark.dash) for mark in drawn.values()}) == 40


def test_shapes_are_paths_within_their_square() -> None:
    for path in SHAPES.values():
        assert set(path) <= set("MLHVAZ0123456789.,-")


def test_every_method_of_conf_has_a_colour() -> None:
    assert set(OF_METHODS) == {path.stem for path in (Path(__file__).parents[2] / "conf" / "method").glob("*.yaml")}
