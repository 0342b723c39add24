"""Seconds of several solvers on one problem."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.one_axes import one_axes
from modelsizer.plots.drawing.style import FAINT, INK, STAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_HEAD, _ROW = 0.26, 0.064  # fractions of a wide figure's height: the axis; each solver


def rivals(rows: Sequence[tuple[str, float, bool, str]], *, ax: Axes | None = None) -> Figure:
    """Draw the seconds of each solver on one problem, on a logarithmic axis.

    Parameters
    ----------
    rows : sequence of (solver, seconds, proof, note)
        In drawing order, from the top; marks are filled if the answer comes with a proof.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.figure.Figure
    """
    with one_axes(ax, height=_HEAD + _ROW * len(rows)) as (figure, axes):
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
