"""Axis labels and ticks in words and units, such as "decode latency" with a tick of 25 ms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal

from modelsizer.plots.drawing.style import room
from modelsizer.plots.drawing.texts import power
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import format_number, format_quantity
from modelsizer.problems.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure
    from matplotlib.ticker import Locator

Side = Literal["x", "y"]

_LABELLED_IN_A_DECADE = (1.0, 2.0, 5.0)
_LABELS_2_AND_5 = (
    30.0  # range factor up to which the axis of a setting labels 2 and 5 of each decade
)
_NARROW, _WIDE = 2.0, 6.0  # decades: 2 and 5 are labelled below, no minor ticks above


_LOG_FROM = 8.0  # ratio of the ends from which a scale is logarithmic


def wants_log(low: float, high: float) -> bool:
    """Whether values from one to another are shown on a logarithmic scale, of places or colours."""
    return low > 0 and high >= _LOG_FROM * low


def words(name: str) -> str:
    """Return the name of a quantity in words, for a label or a title."""
    return QUANTITIES[name].words if name in QUANTITIES else name.replace("_", " ")


def dimension(name: str) -> str:
    """Return the dimension of a quantity or of a column of an architecture."""
    return QUANTITIES[name].dimension if name in QUANTITIES else "count"


def tick(value: float, name: str, digits: int = 3) -> str:
    """Format a number as a tick label, with so many significant digits at most."""
    kind = dimension(name)
    if kind in ("nats", "count"):
        return format_number(value)
    if kind == "FLOPs" and value >= 1e15:
        mantissa, exponent = f"{value:.2e}".split("e")
        return power(int(exponent), mantissa.rstrip("0").rstrip("."))
    return format_quantity(value, kind, digits)


def wrapped(where: Figure | Axes, title: str, left: float | None = None) -> str:
    """Wrap a title to the width of a figure or of axes, in lines of about one length.

    At most `_MOST_LINES`.

    Parameters
    ----------
    where : Figure or Axes
    title : str
    left : float, optional
        Where it begins, in inches from the left edge; by default beside a usual axis.
    """
    import textwrap

    from matplotlib import rcParams

    width = room(where) - (_LEFT_OF_TITLE if left is None else left)
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
    if title:
        axes.set_title(wrapped(axes, title))


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
        if dimension(name) == "seconds":
            axis.set_major_locator(_times_locator(log=False))
        else:
            axis.set_major_locator(MaxNLocator(nbins=6, integer=dimension(name) == "count"))
        if dimension(name) == "nats":  # labels of one axis have the same digits
            same = ScalarFormatter(useOffset=False)
            same.set_scientific(False)
            axis.set_major_formatter(same)
        else:
            axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value, name, _OF_TICKS)))
        return
    (axes.set_xscale if side == "x" else axes.set_yscale)("log")
    low, high = axes.get_xlim() if side == "x" else axes.get_ylim()
    decades = math.log10(high / low)
    if dimension(name) == "seconds":
        axis.set_major_locator(_times_locator(log=True))
    elif decades < _LEAST_FOR_LOG:
        axis.set_major_locator(MaxNLocator(nbins=5))
    else:
        subs = _LABELLED_IN_A_DECADE if decades <= _NARROW else (1.0,)
        axis.set_major_locator(LogLocator(subs=subs, numticks=12))
    if decades <= _WIDE and dimension(name) != "seconds":
        axis.set_minor_locator(LogLocator(subs=range(1, 10), numticks=200))
    axis.set_major_formatter(FuncFormatter(lambda value, _: tick(value, name, _OF_TICKS)))
    axis.set_minor_formatter(NullFormatter())


def setting_axis(axes: Axes, name: str, dimension: str, *, log: bool = False) -> None:
    """Label the horizontal axis with a setting of the problem file, such as a limit.

    Set its limits first.

    Parameters
    ----------
    axes : Axes
    name : str
        The last word of its key.
    dimension : str
        Key of `modelsizer.problems.units.UNITS`.
    log : bool
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    if name in QUANTITIES:
        quantity_axis(axes, "x", name, log=log)
        return
    if log:
        axes.set_xscale("log")
        low, high = axes.get_xlim()
        subs = _LABELLED_IN_A_DECADE if high / low < _LABELS_2_AND_5 else (1.0,)
        axes.xaxis.set_major_locator(LogLocator(subs=subs))
    else:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: format_quantity(float(value), dimension, 3))
    )
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel(words(name))


