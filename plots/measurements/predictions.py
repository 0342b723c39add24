"""Measured over predicted values, for every quantity with measurements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.lines import look
from modelsizer.plots.drawing.one_axes import one_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NEAR, TWICE = 1.2, 2.0
_MANY = 20  # rows of a quantity, above which marks are smaller and touch
_HEIGHT = 0.81  # relative to a wide figure


def predictions(rows: Sequence[tuple[str, float, float]], *, ax: Axes | None = None) -> Figure:
    """Draw sorted ratios of measured to predicted, one panel per quantity with several rows.

    Parameters
    ----------
    rows : sequence of (quantity, measured, predicted)
        Both values in the same unit.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.figure.Figure
    """
    quantities = [
        name
        for name in dict.fromkeys(row[0] for row in rows)
        if sum(row[0] == name for row in rows) > 1
    ]
    with one_axes(ax, height=_HEIGHT) as (figure, axes):
        axes.axhspan(1 / TWICE, TWICE, color="0.95", lw=0)
        axes.axhspan(1 / NEAR, NEAR, color="0.86", lw=0)
        axes.axhline(1.0, color="0.35", lw=0.8)
        for i, name in enumerate(quantities):
            ratio = np.sort([measured / predicted for q, measured, predicted in rows if q == name])
            across = i + (np.arange(len(ratio)) + 0.5) / len(ratio) * 0.8 - 0.4
            axes.plot(
                across,
                ratio,
                ls="none",
                marker=look(i).marker,
                ms=3.5 if len(ratio) > _MANY else 5,
                mfc=look(i).colour,
                mec="white",
                mew=0.3 if len(ratio) <= _MANY else 0,  # edges of many would hide their marks
            )
        axes.set_yscale("log")
        low = min(0.4, *(m / p * 0.9 for _, m, p in rows))
        high = max(2.5, *(m / p * 1.1 for _, m, p in rows))
        axes.set_ylim(low, high)
        ticks = [t for t in (0.25, 0.5, 0.8, 1.0, 1.25, 2.0, 4.0) if low <= t <= high]
        axes.set_yticks(ticks, [f"{t:g}" for t in ticks])
        axes.minorticks_off()
        lines = max(name.count(" ") for name in quantities)
        labels = [
            name.replace(" ", "\n")
            + "\n" * (lines - name.count(" ") + 1)
            + f"{sum(r[0] == name for r in rows)} rows"
            for name in quantities
        ]
        axes.set_xticks(range(len(quantities)), labels)
        axes.tick_params(axis="x", length=0)
        axes.set_ylabel("measured / predicted")
        end = len(quantities) - 0.35
        for edge, words in ((NEAR, "within 20 %"), (TWICE, "within a factor of 2")):
            axes.text(end, edge * 0.98, words, va="top", ha="right", fontsize="small", color="0.3")
        axes.set_xlim(-0.55, len(quantities) - 0.3)
    return figure
