"""A sweep of keys of no number: a row for each point, with its objective as a mark."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelsizer.optimizer.constraints import value_text
from modelsizer.plots.drawing.axes import heading, quantity_axis
from modelsizer.plots.drawing.lines import draw_marks, look
from modelsizer.plots.drawing.one_axes import legend_below, one_axes
from modelsizer.plots.drawing.style import FAINT, QUIET, small
from modelsizer.plots.drawing.texts import one_line
from modelsizer.plots.fronts.sweep_series import has_design, key_words, solved

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.optimizer.sweeps.grids import Axis
    from modelsizer.optimizer.sweeps.sweep import SweepResult
    from modelsizer.plots.fronts.sweep_series import Arrangement

_ROW, _AROUND = 0.075, 0.36  # fractions of the height of the size: a row, and what is around them
_NAME = {False: 36, True: 20}  # characters of the name of a row, by whether axes are small
MOST_ROWS = 40


def draw_rows(
    found: SweepResult, placed: Arrangement, *, title: str, size: str, ax: Axes | None
) -> Figure:
    """Draw the objective of each point as a mark, in a row for each value of the first keys.

    Where several keys vary, the marks of a row are the values of the last.

    Parameters
    ----------
    found : SweepResult
    placed : Arrangement
    title, size, ax
        See `modelsizer.plots.fronts.sweep.sweep`.

    Raises
    ------
    ValueError
        If there are more than `MOST_ROWS`.
    """
    axes_of_rows = placed.of_lines[:-1] or placed.of_lines
    last = placed.of_lines[-1] if len(placed.of_lines) > 1 else None
    rows: dict[str, list[dict[str, object]]] = {}
    for row in found.rows:
        name = ", ".join(value_text(axis.key, row[axis.key]) for axis in axes_of_rows)
        rows.setdefault(name, []).append(dict(row))
    if len(rows) > MOST_ROWS:
        raise ValueError(f"{len(rows)} rows are too many to read; {MOST_ROWS} at most")
    with one_axes(ax, size, height=_AROUND + _ROW * len(rows)) as (_, axes):
        for at, some in enumerate(rows.values()):
            axes.axhline(at, color=FAINT, lw=0.6, zorder=0)
            _marks(axes, at, some, last)
        narrow = small(axes)
        axes.set_yticks(range(len(rows)), [one_line(name, _NAME[narrow]) for name in rows])
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        axes.set_ylabel(", ".join(key_words(axis.key) for axis in axes_of_rows))
        values = [float(row["objective"]) for row in solved(found)]
        room = 0.06 * (max(values) - min(values)) or 0.01 * abs(values[0]) or 1.0
        axes.set_xlim(min(values) - room, max(values) + room)
        quantity_axis(axes, "x", found.problem.objective.quantity)
        axes.set_xlabel(f"best {axes.get_xlabel()}")
        heading(axes, title)
        if last is not None:
            _key(axes, last, narrow=narrow)
    return axes.get_figure(root=True)  # type: ignore[return-value]


def _marks(axes: Axes, at: int, rows: list[dict[str, object]], last: Axis | None) -> None:
    """Draw the marks of a row; say so where there is none."""
    drawn = False
    for row in rows:
        if not has_design(row):
            continue
        number = 0 if last is None else last.values.index(row[last.key])
        x = np.array([float(row["objective"])])  # type: ignore[arg-type]
        draw_marks(axes, x, np.array([float(at)]), np.array([row["status"] == "limit"]),
                   look(number))  # fmt: skip
        drawn = True
    if not drawn:
        axes.text(0.5, at, "no design", transform=axes.get_yaxis_transform(), ha="center",
                  va="center", fontsize="small", color=QUIET,
                  bbox={"fc": "white", "ec": "none", "pad": 1.0})  # fmt: skip


def _key(axes: Axes, last: Axis, *, narrow: bool) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], ls="none", marker=own.marker, color=own.colour, ms=4.5,
               label=one_line(value_text(last.key, value)))
        for number, value in enumerate(last.values)
        for own in [look(number)]
    ]  # fmt: skip
    legend_below(axes, handles, ncols=2 if narrow else 4, title=key_words(last.key),
                 title_fontsize="small", alignment="left")  # fmt: skip
