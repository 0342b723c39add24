"""Optimal objective against the limit of one budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from modelsizer.plots.drawing.axes import dimension, heading, quantity_axis, tick, wants_log, words
from modelsizer.plots.drawing.one_axes import one_axes
from modelsizer.plots.drawing.style import FAINT, FILLS, INK, QUIET, STAR

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_MARGIN = 0.04  # fraction of the axis beyond the curve
_HEADROOM = 0.3  # fraction of the curve's height above it, for text
_ROOM = 0.36  # fraction of the axis that the band's text takes
_TURN = 0.7  # fraction of the axis from which text is left of today's limit
_LABEL_2_AND_5 = 2.0  # decades up to which a logarithmic axis labels 1, 2 and 5
_BAND_WORDS, _EMPTY_WORDS = 0.97, 0.5  # fractions of the axes' height


def price_curve(
    name: str,
    limits: Sequence[float],
    objectives: Sequence[float],
    today: float,
    stays_optimal: tuple[float | None, float | None] | None = None,
    *,
    objective: str = "loss",
    title: str = "",
    size: str = "wide",
    ax: Axes | None = None,
) -> Figure:
    """Draw the optimal objective at each limit of a budget as steps, and today's limit.

    Parameters
    ----------
    name : str
        The budget: a quantity of `modelsizer.problems.quantities`.
    limits : sequence of float, shape (n,)
        Limits in the quantity's own unit, in any order; with today's among them, the objective
        at it is marked.
    objectives : sequence of float, shape (n,)
        The optimal objective at each; NaN or infinite where infeasible.
    today : float
        The present limit.
    stays_optimal : (from, to), optional
        Interval of limits in which today's design stays optimal; None for an unbounded end.
    objective : str
        The quantity in `objectives`, of `modelsizer.problems.quantities`.
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    Figure
        Between two limits the curve takes the worse of their objectives: designs are discrete, so
        a limit short of the next design does not allow it.

    Raises
    ------
    ValueError
        If the lengths of limits and objectives differ, or no limit is feasible.
    """
    order = np.argsort(limits)
    if len(limits) != len(objectives):
        raise ValueError(f"{len(limits)} limits, but {len(objectives)} objectives")
    x, y = np.asarray(limits, dtype=float)[order], np.asarray(objectives, dtype=float)[order]
    fits = np.isfinite(y)
    if not fits.any():
        raise ValueError("no design fits at any of the limits")
    with one_axes(ax, size) as (figure, axes):
        log = wants_log(float(x[0]), float(x[-1]))
        _set_limits(axes, x, y[fits], today, log=log)
        _band(axes, stays_optimal, today, name)
        _empty(axes, x, fits)
        _curve(axes, x[fits], y[fits])
        _today(axes, x[fits], y[fits], today, name, objective)
        quantity_axis(axes, "x", name, log=log)
        few = np.log10(np.divide(*axes.get_xlim()[::-1])) < _LABEL_2_AND_5
        if log and few and dimension(name) != "seconds":
            from matplotlib.ticker import LogLocator

            axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        quantity_axis(axes, "y", objective)
        axes.set_xlabel(f"limit on {words(name)}")
        axes.set_ylabel(f"best {words(objective)}")
        heading(axes, title)
    return figure


def _set_limits(
    axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64], today: float, *, log: bool
) -> None:
    low, high = min(x[0], today), max(x[-1], today)
    if log:
        axes.set_xscale("log")
        beyond = (high / low) ** _MARGIN
        axes.set_xlim(low / beyond, high * beyond)
    else:
        beyond = _MARGIN * (high - low or abs(high) or 1.0)
        axes.set_xlim(low - beyond, high + beyond)
    height = float(np.ptp(y)) or abs(float(y[0])) * 1e-3 or 1.0
    axes.set_ylim(float(y.min()) - 2 * _MARGIN * height, float(y.max()) + _HEADROOM * height)


def _falls(y: NDArray[np.float64]) -> bool:
    """Whether a larger limit is the looser one, as for an upper limit."""
    return bool(y[-1] <= y[0])


def _curve(axes: Axes, x: NDArray[np.float64], y: NDArray[np.float64]) -> None:
    left, right = axes.get_xlim()
    where: Literal["post", "pre"] = "post" if _falls(y) else "pre"
    if where == "post":  # a design feasible at the largest limit is feasible beyond it
        x, y = np.append(x, right), np.append(y, y[-1])
    else:
        x, y = np.insert(x, 0, left), np.insert(y, 0, y[0])
    axes.step(x, y, where=where, color=FILLS[0], lw=1.6, zorder=3)


def _band(
    axes: Axes, stays: tuple[float | None, float | None] | None, today: float, name: str
) -> None:
    """Shade the limits at which today's design stays optimal, and label the band."""
    if stays is None:
        return
    left, right = axes.get_xlim()
    start = left if stays[0] is None else max(left, stays[0])
    end = right if stays[1] is None else min(right, stays[1])
    axes.axvspan(start, end, color=FAINT, lw=0, zorder=0)
    first, last = (None if edge is None else tick(edge, name) for edge in stays)
    if first is None:
        reach = "at any limit" if last is None else f"up to {last}"
    else:
        reach = f"from {first}" if last is None else f"{first} to {last}"

    def width(ends: tuple[float, float]) -> float:
        return _share(axes, ends[1]) - _share(axes, ends[0])

    inside = max(((start, today), (today, end)), key=width)
    if width(inside) >= _ROOM:
        x, side = (inside[0], "left") if inside[0] == today else (inside[1], "right")
    else:
        x, side = (end, "left") if width((end, right)) >= width((left, start)) else (start, "right")
    axes.annotate(f"today's design stays\nthe best {reach}", (x, _BAND_WORDS),
                  (5 if side == "left" else -5, 0), xycoords=("data", "axes fraction"),
                  textcoords="offset points", ha=side, va="top", fontsize="small",
                  color=QUIET)  # fmt: skip


