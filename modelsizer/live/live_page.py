"""The page itself: one HTML document made of the assets, with its data inside."""

from __future__ import annotations

import html
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from importlib.resources import files
from typing import Any

SCRIPTS = ("draw.js", "drawings.js", "show.js", "controls.js", "desk.js")
"""Scripts of every page with controls, in their order; then the one of its source."""
LIVE = (*SCRIPTS, "live.js")
"""Scripts of the page that a server answers."""


def asset(name: str) -> str:
    """The text of a file of assets."""
    return files("modelsizer.live").joinpath("assets", name).read_text("utf-8")


def style() -> str:
    """The style sheet of the controls, the answer and the drawings."""
    return asset("page.css")


def script(names: Sequence[str] = LIVE) -> str:
    """Some scripts as the content of one element."""
    return "\n".join(f"{asset(name).strip()}\n" for name in names)


def data_json(data: object) -> str:
    """Data as JSON that may stand within a script element of an HTML page."""
    text = json.dumps(data, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def data_element(name: str, data: object) -> str:
    """Data for the scripts of a page, in an element that is not run."""
    return f'<script type="application/json" id="{name}">{data_json(data)}</script>'


def policy(css: str, js: str, *, connect: str = "'self'") -> str:
    """The content security policy of a page with one style sheet and one script inside.

    Parameters
    ----------
    css, js : str
        Content of the two elements; without a script none may run, and none may connect.
    connect : str
        Where scripts may connect to.
    """
    scripts = f"script-src {_hash(js)}; connect-src {connect}; " if js else ""
    return (
        f"default-src 'none'; style-src {_hash(css)}; {scripts}"
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


def live_page(data: Mapping[str, Any]) -> str:
    """The HTML of the live page.

    Parameters
    ----------
    data : mapping
        Name, controls, view and the rest that scripts read from the element ``data``.
    """
    css, js = f"\n{style()}\n", f"\n{script()}\n"
    parts = {
        "csp": '<meta http-equiv="Content-Security-Policy" '
        f'content="{html.escape(policy(css, js))}">',
        "title": html.escape(str(data["name"]) or "modelsizer"),
        "style": f"<style>{css}</style>",
        "data": data_element("data", data),
        "scripts": f"<script>{js}</script>",
    }
    page = asset("page.html")
    pieces = page.split("<!--")
    made = [pieces[0]]
    for piece in pieces[1:]:  # so that no data is ever taken for a place
        name, end, rest = piece.partition("-->")
        made.append(f"{parts[name]}{rest}" if end and name in parts else f"<!--{piece}")
    return "".join(made)
