"""Marks and words that several figures share: the optimum, notes in a corner, colour bars."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from modelsizer.plots.drawing.style import QUIET, STAR, shades, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colorbar import Colorbar
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_CORNERS = MappingProxyType(
    {
        "upper left": (0.02, 0.98, "left", "top"),
        "upper right": (0.99, 0.98, "right", "top"),
        "lower left": (0.02, 0.02, "left", "bottom"),
        "lower right": (0.99, 0.02, "right", "bottom"),
    }
)
_STEPS = 12  # of colour
_AREA = 9000.0  # square points that all points of a cloud share
_LEAST_AREA, _MOST_AREA = 2.5, 24.0  # of one of them
_IN_COLUMN = 0.45  # of these areas, in a column
_BITMAP_FROM = 2000  # points from which a cloud is drawn as a bitmap, also in vector formats


def star(axes: Axes, x: float, y: float, size: float = 13.0) -> None:
    """Mark the optimum, or what is aimed at, by a star of `size` points."""
    axes.plot([x], [y], marker="*", markersize=size, color=STAR, markeredgecolor="white",
              markeredgewidth=0.6, linestyle="none", zorder=6)  # fmt: skip


def note(
    axes: Axes,
    words: str,
    corner: str = "upper left",
    *,
    color: str = QUIET,
    fontsize: str = "small",
) -> Text:
    """Write words in a corner of the axes.

    Parameters
    ----------
    axes : Axes
    words : str
    corner : str
        ``"upper left"``, ``"upper right"``, ``"lower left"`` or ``"lower right"``.
    color, fontsize : str
    """
    x, y, ha, va = _CORNERS[corner]
    style: Any = {"ha": ha, "va": va, "color": color, "fontsize": fontsize, "zorder": 6}
    return axes.text(x, y, words, transform=axes.transAxes, **style)


def nothing(axes: Axes, reason: str) -> None:
    """Leave axes blank but for the reason why there is nothing to show."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, reason, transform=axes.transAxes, ha="center", va="center", color=QUIET)


def cloud(
    figure: Figure, axes: Axes, x: Floats, y: Floats, value: Floats, worst_share: float,
    *, most_is_best: bool = False,
) -> Colorbar:  # fmt: skip
    """Draw points coloured by a value, the best lightest and on top, with a colour bar.

    Parameters
    ----------
    figure : Figure
    axes : Axes
    x, y, value : array of shape (n,)
    worst_share : float
        Share of the values that the colours tell apart; the worse ones are all darkest.
    most_is_best : bool
        Whether a greater value is better.
    """
    cost = -value if most_is_best else value
    order = np.argsort(-cost)
    low = float(cost.min())
    high = max(float(np.quantile(cost, worst_share)), low + 1e-6 * (abs(low) or 1.0))
    ends = (-high, -low) if most_is_best else (low, high)
    colours = shades(_STEPS)
    area = float(np.clip(_AREA / len(value), _LEAST_AREA, _MOST_AREA))
    points = axes.scatter(
        x[order], y[order], c=value[order], s=area * (_IN_COLUMN if small(figure) else 1.0),
        cmap=colours.reversed() if most_is_best else colours, vmin=ends[0], vmax=ends[1],
        linewidths=0, zorder=3, rasterized=len(value) > _BITMAP_FROM,
    )  # fmt: skip
    return colour_bar(figure, axes, points, extend="min" if most_is_best else "max")


def colour_bar(
    figure: Figure, axes: Axes, drawn: ScalarMappable, extend: str = "max"
) -> Colorbar:  # fmt: skip
    """Add a colour bar without a frame, with an arrow where values go on beyond its end."""
    bar = figure.colorbar(drawn, ax=axes, extend=extend, pad=0.02)
    bar.outline.set_visible(False)
    return bar
