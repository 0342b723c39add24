"""Measured over predicted decode steps, by engine and batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelsizer.plots.drawing.lines import look
from modelsizer.plots.drawing.one_axes import one_axes
from modelsizer.plots.drawing.style import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = tuple[str, int, float, bool]
_NEAR = 1.2
_TICKS = (0.5, 2 / 3, 0.8, 1.0, 1.25, 1.5, 2.0)
_BATCHES = (1, 8, 64, 512, 4096)


def measured_steps(rows: Sequence[Row], *, ax: Axes | None = None) -> Figure:
    """Draw the ratio of measured to predicted time of decode steps against their batch.

    Parameters
    ----------
    rows : sequence of (engine, batch, ratio, left_out)
        Steps that the fit left out are filled, the others hollow.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    matplotlib.figure.Figure
    """
    engines = list(dict.fromkeys(row[0] for row in rows))
    with one_axes(ax) as (figure, axes):
        from matplotlib.lines import Line2D

        axes.axhspan(1 / _NEAR, _NEAR, color="0.9", lw=0)
        axes.axhline(1.0, color="0.35", lw=0.8)
        for i, engine in enumerate(engines):
            for left_out in (False, True):
                chosen = [row for row in rows if row[0] == engine and row[3] == left_out]
                # One batch holds many rows: each engine stands a little beside it.
                across = [row[1] * 1.06 ** (i - (len(engines) - 1) / 2) for row in chosen]
                axes.plot(
                    across,
                    [row[2] for row in chosen],
                    ls="none",
                    marker=look(i).marker,
                    ms=4.5 if left_out else 3,
                    mfc=look(i).colour if left_out else "none",
                    mec="white" if left_out else look(i).colour,
                    mew=0.3 if left_out else 0.6,
                    zorder=3 if left_out else 2,
                )
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.set_xticks(_BATCHES, [f"{batch:,}" for batch in _BATCHES])
        axes.set_yticks(_TICKS, [f"{tick:.3g}" for tick in _TICKS])
        axes.minorticks_off()
        ends = [row[2] for row in rows]
        axes.set_ylim(min(0.45, *ends) / 1.05, max(2.2, *ends) * 1.05)
        axes.set_xlabel("sequences of the batch")
        axes.set_ylabel("measured / predicted time")
        axes.text(
            1.0, _NEAR, "within 20 % ", transform=axes.get_yaxis_transform(),
            ha="right", va="bottom", fontsize="small", color="0.3",
        )  # fmt: skip
        shown = [
            Line2D(
                [],
                [],
                ls="none",
                marker=look(i).marker,
                mfc=look(i).colour,
                mec="white",
                label=engine,
            )
            for i, engine in enumerate(engines)
        ]
        for fill, words in ((INK, "left out of the fit"), ("none", "in it")):
            shown.append(Line2D([], [], ls="none", marker="o", mfc=fill, mec=INK, label=words))
        axes.legend(handles=shown, loc="upper right", ncols=len(shown), columnspacing=1.0)
    return figure
