"""Loss against training FLOPs, and the isoFLOP curves whose minima form the frontier."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.axes import heading, quantity_axis, setting_axis, tick, wrapped
from modelsizer.plots.drawing.labels import lay_out
from modelsizer.plots.drawing.line_ends import spread_out
from modelsizer.plots.drawing.one_axes import one_axes, refuse_axes
from modelsizer.plots.drawing.style import COLOURS, FAINT, FILLS, INK, QUIET, STAR, canvas, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

    from modelsizer.optimizer.frontiers.frontier import Frontier, OffSize, Point
    from modelsizer.optimizer.frontiers.isoflops import IsoFlops

_SPAN = 6.0  # factor below and above its minimum to which an isoFLOP curve is drawn
_IN_VIEW = 0.35
"""Fraction of the height by which the axis may be extended to show the irreducible loss."""
_TALL = 1.9  # height of two stacked panels, relative to one
_DARKEST, _LIGHTEST = 0.05, 0.75  # on the colour map, smallest to largest budget
_PAD = 0.02  # fraction of the width beside the first and last point, so that none is cut off
_ROOM_FOR_WORDS = (0.12, 0.22)  # fraction of the width for a label on the grey: wide, column
_TWO_DECADES = 100.0  # range factor below which powers of ten may give a single tick label
_POINTS_PER_INCH = 72.0
_LABELLED = 1e-3  # fraction of the height below which two curves coincide


def frontier(
    data: Frontier,
    curves: Sequence[IsoFlops] = (),
    *,
    title: str = "",
    size: str = "wide",
    ax: Axes | None = None,
) -> Figure:
    """Draw the optimal objective at each value of a swept limit.

    The band extends up to the worse of half and twice the optimal size, which shows the cost of a
    size wrong by a factor of two. A second panel has the isoFLOP curves, if any, minima joined.

    Parameters
    ----------
    data : Frontier
    curves : sequence of IsoFlops
        Drawn only if training FLOPs were swept and the objective is the loss.
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Raises
    ------
    ValueError
        If fewer than two points have a design.
    """
    if len(data.solved) < 2:
        raise ValueError("a frontier needs at least two values that have a design")
    of_flops = data.over == "budgets.training_flops"
    if not of_flops or data.problem.objective.quantity != "loss":
        curves = ()
    if not curves:
        with one_axes(ax, size) as (figure, axes):
            _frontier(axes, data, title, narrow=small(axes))
        return figure
    refuse_axes(ax, "frontier with curves", "without them it draws one")
    with canvas(size, height=_TALL if size == "column" else None) as figure:
        if small(figure):
            left, right = figure.subplots(2, 1)
        else:
            left, right = figure.subplots(1, 2)
        _frontier(left, data, "optimal frontier", narrow=small(figure))
        _curves(right, data, curves)
        if not small(figure):
            # A shared scale of loss aligns the minima with the frontier.
            ends = [axes.get_ylim() for axes in (left, right)]
            for axes in (left, right):
                axes.set_ylim(min(low for low, _ in ends), max(high for _, high in ends))
            right.set_ylabel("")
        figure.suptitle(
            wrapped(figure, title), fontsize="medium", x=0.02, ha="left", fontweight="bold"
        )
        figure.align_xlabels()
    return figure


# The frontier


def _frontier(axes: Axes, frontier: Frontier, title: str, *, narrow: bool) -> None:
    name = frontier.problem.objective.quantity
    points = frontier.solved
    x = np.array([float(point.limit) for point in points])
    y = np.array([float(point.value or 0.0) for point in points])
    dear = np.array([_dearer(point, name) for point in points])
    axes.plot(x, y, color=FILLS[0], linewidth=1.3, zorder=3, label="frontier")
    free = np.array([point.free for point in points])
    for mask, face in ((free, FILLS[0]), (~free, "white")):
        axes.plot(x[mask], y[mask], linestyle="none", marker="o", markersize=3.4, zorder=4,
                  markerfacecolor=face, markeredgecolor=FILLS[0], markeredgewidth=0.8)  # fmt: skip
    low, high = float(frontier.points[0].limit), float(frontier.points[-1].limit)
    pad = (high / low) ** _PAD
    axes.set_xlim(low / pad, high * pad)
    axes.margins(y=0.06)
    axes.autoscale_view(scalex=False)
    if np.isfinite(dear).any():
        axes.fill_between(x, y, dear, color=FILLS[4], alpha=0.5, linewidth=0, zorder=2)
    if name == "loss":
        _irreducible(axes, frontier)
    setting_axis(axes, frontier.setting.name, frontier.setting.dimension, log=True)
    _value_axis(axes, name)
    _no_design(axes, frontier, narrow=narrow)
    _key(axes, frontier, falls=y[-1] <= y[0])
    heading(axes, title)


def _dearer(point: Point, name: str) -> float:
    """Return the worse value of the band's two sizes; NaN if neither has a design."""

    def value(off: OffSize | None) -> float:
        return math.nan if off is None or off.design is None else float(off.design.quantity(name))

    both = [v for v in (value(point.half), value(point.twice)) if not math.isnan(v)]
    return max(both) if both else math.nan


