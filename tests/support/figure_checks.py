"""Checks of figures: overlapping text, clipped text, small type."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

SMALLEST_POINTS = 4.9
BOTH_SIZES = (pytest.param("wide", marks=pytest.mark.slow), "column")
"""Of a picture that is slow to draw: the size with the least room, and the other at length."""
_TOUCH = (
    0.5  # pixels at 100 dpi by which boxes may overlap: the box of a text is larger than its ink
)


def _shown(figure: Figure) -> list[tuple[Text, Bbox]]:
    """Every text that is drawn, with its box in pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()  # lays out; ink is not looked at
    left_out = _left_out(figure)
    found = []
    for text in figure.findobj(Text):
        assert isinstance(text, Text)
        if not text.get_visible() or not text.get_text().strip() or text in left_out:
            continue
        if text.axes is not None and not text.axes.get_visible():
            continue
        box = text.get_window_extent(renderer)
        if box.width > 0 and box.height > 0:
            found.append((text, box))
    return found


def _left_out(figure: Figure) -> set[Text]:
    """Labels of ticks beyond the limits, which are not drawn."""
    found: set[Text] = set()
    for axes in figure.axes:
        for axis, (low, high) in ((axes.xaxis, axes.get_xlim()), (axes.yaxis, axes.get_ylim())):
            for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
                inside = min(low, high) <= tick.get_loc() <= max(low, high)
                if not (inside and axes.axison):
                    found |= {tick.label1, tick.label2}
    return found


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts whose boxes overlap."""
    return _overlapping(_shown(figure))


def clipped(figure: Figure) -> list[str]:
    """Texts that reach beyond the figure."""
    return _beyond(figure, _shown(figure))


def too_small(figure: Figure) -> list[str]:
    """Texts in type too small to print."""
    return _tiny(_shown(figure))


def check(figure: Figure) -> None:
    """Fail if text overlaps, is cut off or is too small."""
    shown = _shown(figure)
    assert not _overlapping(shown)
    assert not _beyond(figure, shown)
    assert not _tiny(shown)


def _overlapping(shown: list[tuple[Text, Bbox]]) -> list[tuple[str, str]]:
    found = []
    for (a, box_a), (b, box_b) in combinations(shown, 2):
        width = min(box_a.x1, box_b.x1) - max(box_a.x0, box_b.x0)
        height = min(box_a.y1, box_b.y1) - max(box_a.y0, box_b.y0)
        if width > _TOUCH and height > _TOUCH:
            found.append((a.get_text(), b.get_text()))
    return found


def _beyond(figure: Figure, shown: list[tuple[Text, Bbox]]) -> list[str]:
    whole = figure.bbox
    return [
        text.get_text()
        for text, box in shown
        if box.x0 < whole.x0 - 1
        or box.y0 < whole.y0 - 1
        or box.x1 > whole.x1 + 1
        or box.y1 > whole.y1 + 1
    ]


def _tiny(shown: list[tuple[Text, Bbox]]) -> list[str]:
    return [text.get_text() for text, _ in shown if text.get_fontsize() < SMALLEST_POINTS]
