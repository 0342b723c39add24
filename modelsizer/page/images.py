"""Figures in a page, as images with alternative text."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import TYPE_CHECKING

from modelsizer.page.tags import Html, tag

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PHONE = "screen and (max-width: 36rem)"
"""Media query for screens on which the text of a wide figure would be too small."""

_DPI = 130.0  # resolution of clouds of points, which are bitmaps inside the SVG


def embedded(figures: Mapping[str, Figure], title: str) -> Html:
    """Return the image of a figure, to be put into a page.

    Parameters
    ----------
    figures : mapping of str to Figure
        Keys are sizes: "wide", and "column" for narrow screens.
    title : str
        Title of the figure.

    Returns
    -------
    Html
        A ``picture`` with embedded SVG, without external references; its ids cannot collide with
        those of the page.
    """
    narrow = tag("source", media=_PHONE, srcset=_address(figures["column"]))
    image = tag("img", src=_address(figures["wide"]), alt=described(figures["wide"], title))
    return tag("picture", narrow, image)


def described(figure: Figure, title: str) -> str:
    """Describe a figure in words: its title, its axes and its labels."""
    axes = [one for one in figure.axes if one.get_xlabel() or one.texts]
    sides = [f"{one.get_ylabel()} against {one.get_xlabel()}" for one in axes if one.get_xlabel()]
    labels = [text.get_text() for one in axes for text in one.texts if text.get_text()]
    parts = [title, *(side.removeprefix(" against ") for side in sides)]
    if labels:
        parts.append(f"Labels: {'; '.join(labels)}")
    return ". ".join(" ".join(part.split()) for part in parts) + "."


def _address(figure: Figure) -> str:
    """Return the SVG of a figure as a data URL."""
    from modelsizer.plots.drawing.saving import rendered

    content = rendered(figure, ".svg", dpi=_DPI)
    return f"data:image/svg+xml;base64,{b64encode(content).decode()}"