def _value_axis(axes: Axes, name: str) -> None:
    """Set up the value axis: losses linear with equal decimals, other quantities logarithmic."""
    from matplotlib.ticker import FormatStrFormatter, MaxNLocator

    quantity_axis(axes, "y", name, log=name != "loss")
    if name == "loss":
        axes.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
        axes.yaxis.set_major_formatter(FormatStrFormatter("%.2f"))


def _irreducible(axes: Axes, frontier: Frontier) -> None:
    """Draw the irreducible loss, if it is close enough to be visible."""
    least = frontier.problem.least_loss
    low, high = axes.get_ylim()
    if least is None or low - least > _IN_VIEW * (high - low):
        return
    axes.set_ylim(min(low, least - 0.06 * (high - least)), high)
    axes.axhline(least, color=QUIET, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
    axes.annotate(
        f"irreducible loss {least:.3g}",
        (0.02, least),
        xycoords=("axes fraction", "data"),
        xytext=(0, 2),
        textcoords="offset points",
        color=QUIET,
        fontsize="small",
        va="bottom",
    )


def _no_design(axes: Axes, frontier: Frontier, *, narrow: bool) -> None:
    """Shade the values at either end that are proven infeasible."""
    low, high = axes.get_xlim()
    room = _ROOM_FOR_WORDS[narrow] * math.log(high / low)
    for points, end in ((frontier.points, low), (frontier.points[::-1], high)):
        none = list(takewhile(lambda point: point.status == "infeasible", points))
        if not none:
            continue
        last = float(none[-1].limit)
        axes.axvspan(end, last, color=FAINT, alpha=0.6, linewidth=0, zorder=0)
        upright = abs(math.log(last / end)) < room  # text is rotated in a narrow strip
        axes.annotate("no design", (math.sqrt(last * end), 0.5), fontsize="small", color=QUIET,
                      xycoords=("data", "axes fraction"), ha="center", va="center",
                      rotation=90 if upright else 0)  # fmt: skip


def _key(axes: Axes, frontier: Frontier, *, falls: bool) -> None:
    """Explain the band and the hollow points in the empty corner."""
    from matplotlib.lines import Line2D

    def mark(marker: str, face: str, edge: str) -> Line2D:
        return Line2D([], [], linestyle="none", marker=marker, markersize=5,
                      markerfacecolor=face, markeredgecolor=edge)  # fmt: skip

    points, entries = frontier.solved, []
    if any(off is not None and off.design for p in points for off in (p.half, p.twice)):
        entries.append((mark("s", FILLS[4], FILLS[4]), "band: off by a factor\nof two in size"))
    holders = ["a menu's end"] if any(point.edge for point in points) else []
    holders += ["another limit"] if any(point.held for point in points) else []
    if holders:
        words_ = "hollow: held by " + "\nor by ".join(holders)
        entries.append((mark("o", "white", FILLS[0]), words_))
    if entries:
        # A falling frontier leaves the upper right empty.
        axes.legend([handle for handle, _ in entries], [text for _, text in entries],
                    loc="upper right" if falls else "upper left", handletextpad=0.3,
                    borderaxespad=0.2, labelcolor=INK)  # fmt: skip


# Curves of equal FLOPs


def _curves(axes: Axes, frontier: Frontier, curves: Sequence[IsoFlops]) -> None:
    import matplotlib as mpl
    from matplotlib.ticker import LogLocator

    held = {float(point.limit) for point in frontier.solved if not point.free}
    curves = _distinct(curves)
    shades = mpl.colormaps[COLOURS](np.linspace(_DARKEST, _LIGHTEST, len(curves)))
    lowest = [curve.best for curve in curves]
    at = [float(best.parameters.total) for best in lowest]
    names: list[str] = []
    ends: list[tuple[float, float]] = []
    for curve, size, shade in zip(curves, at, shades, strict=True):
        n, loss = curve.parameters, curve.loss
        near = (n >= size / _SPAN) & (n <= size * _SPAN)
        axes.plot(n[near], loss[near], color=shade, linewidth=1.3, zorder=2)
        unit = " FLOPs" if curve is curves[0] else ""
        names.append(tick(float(curve.training_flops), "training_flops") + unit)
        ends.append((float(n[near][-1]), float(loss[near][-1])))
    axes.plot(at, [best.loss for best in lowest], color=STAR, linewidth=0.9,
              linestyle=(0, (4, 2)), zorder=3, label="minima")  # fmt: skip
    for curve, size in zip(curves, at, strict=True):
        face = "white" if float(curve.training_flops) in held else STAR
        axes.plot([size], [curve.best.loss], marker="o", markersize=4.0, zorder=4,
                  markerfacecolor=face, markeredgecolor=STAR)  # fmt: skip
    axes.set_xscale("log")
    quantity_axis(axes, "x", "parameters", log=True)
    low, high = axes.get_xlim()
    if high / low < _TWO_DECADES:
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    _value_axis(axes, "loss")
    axes.set_title("isoFLOP curves")
    _name_curves(axes, names, ends, shades)


def _name_curves(
    axes: Axes, names: Sequence[str], ends: Sequence[tuple[float, float]], shades: Floats
) -> None:
    """Write beside the end of each curve its FLOPs, a line apart where ends are close."""
    written = [
        axes.annotate(name, end, xytext=(4, 0), textcoords="offset points", fontsize="small",
                      color=shade, va="center")
        for name, end, shade in zip(names, ends, shades, strict=True)
    ]  # fmt: skip
    lay_out(axes)
    height = axes.bbox.height
    at = [float(y) / height for y in axes.transData.transform(ends)[:, 1] - axes.bbox.y0]
    order = sorted(range(len(at)), key=at.__getitem__)
    gap = max(text.get_window_extent().height for text in written) / height
    figure = axes.get_figure(root=True)
    assert figure is not None
    for i, place in zip(order, spread_out([at[i] for i in order], gap), strict=True):
        written[i].xyann = (4, (place - at[i]) * height * _POINTS_PER_INCH / figure.dpi)


def _distinct(curves: Sequence[IsoFlops]) -> list[IsoFlops]:
    """Drop curves that end where the previous one does, as more FLOPs gained nothing."""
    found: list[IsoFlops] = []
    height = max(c.best.loss for c in curves) - min(c.best.loss for c in curves)
    for curve in curves:
        if not found or found[-1].best.loss - curve.best.loss > _LABELLED * height:
            found.append(curve)
    return found
