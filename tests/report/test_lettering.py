from __future__ import annotations

import unicodedata
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from matplotlib.text import Text

from robustft.fonts import FONT
from robustft.report.lettering import LONGEST_NAME, brief, letter
from robustft.report.step_panel import draw_by_step
from robustft.report.style import STYLE
from robustft.report.tradeoff_figure import draw_tradeoff
from robustft.report.tradeoff_panel import draw_plane
from robustft.study.tradeoff import Count, TradeoffPoint

MakePoints = Callable[..., list[TradeoffPoint]]
NAMES = ("$\\frac{$", "$a$ and $b$", "_hidden", "日本", "हिन्दी", "عربي", "😀️", "a\x07b", "x" * 500, "\udcff")


def lettered(*texts: str) -> list[Text]:
    figure = Figure()
    made = [figure.text(0, 0, text, fontweight=weight) for text in texts for weight in ("normal", "bold")]
    letter(figure)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # matplotlib warns of a character that it draws as a box
        figure.draw_without_rendering()
    return made


@pytest.fixture
def font_with_kanji(tmp_path: Path) -> Iterator[str]:
    """The name of an installed family that draws 日 and U+E000, but nothing else that a name has."""
    pen = TTGlyphPen(None)
    for place in ((0, 0), (0, 700), (700, 700), (700, 0)):
        (pen.lineTo if place != (0, 0) else pen.moveTo)(place)
    pen.closePath()
    empty, box = TTGlyphPen(None).glyph(), pen.glyph()
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "sun", "nothing"])
    builder.setupCharacterMap({ord("日"): "sun", ord("本"): "nothing"})
    builder.setupGlyf({".notdef": empty, "sun": box, "nothing": empty})
    builder.setupHorizontalMetrics(dict.fromkeys((".notdef", "sun", "nothing"), (800, 0)))
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Sun Only", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "sun.ttf")
    before = list(fontManager.ttflist)
    fontManager.addfont(tmp_path / "sun.ttf")
    yield "Sun Only"
    fontManager.ttflist[:] = before


def test_a_font_that_has_the_character_is_taken_and_others_are_escaped(font_with_kanji: str) -> None:
    for text in lettered("日本 x"):
        assert text.get_text() == "日\\u672c x"  # 本 has a place in the font, but no shape
        assert text.get_fontfamily() == [FONT, font_with_kanji]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_is_drawn_without_a_box_and_without_a_warning(
    make_points: MakePoints, tmp_path: Path, name: str
) -> None:
    points = make_points(((0, 0.1, 0.0, 0.1), (9, 0.9, 0.3, 0.5)), name)
    further = {name: {9: Count(correct=90, total=450)}}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        draw_tradeoff(
            points,
            tmp_path / "a.png",
            title=name,
            attack_label=name,
            further=further,
            warnings=[f"gate failed: {name}"],
        )
    assert (tmp_path / "a.png").stat().st_size > 10_000


def test_no_text_is_read_as_mathematics_and_no_name_is_left_out(make_points: MakePoints) -> None:
    names = ["$x$", "_hidden"]
    further = {name: {40: Count(correct=90, total=450)} for name in names}
    figure = Figure()
    with style.context(["default", STYLE]):
        plane, by_step = figure.subplots(1, 2)
        draw_plane(plane, make_points(), "$y$", further)
        draw_by_step(by_step, make_points(((0, 0.1, 0.0, 0.1), (40, 0.9, 0.3, 0.5)), *names), further)
        assert not any(text.get_parse_math() for text in figure.findobj(Text))  # type: ignore[attr-defined]
    assert [text.get_text() for text in plane.get_legend().get_texts()][2:] == names
    drawn = {text.get_text().rpartition(" ")[0] for text in by_step.texts}
    assert {*names, *(f"ood:{name}" for name in names)} <= drawn


def test_plain_text_stays_as_it_is() -> None:
    for text in lettered("PGD-15 (IA)³, été №1 Ωж\nsecond line"):
        assert text.get_text() == "PGD-15 (IA)³, été №1 Ωж\nsecond line"


def test_what_has_no_shape_is_left_out_and_what_no_font_has_is_escaped() -> None:
    (first, _) = lettered("a\u200d\ufe0fb\u00a0c\x07\ue000\udcff")
    assert first.get_text() == "ab c\\x07\\ue000\\udcff"


def test_long_names_keep_their_ends_and_a_number_stays_behind_a_name_from_right_to_left() -> None:
    assert brief("short") == "short"
    cut = brief("begin" + "x" * 500 + "end")
    assert len(cut) == LONGEST_NAME
    assert cut.startswith("begin")
    assert cut.endswith("end")
    assert unicodedata.bidirectional(brief("عربي")[-1]) == "L"
