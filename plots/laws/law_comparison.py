"""Optimal size under several laws, against a limit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.axes import heading, quantity_axis
from modelsizer.plots.drawing.line_ends import name_ends
from modelsizer.plots.drawing.lines import Look, check_lines, draw_marks, look
from modelsizer.plots.drawing.one_axes import legend_below, one_axes
from modelsizer.plots.drawing.style import INK, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.optimizer.laws.curves import LawCurve
    from modelsizer.optimizer.tables.table import Floats

_PAD = 0.02  # fraction of width and height around the lines
_DASHES = (3.5, 1.6)
_MARKS = 7  # of a line, evenly spaced
_SOLID, _DASHED = 1.5, 1.0  # line widths, points
_IN_COLUMN = 0.75  # factor on them in a one-column figure
_LEAST_SPAN = 0.4  # minimum decades of an axis around a constant size
_POINTS = "#a8a8a8"  # published models, drawn behind the lines


def law_comparison(
    curves: Sequence[LawCurve],
    over: str,
    models: Sequence[tuple[str, float, float]] = (),
    *,
    title: str = "",
    size: str = "wide",
    ax: Axes | None = None,
) -> Figure:
    """Draw the optimal number of parameters against a limit, one line per law.

    A line is solid within the fitted range of its law, and dashed with hollow marks beyond. At the
    ends of the menus of layers or d_model the space determines the optimum, not the law: lines
    begin above the lower ends, and the axis ends where the first line reaches an upper end.

    Parameters
    ----------
    curves : sequence of LawCurve
    over : str
        The swept quantity.
    models : sequence of (name, limit, parameters)
        Published models, drawn as points if they lie within the axes.
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Raises
    ------
    ValueError
        If no law has an optimum inside the menus at two or more values.
    """
    lines = lines_of(curves)
    if not lines:
        raise ValueError("no law has an optimum within the menus at two values of the limit")
    with one_axes(ax, size) as (figure, axes):
        scale = _IN_COLUMN if small(axes) else 1.0
        _limits(axes, list(lines.values()))
        quantity_axis(axes, "x", over, log=True)
        quantity_axis(axes, "y", "parameters", log=True)
        ordered = sorted(lines, key=lambda name: lines[name][1][-1])
        check_lines(len(ordered))
        looks = [look(i) for i in range(len(ordered))]
        for name, own in zip(ordered, looks, strict=True):
            _line(axes, *lines[name], own, scale)
        seen = _models(axes, models)
        heading(axes, title)
        _key(axes, fitted=any(line[2].any() for line in lines.values()), models=seen)
        ends = [(float(lines[name][0][-1]), float(lines[name][1][-1])) for name in ordered]
        shades = [own.colour for own in looks]
        name_ends(axes, ordered, ends, shades, fontsize="x-small", ink=INK)
    return figure


def lines_of(curves: Sequence[LawCurve]) -> dict[str, tuple[Floats, Floats, Floats]]:
    """Return limits, parameters and whether inside the fitted range, per law, inside the menus.

    All lines end at the same limit: the last one common to every law with two such points.
    """
    inside = {curve.name: _inside(curve) for curve in curves}
    inside = {name: rows for name, rows in inside.items() if len(rows) > 1}
    end = min((rows[-1][0] for rows in inside.values()), default=0.0)
    kept = {name: [r for r in rows if r[0] <= end] for name, rows in inside.items()}
    return {
        name: (*(np.array([row[i] for row in rows], dtype=float) for i in range(3)),)  # type: ignore[misc]
        for name, rows in kept.items()
        if len(rows) > 1
    }


def _inside(curve: LawCurve) -> list[tuple[float, float, bool]]:
    rows = zip(curve.points, curve.edge, curve.fitted, strict=True)
    return [(float(v), float(d.parameters.total), f) for (v, d), edge, f in rows if not edge]


def _limits(axes: Axes, lines: Sequence[tuple[Floats, Floats, Floats]]) -> None:
    """Set logarithmic axes around the lines."""
    ends = []
    for i in (0, 1):
        low = np.log(min(float(line[i].min()) for line in lines))
        high = np.log(max(float(line[i].max()) for line in lines))
        pad = max(_PAD * (high - low), (_LEAST_SPAN - (high - low)) / 2)
        ends.append((float(np.exp(low - pad)), float(np.exp(high + pad))))
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(*ends[0])
    axes.set_ylim(*ends[1])


def _line(axes: Axes, x: Floats, y: Floats, fitted: Floats, own: Look, scale: float) -> None:
    """Draw the segments of a line, solid if both ends are within the fitted range, and marks.

    Marks of points beyond the range are hollow.
    """
    solid = [bool(a and b) for a, b in pairwise(fitted)]
    for kind, group in groupby(range(len(solid)), key=lambda i: solid[i]):
        pieces = list(group)
        part = slice(pieces[0], pieces[-1] + 2)
        style = "-" if kind else (0, _DASHES)
        wide = (_SOLID if kind else _DASHED) * scale
        axes.plot(x[part], y[part], color=own.colour, linewidth=wide, linestyle=style, zorder=3)
    some = np.unique(np.linspace(0, len(x) - 1, min(_MARKS, len(x))).round().astype(int))
    draw_marks(axes, x[some], y[some], ~fitted[some].astype(bool), own)


def _models(axes: Axes, models: Sequence[tuple[str, float, float]]) -> bool:
    """Draw published models within the axes; return whether there are any."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    seen = [(x, y) for _, x, y in models if left < x < right and bottom < y < top]
    if seen:
        x, y = zip(*seen, strict=True)
        axes.plot(x, y, linestyle="none", marker="o", markersize=2.6, color=_POINTS,
                  markeredgewidth=0, zorder=2, label="published dense models")  # fmt: skip
    return bool(seen)


def _key(axes: Axes, *, fitted: bool, models: bool) -> None:
    """Draw a legend of line styles and points below the axes."""
    from matplotlib.lines import Line2D

    handles = []
    if fitted:
        handles.append(Line2D([], [], color=INK, linewidth=_SOLID, label="within the law's data"))
    dashed = (0, _DASHES)
    handles.append(
        Line2D([], [], color=INK, linewidth=_DASHED, linestyle=dashed, label="extrapolated")
    )
    if models:
        handles.append(
            Line2D([], [], color=_POINTS, linestyle="none", marker="o", markersize=2.6,
                   label="published dense models")
        )  # fmt: skip
    legend_below(axes, handles, place="center", ncols=len(handles), fontsize="x-small",
                 columnspacing=1.2, handlelength=2.4)  # fmt: skip
