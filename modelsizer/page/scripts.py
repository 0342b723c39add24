"""What moves in a page: its scripts, the style of what they draw, and data for them."""

from __future__ import annotations

from modelsizer.live.live_page import SCRIPTS, data_element, script, style
from modelsizer.page.style import LIVE_CSS
from modelsizer.page.tags import Html, css_in_ascii, script_in_ascii


def json_element(name: str, data: object) -> Html:
    """Data for the scripts of the page, which are not run."""
    return Html(data_element(name, data))


def page_script() -> str:
    """The script of a page, in ASCII."""
    return script_in_ascii(script((*SCRIPTS, "offline.js")))


def page_style() -> str:
    """The style sheet of what the script makes, in ASCII."""
    return f"{css_in_ascii(style())}\n{LIVE_CSS}"
