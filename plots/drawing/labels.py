"""Labels beside points, moved until none covers another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from modelsizer.plots.drawing.style import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

_ROUNDS = 400  # not seconds: the same picture on a slow machine
_NEAR_PIXELS = 9.0  # at 100 dpi


def halo(text: Text, width: float = 2.2) -> None:
    """A white edge around letters that stand on a ground of colour."""
    from matplotlib.patheffects import withStroke

    text.set_path_effects([withStroke(linewidth=width, foreground="white")])


def spread(x: Sequence[float], y: Sequence[float], axes: Axes, count: int) -> list[int]:
    """Positions of at most `count` points that are far from one another as they are drawn."""
    at = axes.transData.transform(np.column_stack([x, y])) if len(x) else np.zeros((0, 2))
    taken: list[int] = []
    away = np.full(len(at), np.inf)
    while len(taken) < min(count, len(at)):
        new = int(away.argmax())
        taken.append(new)
        away = np.minimum(away, np.hypot(*(at - at[new]).T))
    return taken


def beneath(axes: Axes, x: float, y: float, texts: Sequence[Text]) -> bool:
    """Whether a point lies under a text, or next to it; after `laid_out`."""
    at = axes.transData.transform((x, y))
    boxes = (text.get_window_extent().padded(_NEAR_PIXELS / 2) for text in texts)
    return any(box.contains(*at) for box in boxes)


def covers(text: Text, others: Sequence[Text]) -> bool:
    """Whether a text lies over another one, or beyond its axes; after `laid_out`."""
    box = text.get_window_extent()
    assert text.axes is not None
    frame = text.axes.get_window_extent()
    inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 <= box.y1 <= frame.y1
    return not inside or any(box.overlaps(other.get_window_extent()) for other in others)


def label_points(
    axes: Axes,
    x: Sequence[float],
    y: Sequence[float],
    names: Sequence[str],
    *,
    avoid: Sequence[tuple[float, float]] = (),
    keep: Sequence[Text] = (),
) -> list[int]:
    """Write names beside points so that they cover neither one another nor some other points.

    A name for which there is no room is left out; the positions of the others are returned.

    Parameters
    ----------
    axes : Axes
        Its limits must be final.
    x, y : sequence of float
    names : sequence of str
    avoid : sequence of (x, y)
        Further points to keep clear.
    keep : sequence of Text
        Other labels to keep clear.
    """
    from adjustText import adjust_text

    if not len(x):
        return []
    texts = [
        axes.text(a, b, name, fontsize="x-small", color=INK, zorder=7)
        for a, b, name in zip(x, y, names, strict=True)
    ]
    laid_out(axes)
    adjust_text(
        texts,
        x=[*x, *(p[0] for p in avoid)],
        y=[*y, *(p[1] for p in avoid)],
        objects=list(keep),
        ax=axes,
        iter_lim=_ROUNDS,
        expand=(1.1, 1.35),
        force_text=(0.3, 0.5),
    )
    kept = _without_overlaps(texts, keep)
    named = [i for i, text in enumerate(texts) if text in kept]
    for i in named:
        halo(texts[i])
        _lead(axes, texts[i], x[i], y[i])
    return named


def _lead(axes: Axes, text: Text, x: float, y: float) -> None:
    """A thin line from a label to its point, where they are not next to one another."""
    box = text.get_window_extent()
    point = axes.transData.transform((x, y))
    near = (
        min(max(point[0], box.x0), box.x1),
        min(max(point[1], box.y0), box.y1),
    )
    if np.hypot(*(point - near)) < _NEAR_PIXELS:
        return
    start = axes.transData.inverted().transform(near)
    axes.plot([start[0], x], [start[1], y], color=INK, linewidth=0.4, zorder=4)


def laid_out(axes: Axes) -> None:
    """Draw once without ink, so that extents of text are those of the picture."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = axes.figure
    assert isinstance(figure, Figure)
    FigureCanvasAgg(figure)
    figure.draw_without_rendering()


def _without_overlaps(texts: list[Text], keep: Sequence[Text]) -> list[Text]:
    """Take away labels that still cover an earlier one or leave the axes."""
    kept: list[Text] = []
    for text in texts:
        if covers(text, [*keep, *kept]):
            text.remove()
        else:
            kept.append(text)
    return kept
