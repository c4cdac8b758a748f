from __future__ import annotations

import numpy as np
import pytest

from robustft.study.findings.bands import attainment_surfaces, frontier_bands
from robustft.study.tradeoff import Count

SEEDS = [
    np.array([[0.5, 0.4], [0.9, 0.2]]),
    np.array([[0.6, 0.3], [0.8, 0.35]]),
    np.array([[0.1, 0.9]]),
]


def test_surfaces_of_three_seeds_worked_out_by_hand() -> None:
    surfaces = attainment_surfaces(SEEDS)
    assert surfaces.any_seed == ((0.1, 0.9), (0.5, 0.4), (0.8, 0.35), (0.9, 0.2))
    assert surfaces.median == ((0.1, 0.4), (0.5, 0.35), (0.8, 0.2))  # what two of three attain
    assert surfaces.all_seeds == ((0.1, 0.35),)


def test_one_seed_is_its_own_band() -> None:
    surfaces = attainment_surfaces([np.array([[0.5, 0.4], [0.4, 0.3], [0.9, 0.2]])])
    assert surfaces.median == surfaces.all_seeds == surfaces.any_seed == ((0.5, 0.4), (0.9, 0.2))


def test_of_two_seeds_half_is_either() -> None:
    surfaces = attainment_surfaces(SEEDS[:2])
    assert surfaces.median == surfaces.any_seed
    assert surfaces.all_seeds == ((0.5, 0.35), (0.8, 0.2))


def test_nothing_right_is_0_and_not_minus_0() -> None:
    surfaces = attainment_surfaces([np.array([[0.0, 0.0]])])
    assert str(surfaces.median) == "((0.0, 0.0),)"


@pytest.mark.parametrize("seed", range(20))
def test_a_place_is_below_a_surface_if_as_many_seeds_attain_it(seed: int) -> None:
    generator = np.random.default_rng(seed)
    seeds = [
        generator.integers(0, 11, size=(generator.integers(1, 6), 2)) / 10 for _ in range(generator.integers(1, 7))
    ]
    surfaces = attainment_surfaces(seeds)
    for place in generator.integers(0, 11, size=(40, 2)) / 10:
        attained = sum(bool((points >= place).all(axis=1).any()) for points in seeds)
        for corners, needed in (
            (surfaces.any_seed, 1),
            (surfaces.median, (len(seeds) + 1) // 2),
            (surfaces.all_seeds, len(seeds)),
        ):
            assert any(x >= place[0] and y >= place[1] for x, y in corners) == (attained >= needed)


def test_states_are_selected_on_validation_and_shown_with_test_numbers(make_point, make_run, make_settings) -> None:
    points = (
        make_point(0, 40, 90, validation=(50, 50)),
        make_point(1, 99, 99, validation=(49, 49)),  # luck on the test images that nobody could know of
        make_point(2, 80, 30, validation=(90, 10)),
    )
    (band,) = frontier_bands(make_settings(make_run("lora", 0, *points)))
    assert (band.setting, band.strategy, band.x, band.y) == ("digits", "lora", "clean", "robust")
    assert band.median == ((0.4, 0.9), (0.8, 0.3))


def test_ood_is_the_plain_mean_and_its_planes_have_the_states_of_the_area(make_point, make_run, make_settings) -> None:
    few = Count(correct=1, total=2)
    points = (
        make_point(0, 40, 90, ood={"mnist": few, "corruptions": 10}),
        make_point(1, 30, 20, ood={"mnist": 99, "corruptions": 99}),  # beaten on validation, the best of OOD
        make_point(2, 80, 30, ood={"mnist": 70, "corruptions": 30}),
    )
    bands = {(band.x, band.y): band.median for band in frontier_bands(make_settings(make_run("lora", 0, *points)))}
    assert bands == {
        ("clean", "robust"): ((0.4, 0.9), (0.8, 0.3)),
        ("clean", "ood"): ((0.8, 0.5),),
        ("robust", "ood"): ((0.3, 0.5), (0.9, 0.3)),
    }


def test_only_what_all_have_in_common_is_in_the_mean(make_point, make_run, make_settings) -> None:
    runs = (
        make_run("lora", 0, make_point(0, 50, 50, ood={"mnist": 20, "stl10": 80})),
        make_run("lora", 1, make_point(0, 50, 50, ood={"mnist": 20})),
        make_run("full", 0, make_point(0, 60, 60)),  # without any: it is in one plane and takes no other from the rest
    )
    bands = [band for band in frontier_bands(make_settings(*runs)) if "ood" in (band.x, band.y)]
    assert {band.strategy for band in bands} == {"lora"}
    assert [band.any_seed for band in bands] == [((0.5, 0.2),), ((0.5, 0.2),)]
