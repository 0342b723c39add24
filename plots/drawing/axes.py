"""Axis labels and ticks in words and units, such as "decode latency" with a tick of 25 ms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from modelsizer.plots.drawing.texts import power
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import format_quantity
from modelsizer.problems.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

Side = Literal["x", "y"]

_LABELLED_IN_A_DECADE = (1.0, 2.0, 5.0)
_NARROW, _WIDE = 2.0, 6.0  # decades: 2 and 5 are labelled below, no minor ticks above


def words(name: str) -> str:
    """Return the name of a quantity in words, for a label or a title."""
    return QUANTITIES[name].words if name in QUANTITIES else name.replace("_", " ")


def dimension(name: str) -> str:
    """Return the dimension of a quantity or of a column of an architecture."""
    return QUANTITIES[name].dimension if name in QUANTITIES else "count"


def tick(value: float, name: str) -> str:
    """Format a number as a tick label."""
    kind = dimension(name)
    if kind in ("nats", "count"):
        return f"{value:g}"
    if kind == "FLOPs" and value >= 1e15:
        mantissa, exponent = f"{value:.2e}".split("e")
        return power(int(exponent), mantissa.rstrip("0").rstrip("."))
    return format_quantity(value, kind, 3)


def wrapped(figure: Figure, title: str, left: float | None = None) -> str:
    """Wrap a title to the width of the figure, in at most `_MOST_LINES` lines of about one length.

    Parameters
    ----------
    figure : Figure
    title : str
    left : float, optional
        Where it begins, in inches from the left edge; by default beside a usual axis.
    """
    import textwrap

    from matplotlib import rcParams

    width = figure.get_figwidth() - (_LEFT_OF_TITLE if left is None else left)
    letters = width * _POINTS_AN_INCH / (_EM * rcParams["font.size"])
    seen = visible(title)

    def lines(width: int) -> list[str]:
        return textwrap.wrap(seen, width, max_lines=_MOST_LINES, placeholder=" ...")

    widest = max(1, int(letters))
    found = lines(widest)
    for narrower in range(widest - 1, widest // 2, -1):  # so that no word is left to a line alone
        even = lines(narrower)
        if len(even) > len(found) or " ".join(even) != " ".join(found):
            break
        found = even
    return "\n".join(found)


def heading(axes: Axes, title: str) -> None:
    """Set the title of axes, wrapped to their width."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    axes.set_title(wrapped(figure, title))


def quantity_axis(axes: Axes, side: Side, name: str, *, log: bool = False) -> None:
    """Label one axis with a quantity in words and units.

    Set the axis limits, or draw the data, first: a logarithmic axis labels 2 and 5 of each decade
    if it spans few decades, and has minor ticks unless it spans many.

    Parameters
    ----------
    axes : Axes
    side : {"x", "y"}
    name : str
        A quantity of `modelsizer.problems.quantities`, or a column of an architecture.
    log : bool
    """
    from matplotlib.ticker import (
        FuncFormatter,
        LogLocator,
        MaxNLocator,
        NullFormatter,
        ScalarFormatter,
    )

    axis: Axis = axes.xaxis if side == "x" else axes.yaxis
    (axes.set_xlabel if side == "x" else axes.set_ylabel)(words(name))
    if not log:
        axis.set_major_locator(MaxNLocator(nbins=6, integer=dimension(name) == "count"))
        if dimension(name) == "nats":  # labels of one axis have the same digits
            same = ScalarFormatter(useOffset=False)
            same.set_scientific(False)
            axis.set_major_formatter(same)
        else:
            axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value, name)))
        return
    (axes.set_xscale if side == "x" else axes.set_yscale)("log")
    low, high = axes.get_xlim() if side == "x" else axes.get_ylim()
    decades = math.log10(high / low)
    if decades < _LEAST_FOR_LOG:
        axis.set_major_locator(MaxNLocator(nbins=5))
    else:
        subs = _LABELLED_IN_A_DECADE if decades <= _NARROW else (1.0,)
        axis.set_major_locator(LogLocator(subs=subs, numticks=12))
    if decades <= _WIDE:
        axis.set_minor_locator(LogLocator(subs=range(1, 10), numticks=200))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value, name)))
    axis.set_minor_formatter(NullFormatter())


_MOST_LINES = 3  # of a title
_POINTS_AN_INCH, _EM = 72, 0.66  # width of a bold letter, relative to the font size
_LEFT_OF_TITLE = 0.75  # inches taken by an axis and its label
_LEAST_FOR_LOG = 0.45  # decades; on shorter axes 1, 2 and 5 may give fewer than two labels
