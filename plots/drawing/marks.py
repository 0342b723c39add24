"""Elements shared by several figures: the optimum's mark, corner notes, colour bars."""

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
_STEPS = 12  # number of colour steps
_AREA = 9000.0  # total area of the points of a cloud, square points
_LEAST_AREA, _MOST_AREA = 2.5, 24.0  # area of one point, square points
_IN_COLUMN = 0.45  # factor on these areas in a one-column figure
_BITMAP_FROM = 2000  # number of points from which a cloud is a bitmap, also in vector formats


def star(axes: Axes, x: float, y: float, size: float = 13.0) -> None:
    """Mark the optimum or the target by a star of `size` points."""
    axes.plot([x], [y], marker="*", markersize=size, color=STAR, markeredgecolor="white",
              markeredgewidth=0.6, linestyle="none", zorder=6, clip_on=False)  # fmt: skip


def note(
    axes: Axes,
    words: str,
    corner: str = "upper left",
    *,
    color: str = QUIET,
    fontsize: str = "small",
) -> Text:
    """Write a note in a corner of the axes.

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
    """Show only the reason why there is nothing to draw."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, reason, transform=axes.transAxes, ha="center", va="center", color=QUIET)


def cloud(
    figure: Figure, axes: Axes, x: Floats, y: Floats, value: Floats, worst_share: float,
    *, most_is_best: bool = False,
) -> Colorbar:  # fmt: skip
    """Draw points coloured by value, the best lightest and on top, with a colour bar.

    Parameters
    ----------
    figure : Figure
    axes : Axes
    x, y, value : array of shape (n,)
    worst_share : float
        Quantile of the values at which the colour scale ends; worse ones are all darkest.
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
    """Add a frameless colour bar, with an arrow where values extend beyond its end."""
    bar = figure.colorbar(drawn, ax=axes, extend=extend, pad=0.02)
    bar.outline.set_visible(False)
    return bar
