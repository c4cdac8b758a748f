from __future__ import annotations

from dataclasses import replace
from statistics import fmean

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr

from robustft.study.findings.published import differences_from_the_paper, published_agreements, published_areas


@pytest.fixture
def cifar10(digits):
    return replace(digits, name="cifar10", dataset="cifar10", backbone="vit_base_in21k", eps_255=1)


@pytest.fixture
def make_agreements(make_point, make_run, make_settings, cifar10):
    """Agreements for strategies with these areas, in one setting."""

    def make(areas, setting=None, **of_ranking):
        runs = [make_run(strategy, 0, make_point(1, 50, 50), setting=setting or cifar10) for strategy in areas]
        return published_agreements(make_settings(*runs, areas=areas, **of_ranking))

    return make


@pytest.mark.parametrize(
    ("dataset", "method", "above_mean"),
    [
        ("cifar10", "bitfit", 81.5),
        ("cifar100", "bitfit", 75),
        ("caltech256", "compacter", 24),
        ("cub200", "compacter", 34.6),
        ("stanford_dogs", "compacter", 57.5),
    ],
)
def test_the_table_gives_the_papers_headline(dataset: str, method: str, above_mean: float) -> None:
    areas = published_areas()[dataset]
    assert 100 * (areas[method] / fmean(areas.values()) - 1) == pytest.approx(above_mean, abs=0.06)
    assert len(areas) == 7


def test_the_methods_are_those_that_can_be_chosen(request) -> None:
    choices = {path.stem for path in (request.config.rootpath / "conf" / "method").glob("*.yaml")}
    assert set(published_areas()["cifar10"]) < choices
    assert set(published_areas()) < {
        path.stem for path in (request.config.rootpath / "conf" / "dataset").glob("*.yaml")
    }


def test_the_papers_own_areas_agree_with_it(make_agreements) -> None:
    (agreement,) = make_agreements(dict(published_areas()["cifar10"]))
    assert (agreement.kendall.value, agreement.spearman.value) == pytest.approx((1, 1))
    assert agreement.dataset == "cifar10"
    assert agreement.strategies[:2] == ("bitfit", "lora")
    assert agreement.published["full"] == 0.11
    assert agreement.differs == ()
    assert not agreement.kendall.known


def test_intervals_are_quantiles_of_the_draws_agreements(make_agreements) -> None:
    areas = {"bitfit": 0.3, "lora": 0.2, "full": 0.25, "ia3": 0.1}
    reference = [0.21, 0.14, 0.11, 0.08]
    draws = np.random.default_rng(0).normal(list(areas.values()), 0.05, size=(200, 4))
    (agreement,) = make_agreements(areas, draws=dict(zip(areas, draws.T, strict=True)))
    taus = [kendalltau(row, reference).statistic for row in draws]
    rhos = [spearmanr(row, reference).statistic for row in draws]
    assert agreement.kendall.value == pytest.approx(4 / 6)  # one of six pairs the other way round
    assert (agreement.kendall.low, agreement.kendall.high) == pytest.approx(np.quantile(taus, [0.025, 0.975]))
    assert (agreement.spearman.low, agreement.spearman.high) == pytest.approx(np.quantile(rhos, [0.025, 0.975]))


def test_a_draw_without_order_agrees_with_nothing(make_agreements) -> None:
    (agreement,) = make_agreements({"bitfit": 0.3, "lora": 0.2}, draws={"bitfit": np.zeros(9), "lora": np.zeros(9)})
    assert (agreement.kendall.low, agreement.kendall.high) == (0, 0)


def test_draws_of_some_strategies_are_no_interval(make_agreements) -> None:
    (agreement,) = make_agreements({"bitfit": 0.3, "lora": 0.2}, draws={"lora": np.ones(9)})
    assert (agreement.kendall.value, agreement.kendall.known) == (1, False)


def test_without_two_strategies_of_the_paper_or_without_an_order_there_is_none(make_agreements, digits) -> None:
    assert make_agreements({"bitfit": 0.3}) == ()
    assert make_agreements({"bitfit": 0.3, "prompt": 0.1}) == ()
    assert make_agreements({"bitfit": 0.3, "lora": 0.3}) == ()
    assert make_agreements({"bitfit": 0.3, "lora": 0.1}, setting=digits) == ()


def test_of_several_strategies_of_a_method_only_the_one_with_its_plain_name_is_the_papers(make_agreements) -> None:
    areas = {"bitfit": 0.3, "full": 0.1, "lora rank=4": 0.2, "lora rank=16": 0.25}
    assert make_agreements(areas)[0].strategies == ("bitfit", "full")
    assert make_agreements(areas | {"lora": 0.15})[0].strategies == ("bitfit", "lora", "full")


def test_what_is_not_the_papers_is_said(cifar10) -> None:
    assert differences_from_the_paper(cifar10) == ()
    other = replace(cifar10, norm="l2", eps_255=0.5, backbone="glyph_vit")
    assert differences_from_the_paper(other) == (
        "norm=l2 (in the paper linf)",
        "eps_255=0.5 (in the paper 1)",
        "backbone=glyph_vit (in the paper vit_base_in21k)",
    )
