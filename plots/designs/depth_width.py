"""Loss (above) and serving cost (below) against depth at one model size."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.axes import heading, quantity_axis, tick, words
from modelsizer.plots.drawing.one_axes import refuse_axes
from modelsizer.plots.drawing.style import FAINT, FILLS, INK, QUIET, STAR, canvas, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from modelsizer.optimizer.surveys.depth_width_rows import DepthWidth, ShapeRow

    Floats = NDArray[np.float64]

_TALLER = 1.35  # factor on the height of the size, for two panels
_HEIGHTS = (3, 2)
_ROOM = 0.12  # fraction of each axis between data and frame
_ASPECTS = 7  # maximum number of labels along the top
_APART = 0.11  # fraction of the width between two of them
_SPANS, _SPANS_OF_COLUMN = (0.2, 0.09), (0.25, 0.13)
"""Fractions of the width that left-out depths must span for a label with limits, or a short one."""
_LOWER, _UPPER = 0.33, 0.6  # fractions of the height at which marks are labelled
_EDGE = 0.2  # fraction of the width that a label takes
_FREE = 0.68  # fraction of the height above which the lower panel's left is free of points
_SERVED = ("decode_latency", "kv_cache")  # the first available one is drawn


def depth_width(
    data: DepthWidth, *, title: str = "", size: str = "wide", ax: Axes | None = None
) -> Figure:
    """Draw shape excess, and below it the serving cost, against depth at one size.

    The preferred row is starred and the customary one circled; depths without a feasible design
    are grey and have no points.

    Parameters
    ----------
    data : DepthWidth
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    Figure
    """
    refuse_axes(ax, "depth_width")
    served = next(name for name in _SERVED if data.rows[0].quantity(name) is not None)
    with canvas(size, height=_TALLER) as figure:
        from matplotlib.ticker import MaxNLocator

        above, below = figure.subplots(2, 1, sharex=True, height_ratios=_HEIGHTS)
        rows = data.rows[::-1]
        layers = np.array([row.layers for row in rows], dtype=float)
        excess = np.array([row.design.shape_excess for row in rows])
        cost = np.array([float(row.quantity(served) or 0) for row in rows])
        for axes, values in ((above, excess), (below, cost)):
            _points(axes, data, layers, values, brief=small(figure))
        _limits(above, below, data, layers, excess, cost)
        _left_out(above, below, data, brief=small(figure))
        _marks(above, below, data, served, brief=small(figure))
        quantity_axis(above, "y", "loss")
        above.set_ylabel("shape excess\n(nats per token)")
        quantity_axis(below, "y", served)
        below.set_ylabel(f"{words(served)}\nof a step" if served == _SERVED[0] else words(served))
        quantity_axis(below, "x", "layers")
        below.set_xlabel(_size(data, brief=small(figure)))
        for axis in (above.yaxis, below.yaxis, below.xaxis):
            axis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        if data.preferred is None:
            above.set_yticks([0.0])
        _aspects(figure, above, rows)
        heading(above, title)
    return figure


def _size(data: DepthWidth, *, brief: bool) -> str:
    """Label of the depths, with the parameters of all designs; of mixtures those in use too."""
    found = f"layers, at {tick(data.parameters, 'parameters')}"
    found += "" if brief else " parameters"
    used = [row.design.parameters.active for row in data.rows]
    if all(row.parameters == active for row, active in zip(data.rows, used, strict=True)):
        return found
    ends = list(dict.fromkeys(tick(end, "parameters") for end in (min(used), max(used))))
    return f"{found}, {' to '.join(ends)} active"


def _points(axes: Axes, data: DepthWidth, layers: Floats, values: Floats, *, brief: bool) -> None:
    """Draw a point per depth, joined by a line that breaks where depths are left out."""
    gaps = [float(out.layers) for out in data.excluded]
    x = np.concatenate([layers, gaps])
    y = np.concatenate([values, np.full(len(gaps), np.nan)])
    order = np.argsort(x, kind="stable")
    axes.plot(x[order], y[order], color=FILLS[0], linewidth=0.6, alpha=0.45, zorder=2)
    axes.plot(layers, values, color=FILLS[0], marker="o", markersize=1.8 if brief else 2.6,
              linestyle="none", zorder=3)  # fmt: skip


def _limits(
    above: Axes,
    below: Axes,
    data: DepthWidth,
    layers: Floats,
    excess: Floats,
    cost: Floats,
) -> None:
    """Set axis limits with a margin; the axis of the excess includes zero."""
    depths = [*layers, *(out.layers for out in data.excluded)]
    low, high = min(depths), max(depths)
    margin = max(1.0, 0.04 * (high - low))
    above.set_xlim(low - margin, high + margin)
    top = float(excess.max()) or 1e-3  # a law without a shape term gives a line at zero
    above.set_ylim(-_ROOM * top, (1 + _ROOM) * top)
    room = _ROOM * float(cost.max() - cost.min()) or _ROOM * float(cost.max()) or 1.0
    least = float(cost.min()) - room
    # The upper left holds text: points there stay below it.
    left = float(cost[layers <= (low + high) / 2].max(initial=least))
    below.set_ylim(least, max(float(cost.max()) + room, least + (left - least) / _FREE))


# Left out


def _runs(data: DepthWidth) -> list[tuple[int, int]]:
    """Return the first and last depth of each run of left-out depths."""
    out = {found.layers for found in data.excluded}
    known = sorted(out | {row.layers for row in data.rows})
    runs = []
    for left, run in groupby(known, key=lambda depth: depth in out):
        if left:
            depths = list(run)
            runs.append((depths[0], depths[-1]))
    return runs


def _left_out(above: Axes, below: Axes, data: DepthWidth, *, brief: bool) -> None:
    """Shade depths without a feasible design, and label them where there is room."""
    runs = _runs(data)
    if not runs:
        return
    for axes in (above, below):
        for first, last in runs:
            axes.axvspan(first - 0.5, last + 0.5, color=FAINT, linewidth=0, zorder=0)
    first, last = max(runs, key=lambda run: run[1] - run[0])
    low, high = below.get_xlim()
    share = (last - first) / (high - low)
    names_at, words_at = _SPANS_OF_COLUMN if brief else _SPANS
    x, side = (first + last) / 2, "center"
    if share >= names_at:
        inside = [out for out in data.excluded if first <= out.layers <= last]
        names = dict.fromkeys(b.quantity for out in inside for b in out.broken)
        text = "violates:\n" + "\n".join(map(_name, names))
    elif share >= words_at:
        text = "infeasible"
    else:
        text, x, side = "grey: infeasible", high - 0.01 * (high - low), "right"
    below.text(x, 0.04, text, transform=below.get_xaxis_transform(), ha=side, va="bottom",
               fontsize="small", color=QUIET)  # fmt: skip


def _name(quantity: str) -> str:
    return words(quantity).removesuffix(" per accelerator").removesuffix(" (nats per token)")


# Marks


def _marks(above: Axes, below: Axes, data: DepthWidth, served: str, *, brief: bool) -> None:
    """Mark the preferred row and the customary one, with their shapes and costs."""
    best = data.preferred
    habit = None if data.habit is None else data.habit.row
    if best is None:
        above.text(0.5, 0.6, 'shape law "none": no depth is preferred', ha="center",
                   transform=above.transAxes, color=QUIET, fontsize="small")  # fmt: skip
    names: list[tuple[ShapeRow, str]] = []
    said = []
    if best is not None:
        names.append((best, f"preferred:\n{best.layers} x {best.d_model}"))
        said.append(f"preferred: {_cost(best, served)}")
    if habit is not None and habit is not best:
        names.append((habit, f"habit:\n{habit.layers} x {habit.d_model}"))
        said.append(f"habit: {_cost(habit, served)}")
    for row, _ in names:
        for axes, value in (
            (above, row.design.shape_excess),
            (below, float(row.quantity(served) or 0)),
        ):
            _mark(axes, row, value, star=row is best, brief=brief)
    _names(above, names)
    below.text(0.02, 0.97, "\n".join(said), transform=below.transAxes, va="top",
               fontsize="small")  # fmt: skip


def _cost(row: ShapeRow, served: str) -> str:
    return tick(float(row.quantity(served) or 0), served)


def _mark(axes: Axes, row: ShapeRow, value: float, *, star: bool, brief: bool) -> None:
    part = 0.75 if brief else 1.0
    if star:
        axes.plot([row.layers], [value], marker="*", markersize=11 * part, color=STAR,
                  markeredgecolor="white", markeredgewidth=0.5, linestyle="none",
                  zorder=5)  # fmt: skip
    else:
        axes.plot([row.layers], [value], marker="o", markersize=8 * part, markerfacecolor="none",
                  markeredgecolor=INK, markeredgewidth=1.2, linestyle="none",
                  zorder=6)  # fmt: skip


def _names(axes: Axes, names: Sequence[tuple[ShapeRow, str]]) -> None:
    """Write labels above the curve, each with a leader that crosses no other label.

    The lower label extends away from the other's leader: the label of the shallower row is lower
    and extends to the left, or that of the deeper row is, where there is room to its right.
    """
    low, high = axes.get_xlim()
    bottom, top = axes.get_ylim()
    shares = [(row.layers - low) / (high - low) for row, _ in names]
    order = sorted(range(len(names)), key=lambda i: shares[i])
    places: dict[int, tuple[float, str]] = {}
    if len(order) == 1:
        share = shares[order[0]]
        side = "left" if share < _EDGE else "right" if share > 1 - _EDGE else "center"
        places[order[0]] = (_LOWER, side)
    elif order:
        first, last = order
        if shares[last] < 1 - 2 * _EDGE:
            places[last], places[first] = (_LOWER, "left"), (_UPPER, "left")
        else:
            apart = shares[last] - shares[first] > _EDGE
            side = "left" if shares[first] < _EDGE else "center" if apart else "right"
            places[first], places[last] = (_LOWER, side), (_UPPER, "right")
    for i, (height, side) in places.items():
        row, text = names[i]
        at = bottom + height * (top - bottom)
        axes.plot([row.layers, row.layers], [row.design.shape_excess, at], color=QUIET,
                  linewidth=0.7, zorder=4)  # fmt: skip
        axes.text(row.layers, at, text, ha=side, va="bottom", fontweight="bold",
                  fontsize="small", zorder=6)  # fmt: skip


# Aspect ratios


def _aspects(figure: Figure, axes: Axes, rows: tuple[ShapeRow, ...]) -> None:
    """Label the ratio of width to depth of some rows, along the top."""
    low, high = axes.get_xlim()
    apart = _APART * (high - low) * (1.3 if small(figure) else 1.0)
    wanted = np.linspace(rows[0].layers, rows[-1].layers, _ASPECTS)
    chosen: list[ShapeRow] = []
    for depth in wanted:
        row = min(rows, key=lambda row: abs(row.layers - depth))
        if not chosen or row.layers - chosen[-1].layers >= apart:
            chosen.append(row)
    top = axes.secondary_xaxis("top")
    top.set_xticks([row.layers for row in chosen], [f"{row.aspect_ratio:.0f}" for row in chosen])
    top.tick_params(length=2, labelsize="small", colors=QUIET)
    top.spines["top"].set_visible(False)
    top.set_xlabel("d_model / layers", color=QUIET, fontsize="small")
