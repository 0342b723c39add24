"""Horizontal bars to either side of a base value, with a row per name and a text per bar."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelsizer.plots.drawing.style import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HEAD = 2.6  # rows taken by title and axis
_AWAY = 4  # points from the end of a bar to its text
_MOST_WORDS = 0.9  # maximum fraction of the width for texts
_LEAST_SPAN = 1e-3  # minimum span of the axis, relative to the values' span or to the base
_ROUNDS = 60  # maximum number of iterations until the axis limits converge


def rows_around(axes: Axes, names: Sequence[str], base: float) -> None:
    """Set up one row per name, the first on top, and a line at the base."""
    axes.axvline(base, color=INK, lw=1.0, zorder=4)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def beside(axes: Axes, x: float, y: float, text: str, side: int, colour: str = INK) -> None:
    """Write a text at the end of a bar, to the right of `x` if `side` is positive."""
    axes.annotate(text, (x, y), (_AWAY * side, 0), textcoords="offset points", va="center",
                  ha="left" if side > 0 else "right", fontsize="small", color=colour,
                  zorder=5)  # fmt: skip


def make_room(axes: Axes, values: Sequence[float]) -> None:
    """Set axis limits so that every text beside a bar fits; the figure must be laid out.

    Parameters
    ----------
    axes : Axes
    values : sequence of float
        The base, and the ends of all bars.
    """
    from matplotlib.text import Annotation

    whole = axes.get_window_extent().width
    edge = (max(values) - min(values) or abs(values[0]) or 1.0) * _LEAST_SPAN
    left, right = [(min(values) - edge, 0.0)], [(max(values) + edge, 0.0)]
    for text in axes.texts:
        share = (text.get_window_extent().width + 2 * _AWAY) / whole
        side = right if text.get_horizontalalignment() == "left" else left
        assert isinstance(text, Annotation)
        side.append((float(text.xy[0]), share))
    most = max(share for _, share in left) + max(share for _, share in right)
    shrink = min(1.0, _MOST_WORDS / most) if most else 1.0
    low, high = left[0][0], right[0][0]
    for _ in range(_ROUNDS):
        span = high - low
        low = min(x - share * shrink * span for x, share in left)
        high = max(x + share * shrink * span for x, share in right)
    axes.set_xlim(low, high)
