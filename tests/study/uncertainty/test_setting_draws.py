from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from robustft.study.frontier import area
from robustft.study.uncertainty import setting_draws
from robustft.study.uncertainty.setting_draws import AreaDraws, SeedCurve, area_draws

IMAGES = 60


def curve(seed: int, *, hit: float = 0.6, chance: int = 0) -> SeedCurve:
    """A run with three states, of `hit` times the images correct, less under attack."""
    generator = np.random.default_rng((seed, chance))
    clean = generator.random((3, IMAGES)) < hit + np.array([[0.0], [0.1], [0.2]])
    robust = clean & (generator.random((3, IMAGES)) < hit - np.array([[0.0], [0.1], [0.2]]))
    return SeedCurve(seed=seed, area=area(clean.mean(axis=1), robust.mean(axis=1)), clean=clean, robust=robust)


def certain(seed: int, *, robust: bool) -> SeedCurve:
    """A run with one state that has all images right, or all wrong under attack: no draw of images changes its area."""
    clean = np.ones((1, IMAGES), dtype=bool)
    return SeedCurve(seed=seed, area=float(robust), clean=clean, robust=clean if robust else ~clean)


def drawn(curves: dict[str, Sequence[SeedCurve]], **settings) -> AreaDraws:
    return area_draws(curves, images=IMAGES, **{"setting": "digits", "image_draws": 200, "seed_terms": 10, **settings})


def test_a_lone_strategy_has_the_t_interval_if_images_do_not_matter() -> None:
    runs = [certain(0, robust=True), certain(1, robust=False), certain(2, robust=True), certain(3, robust=True)]

    result = drawn({"full": runs}, image_draws=2000, seed_terms=100)

    low, high = stats.t.interval(0.95, 3, loc=3 / 4, scale=stats.sem([1, 0, 1, 1]))
    assert np.quantile(result.draws["full"], [0.025, 0.975]) == pytest.approx([low, high], abs=0.02)
    assert result.areas == {"full": 0.75}
    assert not result.images_only


def test_with_one_seed_it_is_the_percentile_bootstrap() -> None:
    run = curve(0)

    result = drawn({"full": [run]}, image_draws=2000)

    generator = np.random.default_rng(5)
    images = generator.integers(0, IMAGES, size=(2000, IMAGES))
    areas = [area(run.clean[:, row].mean(axis=1), run.robust[:, row].mean(axis=1)) for row in images]
    assert result.images_only
    assert result.draws["full"].shape == (20_000,)
    assert np.quantile(result.draws["full"], [0.025, 0.975]) == pytest.approx(
        np.quantile(areas, [0.025, 0.975]), abs=0.01
    )


def test_the_images_of_a_draw_are_the_same_for_all_strategies_and_seeds() -> None:
    runs = {"full": [curve(0), curve(1)], "lora": [curve(0), curve(1)]}
    alone = {"full": [curve(0)], "lora": [curve(0)]}

    both, single = drawn(runs), drawn(alone)

    assert np.array_equal(single.draws["full"], single.draws["lora"])
    assert single.images_only
    differences = both.draws["full"] - both.draws["lora"]
    terms = differences.reshape(200, 10)
    # The images cancel: what is left is the seeds' terms alone, as different within an image draw as between two.
    assert terms.mean(axis=1).var() == pytest.approx(differences.var() / 10, rel=0.5)


def test_draws_are_those_of_images_and_a_term_for_every_ten() -> None:
    runs = {"full": [curve(0), curve(1), curve(2)]}

    of_images = np.mean([drawn({"full": [run]}).draws["full"] for run in runs["full"]], axis=0)
    terms = drawn(runs).draws["full"] - of_images

    scale = np.std([run.area for run in runs["full"]], ddof=1) / np.sqrt(3)
    assert stats.kstest(terms / scale, stats.t(2).cdf).pvalue > 0.01
    assert np.unique(of_images).size <= 200
    assert np.unique(terms.round(12)).size == 2000


def test_the_terms_of_one_draw_of_images_lie_beside_each_other() -> None:
    by_image_draw = drawn({"full": [curve(0)]}).draws["full"].reshape(200, 10)

    assert (by_image_draw == by_image_draw[:, :1]).all()
    assert np.unique(by_image_draw[:, 0]).size > 50


def test_two_strategies_have_terms_of_their_own() -> None:
    runs = [certain(0, robust=True), certain(1, robust=False)]

    result = drawn({"full": runs, "lora": runs})

    assert abs(stats.spearmanr(result.draws["full"], result.draws["lora"]).statistic) < 0.1


def test_draws_follow_from_seed_and_setting_alone() -> None:
    runs = {"full": [curve(0), curve(1), curve(2)], "lora": [curve(0, hit=0.3), curve(1, hit=0.3)]}
    reordered = {strategy: [*runs[strategy][1:], runs[strategy][0]] for strategy in ("lora", "full")}
    first = drawn(runs).draws

    for strategy, draws in drawn(reordered).draws.items():
        assert np.array_equal(draws, first[strategy])
    for other in (drawn(runs, seed=1), drawn(runs, setting="cifar10")):
        assert not np.isin(other.draws["full"], first["full"]).any()
    of_images = {"full": [curve(0)]}
    for other in (drawn(of_images, seed=1), drawn(of_images, setting="cifar10")):
        assert np.mean(other.draws["full"] == drawn(of_images).draws["full"]) < 0.1


def test_settings_of_one_test_set_share_its_images_and_no_seed_terms() -> None:
    alone, more = {"full": [curve(0)]}, {"full": [curve(0), curve(1)]}
    first, second = (drawn(alone, setting=setting, test_set="digits") for setting in ("small", "large"))

    assert np.array_equal(first.draws["full"], second.draws["full"])
    first, second = (drawn(more, setting=setting, test_set="digits") for setting in ("small", "large"))
    assert not np.isclose(first.draws["full"], second.draws["full"]).any()


def test_draws_do_not_depend_on_how_much_memory_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = {"full": [curve(0), curve(1)], "lora": [curve(2)]}
    at_once = drawn(runs)
    monkeypatch.setattr(setting_draws, "_WEIGHTS_AT_A_TIME", 7 * IMAGES)

    in_parts = drawn(runs)

    assert all(np.array_equal(in_parts.draws[strategy], at_once.draws[strategy]) for strategy in runs)


def test_a_strategy_of_one_seed_borrows_from_one_with_more() -> None:
    result = drawn({"full": [certain(0, robust=True)], "lora": [certain(0, robust=True), certain(1, robust=False)]})

    assert not result.images_only
    assert result.draws["full"].std() > 0.1


def test_without_outcomes_there_are_no_draws_but_the_area_and_its_noise_stay() -> None:
    runs = [certain(0, robust=True), SeedCurve(seed=1, area=0.5)]

    result = drawn({"full": runs, "lora": [certain(0, robust=True)]})

    assert result.areas == {"full": 0.75, "lora": 1}
    assert list(result.draws) == ["lora"]
    assert result.draws["lora"].std() > 0  # borrowed from full's two areas
    assert drawn({"full": runs}).draws == {}


@pytest.mark.parametrize("name", ["image_draws", "seed_terms"])
def test_no_draws_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be"):
        drawn({"full": [curve(0)]}, **{name: 0})
