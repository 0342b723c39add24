"""Timings: how seconds and memory grow with the space, and solvers side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from modelsizer.plots.drawing.style import FAINT, INK, LINES, STAR, STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MARKERS = ("o", "s", "^", "D", "v", "p", "h", "d")
_PANEL = (3.4, 3.6)  # inches
_ROW = 0.27  # inches of a solver's row in the dot chart
_LABEL_GAP = 0.052  # of the panel's height between the labels of two lines
_SPARE = 0.75  # of the lines' width, kept free to their right for labels
_LEADER, _PAD = 0.08, 0.02  # of the lines' width: from lines to labels, from leader to words
_MEGABYTE_TICKS = (10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000)


def growth(rows: Sequence[tuple[str, float, float, float, bool]]) -> Figure:
    """Seconds and peak memory against the designs of a space, on logarithmic axes.

    Parameters
    ----------
    rows : sequence of (solver, designs, seconds, megabytes, ended)
        A solver's points in any order. Those that did not end but were cut off are drawn hollow;
        the slope of the logarithms is fitted to the others.

    Returns
    -------
    matplotlib.figure.Figure
        Two panels, each line labelled at its end.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(2 * _PANEL[0], _PANEL[1]), layout="constrained")
        left, right = figure.subplots(1, 2)
        _lines(left, rows, 2, fitted=True)
        _lines(right, rows, 3, fitted=False)
        cut = any(not row[4] for row in rows)
        left.set_title("seconds of a solve" + (" (hollow: cut off)" if cut else ""))
        right.set_title("peak memory, MB")
        low, high = right.get_ylim()
        ticks = [t for t in _MEGABYTE_TICKS if low <= t <= high]
        right.set_yticks(ticks, [f"{t:,}" for t in ticks])
        right.tick_params(axis="y", which="minor", length=0, labelleft=False)
    return figure


def _lines(
    axes: Axes, rows: Sequence[tuple[str, float, float, float, bool]], column: int, *, fitted: bool
) -> None:
    """A line for each solver, labelled at its end."""
    ends: list[tuple[float, float, str, str]] = []
    for i, solver in enumerate(dict.fromkeys(row[0] for row in rows)):
        own = sorted(row for row in rows if row[0] == solver)
        x, y = np.array([row[1] for row in own]), np.array([float(row[column]) for row in own])
        ended = np.array([row[4] for row in own])
        colour, marker = LINES[i % len(LINES)], _MARKERS[i % len(_MARKERS)]
        axes.plot(x, y, color=colour, lw=1.1, zorder=1)
        style: dict[str, Any] = {
            "ls": "none",
            "marker": marker,
            "ms": 4.0,
            "mec": colour,
            "mew": 0.8,
        }
        axes.plot(x[ended], y[ended], mfc=colour, **style)
        axes.plot(x[~ended], y[~ended], mfc="white", **style)
        label = solver
        if fitted and ended.sum() > 1:
            slope = np.polyfit(np.log(x[ended]), np.log(y[ended]), 1)[0]
            label += rf" $\propto n^{{{slope:.2f}}}$"
        ends.append((float(x[-1]), float(y[-1]), label, colour))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("designs n", x=0.5 / (1 + _SPARE))
    _label_ends(axes, ends)


def _label_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]]) -> None:
    """Labels in a column to the right of the lines, in their order, none over another."""
    low, high = np.log10(axes.get_ylim())
    first, last = np.log10(axes.get_xlim())
    column = last + _LEADER * (last - first)
    axes.set_xlim(right=10 ** (last + _SPARE * (last - first)))
    order = sorted(ends, key=lambda end: end[1])
    height = high - low
    at = [(np.log10(end[1]) - low) / height for end in order]
    for k in range(1, len(at)):  # upwards, each clear of the one below
        at[k] = max(at[k], at[k - 1] + _LABEL_GAP)
    for k in reversed(range(len(at))):  # and down again from the top
        top = 1.0 if k == len(at) - 1 else at[k + 1] - _LABEL_GAP
        at[k] = min(at[k], top)
    for (x, y, words, colour), place in zip(order, at, strict=True):
        height_of = 10 ** (low + place * height)
        axes.plot([x, 10**column], [y, height_of], color=colour, lw=0.5, ls=":", clip_on=False)
        axes.text(10 ** (column + _PAD * (last - first)), height_of, words, color=colour,
                  va="center", fontsize="small")  # fmt: skip
    ticks = [t for t in axes.get_xticks() if first <= np.log10(t) <= last]
    axes.set_xticks(ticks)
    axes.spines["bottom"].set_bounds(10**first, 10**last)
    axes.tick_params(axis="x", which="minor", length=0)
    axes.set_ylim(10**low, 10**high)


def rivals(rows: Sequence[tuple[str, float, bool, str]]) -> Figure:
    """Seconds by solver on one problem, on a logarithmic axis.

    Parameters
    ----------
    rows : sequence of (solver, seconds, proof, note)
        In the order to be drawn, from the top; filled where the answer comes with a proof.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(6.6, 1.1 + _ROW * len(rows)), layout="constrained")
        axes = figure.add_subplot()
        seconds = [row[1] for row in rows]
        axes.set_xscale("log")
        low = 10 ** np.floor(np.log10(min(seconds)))
        high = 10 ** np.ceil(np.log10(max(seconds) * 1.01))
        for i, (_, value, proof, note) in enumerate(rows):
            axes.plot([low, high], [i, i], color=FAINT, lw=0.6, zorder=0)
            axes.plot(value, i, "o", ms=6.5, mfc=STAR if proof else "white",
                      mec=STAR if proof else INK, mew=1.1)  # fmt: skip
            axes.annotate(f"{value:.2g} s{', ' if note else ''}{note}", (value, i), (7, 0),
                          textcoords="offset points", va="center", fontsize="small",
                          bbox={"fc": "white", "ec": "none", "pad": 0.6})  # fmt: skip
        axes.set_yticks(range(len(rows)), [row[0] for row in rows])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_xlim(low, high)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("seconds (filled: with a proof that nothing is better)")
    return figure
