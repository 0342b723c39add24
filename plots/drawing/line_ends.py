"""Line labels in a column to the right of the axes, each joined to the end of its line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelsizer.plots.drawing.labels import lay_out
from modelsizer.plots.drawing.style import QUIET
from modelsizer.plots.drawing.texts import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_POINTS_PER_INCH = 72.0
_LINE = 1.2  # height of a label, relative to its font size
_LONG = 0.2  # fraction of the width from which a leader is dotted, as it may seem a line
_LEADER, _PAD = 0.045, 0.01  # fractions of the width: from axes to label; from label to leader


def name_ends(
    axes: Axes,
    names: Sequence[str],
    ends: Sequence[tuple[float, float]],
    colours: Sequence[str],
    *,
    fontsize: str = "small",
    ink: str | None = None,
    over: str = "",
) -> None:
    """Label lines beside the axes, in the order of their ends, without overlaps.

    Parameters
    ----------
    axes : Axes
        Its limits must be final and everything else drawn.
    names : sequence of str
    ends : sequence of (x, y)
        Where each line ends, in data coordinates.
    colours : sequence of str
    fontsize : str
    ink : str, optional
        The colour of all labels; by default each has that of its line.
    over : str
        What the names are of, written above them.
    """
    from matplotlib.font_manager import FontProperties

    lay_out(axes)
    figure = axes.get_figure(root=True)
    assert figure is not None
    points = FontProperties(size=fontsize).get_size_in_points()
    gap = _LINE * points / _POINTS_PER_INCH * figure.dpi / axes.bbox.height
    at = (axes.transData + axes.transAxes.inverted()).transform(ends)
    order = sorted(range(len(names)), key=lambda i: float(at[i, 1]))
    heights = spread_out([float(at[i, 1]) for i in order], gap)
    if over:
        top = max(heights, default=0.0) + gap
        axes.text(1.0 + _LEADER + _PAD, top, one_line(over), transform=axes.transAxes,
                  fontsize=fontsize, color=QUIET, va="center")  # fmt: skip
    for i, height in zip(order, heights, strict=True):
        right, end = (float(value) for value in at[i])
        column = max(1.0, right) + _LEADER
        axes.plot([right + _PAD / 2, column], [end, height], transform=axes.transAxes,
                  color=colours[i], linewidth=0.6, zorder=1, clip_on=False,
                  linestyle=":" if column - right > _LONG else "-")  # fmt: skip
        axes.text(column + _PAD, height, one_line(names[i]), transform=axes.transAxes,
                  fontsize=fontsize, color=ink or colours[i], va="center")  # fmt: skip


def spread_out(wanted: Sequence[float], gap: float) -> list[float]:
    """Return heights in [0, 1], at least `gap` apart, closest to those wanted in least squares.

    Pool adjacent violators (Ayer et al. 1955, doi 10.1214/aoms/1177728423), applied to the
    heights minus the cumulative gaps.

    Parameters
    ----------
    wanted : sequence of float
        Ascending.
    gap : float
    """
    blocks: list[tuple[float, int]] = []
    for i, height in enumerate(wanted):
        mean, count = height - i * gap, 1
        while blocks and blocks[-1][0] > mean:
            before, members = blocks.pop()
            mean = (mean * count + before * members) / (count + members)
            count += members
        blocks.append((mean, count))
    flat = [mean for mean, count in blocks for _ in range(count)]
    most = 1.0 - gap / 2 - (len(flat) - 1) * gap
    return [max(min(mean, most), gap / 2) + i * gap for i, mean in enumerate(flat)]
