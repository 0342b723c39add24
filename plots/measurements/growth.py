"""Seconds and memory of solvers against the size of the space."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from modelsizer.plots.drawing.line_ends import name_ends
from modelsizer.plots.drawing.lines import look
from modelsizer.plots.drawing.one_axes import refuse_axes
from modelsizer.plots.drawing.style import INK, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = tuple[str, float, float, float, bool]
XY = tuple[float, float]
_HEIGHT = 0.86  # relative to a wide figure
_SECONDS = 2  # column index in a row
_MEGABYTE_TICKS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


def growth(rows: Sequence[Row], *, ax: Axes | None = None) -> Figure:
    """Draw seconds and peak memory against the number of designs, on logarithmic axes.

    Parameters
    ----------
    rows : sequence of (solver, designs, seconds, megabytes, ended)
        A solver's points, in any order. Those that were cut off before the end are drawn hollow;
        the slope of the logarithms is fitted to the others.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels, each line labelled at its end.
    """
    refuse_axes(ax, "growth")
    with canvas(height=_HEIGHT) as figure:
        left, right = figure.subplots(1, 2)
        labels = [(axes, _lines(axes, rows, column)) for column, axes in ((2, left), (3, right))]
        cut = any(not row[4] for row in rows)
        left.set_title("seconds of a solve" + (" (hollow: cut off)" if cut else ""))
        right.set_title("peak memory, MB")
        low, high = right.get_ylim()
        ticks = [t for t in _MEGABYTE_TICKS if low <= t <= high]
        right.set_yticks(ticks, [f"{t:,}" for t in ticks])
        right.tick_params(axis="y", which="minor", length=0, labelleft=False)
        for axes, ends in labels:
            words, at, colours = zip(*ends, strict=True)
            name_ends(axes, words, at, colours, ink=INK)
    return figure


def _lines(axes: Axes, rows: Sequence[Row], column: int) -> list[tuple[str, XY, str]]:
    """Draw a line per solver; return the label, position and colour of its end.

    Labels of seconds include the log-log slope against the number of designs.
    """
    found: list[tuple[str, XY, str]] = []
    for i, solver in enumerate(dict.fromkeys(row[0] for row in rows)):
        own = sorted(row for row in rows if row[0] == solver)
        x, y = np.array([row[1] for row in own]), np.array([float(row[column]) for row in own])
        ended = np.array([row[4] for row in own])
        own_look = look(i)
        colour, marker = own_look.colour, own_look.marker
        axes.plot(x, y, color=colour, lw=1.1, zorder=1)
        style: dict[str, Any] = {"ls": "none", "marker": marker, "ms": 4.0, "mec": colour,
                                 "mew": 0.8}  # fmt: skip
        axes.plot(x[ended], y[ended], mfc=colour, **style)
        axes.plot(x[~ended], y[~ended], mfc="white", **style)
        label = solver
        if column == _SECONDS and ended.sum() > 1:
            slope = np.polyfit(np.log(x[ended]), np.log(y[ended]), 1)[0]
            label += f" \N{PROPORTIONAL TO} n^{slope:.2f}"
        found.append((label, (float(x[-1]), float(y[-1])), colour))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("designs n")
    return found
