from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from robustft.report.eps_figure import draw_eps
from robustft.report.eps_table import eps_table
from robustft.study.eps_curve import EpsCurve
from robustft.study.tradeoff import Count


def curve(step: int, rates: dict[float, float], attack: str = "pgd") -> EpsCurve:
    counts = {size: Count(correct=round(200 * rate), total=200) for size, rate in rates.items()}
    return EpsCurve(step=step, attack=attack, norm="linf", settings="a", counts=counts)


BEST, LAST = curve(83, {0: 0.98, 0.5: 0.9, 4: 0.5, 8: 0.4}), curve(200, {0: 0.99, 4: 0.45, 8: 0.3})
STRONG = curve(83, {0: 0.98, 4: 0.3, 8: 0.1}, "autoattack")
MARKS = {83: "best", 200: "last"}


def draw(curves: list[EpsCurve], path: Path) -> np.ndarray:
    """(H, W, 3) uint8, drawn without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_eps(curves, path, title="digits", marks=MARKS)
    return np.asarray(Image.open(path).convert("RGB"))


def test_a_table_reads_like_this() -> None:
    assert eps_table([BEST, LAST, STRONG], MARKS).splitlines() == [
        "pgd (linf), test accuracy in % by eps_255",
        "",
        "step     0   0.5     4     8",
        "  83  98.0  90.0  50.0  40.0  best",
        " 200  99.0     -  45.0  30.0  last",
        "",
        "autoattack (linf), test accuracy in % by eps_255",
        "",
        "step     0     4     8",
        "  83  98.0  30.0  10.0  best",
    ]


@pytest.mark.parametrize(
    "curves",
    [
        [curve(0, {0: 0.0, 8: 0.0, 16: 0.0})],
        [curve(0, {8: 0.3})],
        [BEST, LAST, STRONG],
        [curve(0, {size / 8: 1.0 for size in range(60)})],
    ],
    ids=["nothing right", "one size", "two attacks", "many sizes"],
)
def test_every_grid_can_be_drawn(tmp_path: Path, curves: list[EpsCurve]) -> None:
    picture = draw(curves, tmp_path / "run" / "eps.png")
    assert (picture < 128).any(axis=2).mean() > 0.005  # ink
    assert [entry.name for entry in (tmp_path / "run").iterdir()] == ["eps.png"]


def test_the_picture_depends_on_the_numbers(tmp_path: Path) -> None:
    other = curve(83, dict.fromkeys((0, 0.5, 4, 8), 0.6))
    assert not np.array_equal(draw([BEST, LAST], tmp_path / "a.png"), draw([other, LAST], tmp_path / "b.png"))


def test_no_curves_make_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^curves must hold at least one curve, got none"):
        draw([], tmp_path / "eps.png")
