"""Names from anybody's run.json are no formula, no markup and no command in any of the files."""

from __future__ import annotations

import csv
import io

import pytest

from robustft.report.tables.markup import csv_text, latex_number, latex_text, markdown_text
from robustft.report.tables.table import Table

HOSTILE = (
    "=1+1",
    '=HYPERLINK("http://x")',
    " =1+1",
    "+1",
    "-1+cmd",
    "@SUM(A1)",
    "\t=1",
    "\n=1",
    "\uff1d1+1",
    "a,b",
    'a"b',
    "a|b",
    "</script><script>alert(1)</script>",
    "<b>&amp;</b>",
    r"\input{/etc/passwd}",
    "100 % & $x_1^2$ #1 ~ {a}",
    "![x](http://x) `code` *em* _em_",
    "\x1b[2Jgone",
    "日本",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_no_spreadsheet_calculates_it_and_nothing_else_of_it_changes(name):
    cell = csv_text(name)
    assert cell.lstrip()[0] not in "=+-@\uff1d"
    assert cell.removeprefix("'") == name


def test_numbers_are_no_formulas():
    text = Table(name="t", title="t", columns=("x",), rows=((-0.25,), (None,), (True,))).to_csv()
    assert text == "x\n-0.25\n\ntrue\n" or text == 'x\n-0.25\n""\ntrue\n'


@pytest.mark.parametrize("name", HOSTILE)
def test_a_row_of_csv_stays_one_row(name):
    text = Table(name="t", title="t", columns=("a", "b"), rows=((name, 1.5), ("x", 2))).to_csv()
    assert [row[1] for row in csv.reader(io.StringIO(text, newline=""))] == ["b", "1.5", "2"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_row_of_markdown_stays_one_row_of_as_many_cells(name):
    text = Table(name="t", title=name, columns=(name, "b"), rows=((name, 1.5), ("x", 2))).to_markdown()
    table = text.split("\n\n")[1].splitlines()
    assert len(table) == 4
    assert [row.replace(r"\|", "").count("|") for row in table] == [3] * 4
    assert "<" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("linear_probe", "linear_probe"),
        ("_x_", r"\_x\_"),
        ("a*b", r"a\*b"),
        ("[x](http://x)", r"\[x\](http\://x)"),
        ("www.x.org a@b", r"www\.x.org a\@b"),
        ("a\\|b", r"a\\\|b"),
        ("&lt;", "&amp;lt;"),
    ],
)
def test_markdown_shows_the_name_as_it_is(name, shown):
    assert markdown_text(name) == shown


@pytest.mark.parametrize("name", HOSTILE)
def test_latex_has_no_command_and_no_special_character_of_the_name(name):
    text = latex_text(name)
    for ours in ("textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar"):
        text = text.replace(f"\\{ours}{{}}", "")
    text = text.replace(r"\textquotedbl{}", "").replace(r"\textasciigrave{}", "")
    for special in "&%$#_{}":
        text = text.replace(f"\\{special}", "")
    assert not set(text) & set('\\&%$#_{}~^<>|"\n\x1b')


def test_latex_by_hand():
    assert latex_text("a_b & 5 %") == r"a\_b \& 5 \%"
    assert latex_text("\\") == r"\textbackslash{}"
    assert latex_number("-0.5 to 0.5") == "$-$0.5 to 0.5"
    assert latex_number("1 (1 to 2)") == "1 (1 to 2)"
    assert latex_number("-") == "--"
