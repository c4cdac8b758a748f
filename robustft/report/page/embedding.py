"""What is put into the page: styles, scripts, data, and the policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

STYLES = ("page.css", "tables.css", "print.css")
SCRIPTS = ("view.js", "charts.js", "runs.js", "keys.js")
_LIBRARY = "window.vegaEmbed = vegaEmbed;"


def file_text(name: str) -> str:
    """A file of `web/`; it travels in the wheel."""
    return (files("robustft.report.page") / "web" / name).read_text(encoding="utf-8")


def styles() -> str:
    """All style sheets."""
    return "\n".join(map(file_text, STYLES))


def page_script() -> str:
    """The page's own scripts as one, with no name outside it."""
    return '(async () => {\n"use strict";\n' + "\n".join(map(file_text, SCRIPTS)) + "\n})();\n"


@cache
def chart_library(vegalite: str) -> str:
    """Vega, Vega-Lite in the version that the specs are for, and what draws them.

    vegalite: `6.4`.
    """
    import vl_convert

    library = str(vl_convert.javascript_bundle(_LIBRARY, vegalite))
    return library.replace("</script", "<\\/script").replace("<!--", "<\\!--")


def packed_in_html(value: Any) -> str:
    """JSON, deflated and in base64: no character of it means anything to HTML, and it takes a fifth of the room.

    >>> packed_in_html([])
    'eNqLjgUAARUAuQ=='
    """
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode()


def content_policy(scripts: Sequence[str], style: str) -> str:
    """A content security policy: these scripts and this style run, nothing else, and no request is made.

    So a name that got past the escaping could not run either.
    """
    allowed = " ".join(map(_digest, scripts))
    return f"default-src 'none'; script-src {allowed}; style-src {_digest(style)}; base-uri 'none'; form-action 'none'"


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
