"""What text of a figure covers: lines, marks and points that are not the background."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.labels import ALONG

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_SLACK = 0.7  # pixels at 100 dpi that a box of text is larger than its ink
_STEP = 1.0  # pixels between samples of a line
_BACKGROUND = 2.0  # zorder up to which dots are the background


def covered(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of a text inside the axes and what it covers, such as ("58 x 7168", "line")."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    figure.draw_without_rendering()
    found = []
    for axes in figure.axes:
        drawn = list(_drawn(axes))
        for text in axes.texts:
            if not text.get_text().strip() or not text.get_visible():
                continue
            on = [name for name, points in drawn if _inside(text, points)]
            if text.get_label() == ALONG and "line" in on:
                on.remove("line")  # its own
            found += [(text.get_text(), name) for name in on]
    return found


def _drawn(axes: Axes) -> Iterator[tuple[str, Floats]]:
    """Samples of every line, and the places of marks, in pixels; shape (n, 2) each."""
    from matplotlib.collections import PathCollection

    box = axes.get_window_extent()
    for line in axes.lines:
        x, y = _stepped(*line.get_data(orig=False), line.get_drawstyle())
        way = line.get_transform().transform(np.column_stack([x, y]))
        way = way[np.isfinite(way).all(axis=1)]
        if not len(way) or not line.get_visible() or line.get_zorder() <= 0:  # rules of rows
            continue
        marked = line.get_marker() not in (None, "None", "", " ")
        clear = line.get_zorder() > _BACKGROUND or len(way) <= 2
        if marked and clear:
            yield "star" if line.get_marker() == "*" else "mark", _clipped(way, box)
        if line.get_linestyle() not in (None, "None", "", " ") and len(way) > 1:
            yield "line", _clipped(_sampled(way), box)
    for points in axes.collections:
        if isinstance(points, PathCollection) and points.get_zorder() > _BACKGROUND:
            at = points.get_offset_transform().transform(points.get_offsets())
            yield "point", np.asarray(at)


def _stepped(x: object, y: object, style: str) -> Floats:
    """Vertices of a line, also of one that is drawn in steps."""
    from matplotlib.cbook import STEP_LOOKUP_MAP

    return np.asarray(STEP_LOOKUP_MAP[style](x, y) if len(x) else (x, y))  # type: ignore[arg-type]


def _sampled(way: Floats) -> Floats:
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(way, axis=0).T))])
    at = np.linspace(0.0, length[-1], 2 + int(min(length[-1], 1e5) / _STEP))
    return np.column_stack([np.interp(at, length, way[:, k]) for k in (0, 1)])


def _clipped(points: Floats, box: object) -> Floats:
    keep = (points[:, 0] >= box.x0) & (points[:, 0] <= box.x1)  # type: ignore[attr-defined]
    keep &= (points[:, 1] >= box.y0) & (points[:, 1] <= box.y1)  # type: ignore[attr-defined]
    return points[keep]


def _inside(text: Text, points: Floats) -> bool:
    """Whether a text covers one of the points."""
    turned = text.get_rotation()
    if turned % 180:  # in its own frame
        x, y = text.get_transform().transform(text.get_position())
        angle = -np.deg2rad(text.get_rotation())
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        points = (points - (x, y)) @ turn.T + (x, y)
        text.set_rotation(0.0)
        box = text.get_window_extent()
        text.set_rotation(turned)
    else:
        box = text.get_window_extent()
    inside = (points > (box.x0 + _SLACK, box.y0 + _SLACK)) & (
        points < (box.x1 - _SLACK, box.y1 - _SLACK)
    )
    return bool(inside.all(axis=1).any())
