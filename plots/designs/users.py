"""Requests at once against their context, a line for each machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.axes import heading
from modelsizer.plots.drawing.lines import Line, draw_lines, name_lines
from modelsizer.plots.drawing.notes import note
from modelsizer.plots.drawing.one_axes import one_axes
from modelsizer.problems.units import format_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.problems.designs.users import Server

_MARGIN = 0.04  # of the logarithm of the range, beside its ends
_APART = 0.14  # of the logarithm of the range, between labels of contexts
_KIBI = 1024


def users(
    servers: Sequence[Server], *, title: str = "", size: str = "wide", ax: Axes | None = None
) -> Figure:
    """Draw how many requests fit at once at each context, with a line for each machine.

    A line ends where not one request fits.

    Parameters
    ----------
    servers : sequence of Server
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Raises
    ------
    ValueError
        If no request fits anywhere, or there are more lines than can be told apart.
    """
    lines = [line for each in servers if (line := _line(each)) is not None]
    if not lines:
        raise ValueError("not one request fits at any context")
    contexts = sorted({load.context for each in servers for load in each.loads})
    with one_axes(ax, size) as (figure, axes):
        draw_lines(axes, lines)
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        low, high = contexts[0], contexts[-1]
        beyond = (high / low) ** _MARGIN if high > low else 2**0.5
        axes.set_xlim(low / beyond, high * beyond)
        _ticks(axes, contexts)
        axes.set_xlabel("tokens of each request")
        axes.set_ylabel("requests at once")
        without = [
            f"{words}: {', '.join(names)}"
            for words, names in (
                ("none fits", [s.name for s in servers if not s.lack and _line(s) is None]),
                ("not known", [s.name for s in servers if s.lack]),
            )
            if names
        ]
        if without:
            note(axes, "\n".join(without), "lower left")
        heading(axes, title)
        if len(servers) > 1:
            name_lines(axes, lines)
    return figure


def _line(server: Server) -> Line | None:
    found = sorted((load.context, load.requests) for load in server.loads if load.requests)
    if not found:
        return None
    x, y = np.array(found, dtype=float).T
    return Line(server.name, x, y, np.zeros(len(x), dtype=bool))


def _ticks(axes: Axes, contexts: Sequence[int]) -> None:
    """Label the contexts themselves, in units of 1,024 where they are whole, and requests."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter

    gap = (contexts[-1] / contexts[0]) ** _APART
    shown: list[float] = []
    for context in contexts:
        if not shown or context >= gap * shown[-1]:
            shown.append(float(context))
    axes.xaxis.set_major_locator(FixedLocator(shown))
    axes.xaxis.set_minor_locator(FixedLocator([]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tokens(round(value))))
    low, high = axes.get_ylim()
    subs = (1.0, 2.0, 5.0) if high / low < 100 else (1.0,)
    axes.yaxis.set_major_locator(LogLocator(subs=subs))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: format_number(float(value))))
    axes.yaxis.set_minor_formatter(NullFormatter())


def _tokens(context: int) -> str:
    return f"{context // _KIBI}k" if context % _KIBI == 0 else format_number(context)