def _share(axes: Axes, x: float) -> float:
    """Return the position of a limit along its axis, from 0 to 1."""
    pixels = axes.transData.transform((x, axes.get_ylim()[0]))
    return float(axes.transAxes.inverted().transform(pixels)[0])


def _empty(axes: Axes, x: NDArray[np.float64], fits: NDArray[np.bool_]) -> None:
    """Hatch the infeasible limits."""
    left, right = axes.get_xlim()
    for start, end, some in (
        (left, x[fits][0], not fits[0]),
        (x[fits][-1], right, not fits[-1]),
    ):
        if some:
            axes.axvspan(start, end, fc="white", ec=FAINT, hatch="///", lw=0, zorder=0)
            axes.annotate("nothing fits", ((start * end) ** 0.5 if axes.get_xscale() == "log" else
                                           (start + end) / 2, _EMPTY_WORDS),
                          xycoords=("data", "axes fraction"), ha="center", va="center",
                          rotation=90, fontsize="small", color=QUIET,
                          bbox={"fc": "white", "ec": "none", "pad": 1.5})  # fmt: skip


def _today(
    axes: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    today: float,
    name: str,
    objective: str,
) -> None:
    """Mark today's limit, and the objective at it if known."""
    axes.axvline(today, color=STAR, lw=0.9, ls=(0, (4, 2)), zorder=2)
    text, value = f"today {tick(today, name)}", float(y.max())
    if len(found := np.flatnonzero(x == today)):
        value = float(y[found[0]])
        axes.plot([today], [value], "o", ms=5, color=STAR, mec="white", mew=0.8, zorder=5)
        text += f"\n{objective} {tick(value, objective)}"
    # There is room above a falling curve on the right, above a rising one on the left.
    beyond = _share(axes, today) < (_TURN if _falls(y) else 1 - _TURN)
    axes.annotate(text, (today, value), (7 if beyond else -7, 7), textcoords="offset points",
                  ha="left" if beyond else "right", va="bottom", fontsize="small",
                  fontweight="bold", color=INK, zorder=6)  # fmt: skip
