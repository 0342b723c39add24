"""Elements shared by several figures: the optimum's mark, corner notes, colour bars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from modelsizer.plots.drawing.axes import wants_log
from modelsizer.plots.drawing.loss_levels import gap_edges, label_gaps, loss_colours
from modelsizer.plots.drawing.style import QUIET, STAR, shades, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.colorbar import Colorbar
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

_STEPS = 12  # number of colour steps
_AREA = 9000.0  # total area of the points of a cloud, square points
_LEAST_AREA, _MOST_AREA = 2.5, 24.0  # area of one point, square points
_IN_COLUMN = 0.45  # factor on these areas in a one-column figure
_BITMAP_FROM = 2000  # number of points from which a cloud is a bitmap, also in vector formats


def star(axes: Axes, x: float, y: float, size: float = 13.0) -> None:
    """Mark the optimum or the target by a star of `size` points."""
    axes.plot([x], [y], marker="*", markersize=size, color=STAR, markeredgecolor="white",
              markeredgewidth=0.6, linestyle="none", zorder=6, clip_on=False)  # fmt: skip


def far_apart(axes: Axes, x: Sequence[float], y: Sequence[float], count: int) -> list[int]:
    """Indices of at most `count` points that are far from one another on the axes."""
    at = axes.transData.transform(np.column_stack([x, y])) if len(x) else np.zeros((0, 2))
    taken: list[int] = []
    distance = np.full(len(at), np.inf)
    while len(taken) < min(count, len(at)):
        new = int(distance.argmax())
        taken.append(new)
        distance = np.minimum(distance, np.hypot(*(at - at[new]).T))
    return taken


def nothing(axes: Axes, reason: str) -> None:
    """Show only the reason why there is nothing to draw."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, reason, transform=axes.transAxes, ha="center", va="center", color=QUIET)


def cloud(
    figure: Figure, axes: Axes, x: Floats, y: Floats, value: Floats, *, most_is_best: bool = False
) -> tuple[Colorbar, bool]:
    """Draw points coloured by value, the best lightest and on top, with a colour bar.

    Parameters
    ----------
    figure : Figure
    axes : Axes
    x, y, value : array of shape (n,)
    most_is_best : bool
        Whether a greater value is better.

    Returns
    -------
    bar : Colorbar
    log : bool
        Whether its scale is logarithmic, as values differ by a large factor.
    """
    from matplotlib.colors import LogNorm, Normalize

    low, high = float(value.min()), float(value.max())
    log = wants_log(low, high)
    high = max(high, low + 1e-6 * (abs(low) or 1.0))
    colours = shades(_STEPS)
    points = _scattered(
        axes, x, y, value, np.argsort(value if most_is_best else -value),
        cmap=colours.reversed() if most_is_best else colours,
        norm=(LogNorm if log else Normalize)(low, high),
    )  # fmt: skip
    return colour_bar(figure, axes, points, extend="neither"), log


def loss_cloud(figure: Figure, axes: Axes, x: Floats, y: Floats, loss: Floats, words: str) -> None:
    """Draw points coloured by the gap of their loss to the least; see `loss_levels`.

    Parameters
    ----------
    figure : Figure
    axes : Axes
    x, y, loss : array of shape (n,)
    words : str
        What has the loss, for the label of the colour bar.
    """
    least, edges = float(loss.min()), gap_edges(loss)
    colours, norm = loss_colours(edges)
    points = _scattered(axes, x, y, loss - least, np.argsort(-loss), cmap=colours, norm=norm)
    label_gaps(colour_bar(figure, axes, points, extend="neither"), edges, least, words)


def dot_size(axes: Axes, count: int) -> float:
    """Return the diameter of each point of a cloud of so many, in points."""
    area = float(np.clip(_AREA / max(1, count), _LEAST_AREA, _MOST_AREA))
    return math.sqrt(area * (_IN_COLUMN if small(axes) else 1.0))


def _scattered(
    axes: Axes, x: Floats, y: Floats, value: Floats, order: NDArray[np.intp], **colour: Any
) -> ScalarMappable:
    """Draw points in an order, the last on top."""
    return axes.scatter(
        x[order], y[order], c=value[order], s=dot_size(axes, len(value)) ** 2,
        linewidths=0, zorder=3, rasterized=len(value) > _BITMAP_FROM, **colour,
    )  # fmt: skip


def colour_bar(
    figure: Figure, axes: Axes | Sequence[Axes], drawn: ScalarMappable, extend: str = "max"
) -> Colorbar:  # fmt: skip
    """Add a frameless colour bar, with an arrow where values extend beyond its end."""
    bar = figure.colorbar(drawn, ax=axes, extend=extend, pad=0.02)
    bar.outline.set_visible(False)
    return bar
