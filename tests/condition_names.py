"""Names of domains, shift sets and attacks: those that no condition can hold, and odd ones that it can."""

from __future__ import annotations

UNUSABLE = [
    "",
    " ",
    "\t",
    "clean",
    "style: sketch",
    "ood:",
    "a/b",
    "/",
    " sketch",
    "sketch ",
    "sketch\u00a0",
    "sketch\n",
    "a\nb",
    "a\tb",
    "a\x00b",
    "a\x7fb",
    "a\u2028b",
    "caf\udce9",
    "x" * 101,
]
ODD = ["{0}", "{", "{name}", "{0.__class__}", "$\\frac{", "100%s", "%(x)d", "日本", "a b", "Clean", "#1", "x" * 100]