def _times_locator(*, log: bool) -> Locator:
    """A locator of `times`, wherever the ends of the axis are when it is drawn."""
    from matplotlib.ticker import Locator

    class Times(Locator):
        def __call__(self) -> list[float]:
            assert self.axis is not None
            return self.tick_values(*sorted(self.axis.get_view_interval()))

        def tick_values(self, vmin: float, vmax: float) -> list[float]:
            return times(vmin, vmax, log=log)

    return Times()


def times(low: float, high: float, *, log: bool) -> list[float]:
    """Ticks of a time axis, each a whole number of its unit: 50 ms, 12 h, 30 days.

    Parameters
    ----------
    low, high : float
        Ends of the axis, in seconds.
    log : bool
        Whether it is logarithmic: ticks then have units of their own.

    Returns
    -------
    list of float
        In seconds, ascending; 2 at least, `_MOST_TICKS` at most where the axis is logarithmic.
    """
    decades = range(-9, 10)
    shorter = [lead * 10.0**n for n in decades if n < _THOUSANDS for lead in (1, 2, 5)]
    hours = [n * _HOUR for n in (1, 2, 3, 6, 12)]
    days = [lead * _DAY * 10.0**n for n in range(9) for lead in (1, 2, 3, 5)]
    if not log:
        return _even(low, high, shorter, hours, days)
    every = [t for t in (*shorter, *hours, *days) if low * _WITHIN <= t <= high / _WITHIN]
    if len(every) < _LEAST_TICKS:
        return _even(low, high, shorter, hours, days)
    ones = {10.0**n for n in decades if n < _THOUSANDS} | {_HOUR}
    ones |= {_DAY * 10.0**n for n in range(9)}
    few = [t for t in every if t in _FEW or t in ones]
    kept = next((ts for ts in (every, few) if len(ts) <= _MOST_TICKS), sorted(ones & {*every}))
    return kept[:: -(-len(kept) // _MOST_TICKS)]


def _even(
    low: float, high: float, shorter: list[float], hours: list[float], days: list[float]
) -> list[float]:
    """Evenly spaced times, about `_INTERVALS` intervals of one of these lengths."""
    steps = shorter
    for unit, longer in ((_HOUR, [*hours, *days]), (_DAY, days)):
        if high > unit:  # labels are of this unit, and of the next smaller one below it
            parts = _PARTS if low < unit else sorted({*_PARTS, *_TENTHS})
            steps = [*(part * unit for part in parts), *longer]
    least = (high - low) / _INTERVALS
    at = next((i for i, step in enumerate(steps) if step >= least), len(steps) - 1)
    narrow = [*(steps[0] / 10**n for n in range(6, 0, -1)), *steps[: at + 1]]
    for step in reversed(narrow):
        first = max(0, math.ceil(low / step - _SLACK))
        found = [n * step for n in range(first, math.floor(high / step + _SLACK) + 1)]
        if len(found) >= _LEAST_TICKS:
            break
    return found


_HOUR, _DAY = 3600.0, 86400.0
_THOUSANDS = 3  # the power of ten of seconds from which hours follow
_FEW = tuple(lead * unit for unit in (_HOUR, _DAY) for lead in (1, 2, 6, 10, 100))
_PARTS, _TENTHS = (0.25, 0.5), (0.01, 0.02, 0.05, 0.1, 0.2)
"""Parts of an hour or a day that intervals may be: quarters, and tenths where all is longer."""
_INTERVALS, _MOST_TICKS, _LEAST_TICKS = 6, 8, 2
_OF_TICKS = 4  # digits: ticks are round numbers
_SLACK, _WITHIN = 1e-9, 1 - 1e-9
_MOST_LINES = 3  # of a title
_POINTS_AN_INCH, _EM = 72, 0.66  # width of a bold letter, relative to the font size
_LEFT_OF_TITLE = 0.75  # inches taken by an axis and its label
_LEAST_FOR_LOG = 0.45  # decades; on shorter axes 1, 2 and 5 may give fewer than two labels
