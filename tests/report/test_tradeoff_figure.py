from __future__ import annotations

import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import Image

from robustft.report.tradeoff_figure import CHARACTERS, LINES, draw_tradeoff, shortened
from robustft.report.tradeoff_panel import draw_plane
from robustft.study.tradeoff import Count, TradeoffPoint

MakePoints = Callable[..., list[TradeoffPoint]]
DOMAINS = ("clipart", "infograph", "painting", "quickdraw", "sketch")


def draw(points: Sequence[TradeoffPoint], path: Path, **more: Any) -> np.ndarray:
    """(H, W, 3) uint8, drawn without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_tradeoff(points, path, title="digits", attack_label="PGD-15, linf, eps 8/255", **more)
    return np.asarray(Image.open(path).convert("RGB"))


def test_a_picture_is_a_whole_png_and_nothing_is_left_beside_it(make_points: MakePoints, tmp_path: Path) -> None:
    path = tmp_path / "run" / "tradeoff.png"

    picture = draw(make_points(), path)

    assert picture.shape[1] > 1500
    assert Image.open(path).format == "PNG"
    assert [entry.name for entry in path.parent.iterdir()] == ["tradeoff.png"]


@pytest.mark.parametrize(
    ("rows", "shifts"),
    [
        (((0, 0.1, 0.0, 0.1),), ()),
        (((37, 0.9, 0.3, 0.1),), ("mnist",)),
        (((0, 0.0, 0.0, 0.0), (1, 0.0, 0.0, 0.0)), ()),
        (((0, 1.0, 1.0, 1.0), (1, 1.0, 1.0, 1.0)), ("mnist",)),
        (tuple((step, 0.9, 0.0, 0.5) for step in (0, 1, 10, 100)), ("mnist",)),
        (tuple((step, 0.9 + step / 1e4, 0.5 - step / 1e4, 0.5) for step in (50, 100, 150, 200, 250)), DOMAINS),
        (tuple((step, 0.5, 0.1, 0.5) for step in range(120)), tuple(f"shift {number}" for number in range(15))),
    ],
    ids=["only step 0", "only a later step", "nothing right", "all right", "no robustness", "no step 0", "many"],
)
def test_every_run_can_be_drawn(
    make_points: MakePoints, tmp_path: Path, rows: tuple[tuple[int, float, float, float], ...], shifts: tuple[str, ...]
) -> None:
    picture = draw(make_points(rows, *shifts), tmp_path / "tradeoff.png")

    assert (picture < 128).any(axis=2).mean() > 0.005  # ink


def test_a_shift_that_lacks_a_step_is_drawn_where_it_was_measured(make_points: MakePoints, tmp_path: Path) -> None:
    points = make_points(((0, 0.1, 0.0, 0.1), (1, 0.5, 0.1, 0.2), (2, 0.6, 0.2, 0.3)), "mnist")
    points[1] = replace(points[1], ood={})
    points[2] = replace(points[2], ood={})

    draw(points, tmp_path / "tradeoff.png")


def test_the_order_of_the_points_does_not_matter(make_points: MakePoints, tmp_path: Path) -> None:
    points = make_points()

    np.testing.assert_array_equal(draw(points, tmp_path / "a.png"), draw(points[::-1], tmp_path / "b.png"))


def test_the_picture_depends_on_the_measurements(make_points: MakePoints, tmp_path: Path) -> None:
    points = make_points()
    other = [*points[:-1], replace(points[-1], robust=points[0].robust)]

    assert not np.array_equal(draw(points, tmp_path / "a.png"), draw(other, tmp_path / "b.png"))


def test_the_user_s_settings_change_neither_the_picture_nor_are_changed(
    make_points: MakePoints, tmp_path: Path
) -> None:
    before = draw(make_points(), tmp_path / "a.png")

    with matplotlib.rc_context({"font.size": 20, "axes.facecolor": "black"}):
        settings = dict(matplotlib.rcParams)
        after = draw(make_points(), tmp_path / "b.png")
        assert dict(matplotlib.rcParams) == settings

    np.testing.assert_array_equal(before, after)


def test_further_attacks_are_seen_in_both_panels(make_points: MakePoints, tmp_path: Path) -> None:
    points = make_points()
    plain = draw(points, tmp_path / "a.png")
    further = {name: {40: Count(correct=correct, total=450)} for name, correct in (("autoattack", 90), ("pgd-5e77", 0))}
    picture = draw(points, tmp_path / "b.png", further=further)
    purple = (np.abs(picture.astype(int) - (0x7B, 0x32, 0x94)).sum(axis=2) < 40).reshape(len(picture), 2, -1)
    assert purple.sum(axis=(0, 2)).min() > 100
    assert not (np.abs(plain.astype(int) - (0x7B, 0x32, 0x94)).sum(axis=2) < 40).any()


def test_the_plane_reaches_up_to_further_attacks(make_points: MakePoints) -> None:
    points, weak = make_points(), Count(correct=449, total=450)
    heights = []
    for further in ({}, {"autoattack": {points[-1].step: weak}}):
        axes = Figure().subplots()
        draw_plane(axes, points, "", further)
        heights.append(axes.get_ylim()[1])
    assert heights[0] < weak.rate < heights[1]


def test_a_further_attack_on_a_step_that_is_no_point_changes_nothing(make_points: MakePoints, tmp_path: Path) -> None:
    further = {"autoattack": {41: Count(correct=90, total=450)}}
    pictures = draw(make_points(), tmp_path / "a.png"), draw(make_points(), tmp_path / "b.png", further=further)
    np.testing.assert_array_equal(*pictures)


def test_warnings_are_seen_and_only_the_first_of_many(make_points: MakePoints, tmp_path: Path) -> None:
    def red(picture: np.ndarray) -> int:
        return int((np.abs(picture.astype(int) - (0xB0, 0x00, 0x20)).sum(axis=2) < 60).sum())

    pictures = [
        draw(make_points(), tmp_path / f"{count}.png", warnings=["gate failed: more_steps " * 20] * count)
        for count in (0, 1, 30)
    ]
    assert red(pictures[0]) == 0
    assert 0 < red(pictures[1]) < red(pictures[2])
    assert [len(line) for line in shortened(["x" * 1000] * 30)] == [CHARACTERS] * LINES + [len("and 27 more")]


def test_no_points_make_no_picture(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^points must hold at least one point, got none"):
        draw_tradeoff([], tmp_path / "tradeoff.png", title="", attack_label="")

    assert not list(tmp_path.iterdir())


def test_pyplot_is_never_loaded(tmp_path: Path) -> None:
    code = f"""
import sys
from pathlib import Path
from robustft.report.tradeoff_figure import draw_tradeoff
from robustft.study.tradeoff import Count, TradeoffPoint
count = Count(correct=1, total=2)
point = TradeoffPoint(step=0, epoch=0, clean=count, robust=count, ood={{}}, validation_clean=count,
                      validation_robust=count, attack="pgd", norm="linf", eps=0.1)
draw_tradeoff([point], Path({str(tmp_path)!r}) / "a.png", title="", attack_label="")
print("matplotlib.pyplot" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
