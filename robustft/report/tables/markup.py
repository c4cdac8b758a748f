"""Any text in CSV, Markdown and LaTeX: run.json may come from anybody, so nothing in it is a formula or markup."""

from __future__ import annotations

import re

from robustft.study.plain_file import plain_line

_FORMULA = tuple("=+-@\uff1d\uff0b\uff0d\uff20")
"""What a spreadsheet takes for the beginning of a formula, in full width too."""

_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "³": r"\textsuperscript{3}",
} | {character: f"\\{character}" for character in "&%$#_{}"}

_MARKDOWN = re.compile(r"[\\`*\[\]|!~$]|(?<![^\W_])_|_(?![^\W_])|:(?=//)|(?<=www)\.|@(?=\w)")
"""What Markdown would read, GitHub's with its tables, sums and links; an underline inside of a word is none."""

_NUMBER = re.compile(r"(?<![\w.])-(?=\d)")


def csv_text(text: str) -> str:
    """The text as a cell that no spreadsheet calculates: an apostrophe before what would be a formula.

    >>> csv_text("=1+1"), csv_text("lora rank=4")
    ("'=1+1", 'lora rank=4')
    """
    begins_formula = text.lstrip().startswith(_FORMULA) or text.startswith(("\t", "\r", "\n"))
    return f"'{text}" if begins_formula else text


def markdown_text(text: str) -> str:
    r"""The text as Markdown shows it again, in one line and in one cell of a table.

    >>> print(markdown_text("linear_probe | <b>"))
    linear_probe \| &lt;b&gt;
    """
    line = plain_line(text) or ""
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MARKDOWN.sub(lambda match: f"\\{match[0]}", line)


def latex_text(text: str) -> str:
    r"""The text as LaTeX prints it again, in one line.

    >>> print(latex_text("50 % of {all}_1"))
    50 \% of \{all\}\_1
    """
    return "".join(_LATEX.get(character, character) for character in plain_line(text) or "")


def latex_number(text: str) -> str:
    r"""A number, or an interval of two, with the minus sign of mathematics; a single dash for what is unknown.

    >>> print(latex_number("-3.1 to 4.2"))
    $-$3.1 to 4.2
    """
    return "--" if text == "-" else _NUMBER.sub("$-$", latex_text(text))
