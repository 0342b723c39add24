"""A front of two or three objectives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from modelsizer.plots.drawing.axes import heading, quantity_axis, tick, words
from modelsizer.plots.drawing.labels import covers, halo, laid_out
from modelsizer.plots.drawing.style import FAINT, FILLS, INK, QUIET, STAR, canvas, shades, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from modelsizer.optimizer.fronts.front import Front
    from modelsizer.optimizer.tables.table import Floats

_DECADE = 10.0  # a goal whose front spans more has a logarithmic axis
_UNEXPLORED = "#fbe5bf"  # a light FILLS[1]
_MARGIN = 0.04
_STEPS = 12
_PLACES = (
    (8, 8),
    (8, -8),
    (-8, 8),
    (-8, -8),
    (8, 22),
    (8, -22),
    (-8, 22),
    (-8, -22),
    (8, 38),
    (-8, 38),
)
"""Where a name may stand beside its point, in points, the first that is free."""


def front_figure(
    data: Front, designs: Floats, *, knee: int | None = None, title: str = "", size: str = "wide"
) -> Figure:
    """Draw a front of two goals as attainment steps, or of three with the third as colour.

    Parameters
    ----------
    data : Front
        With at least one point.
    designs : array of shape (B, G)
        Dominated designs, drawn faint.
    knee : int, optional
        A point to mark: of two goals the one furthest from the line through the ends.
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.

    Raises
    ------
    ValueError
        If the front has no point.
    """
    if not len(data):
        raise ValueError("no design keeps every limit, so there is nothing to draw")
    with canvas(size) as figure:
        axes = figure.add_subplot()
        points = data.points
        logs = [_window(axes, side, points[:, g]) for g, side in enumerate("xy")]
        _designs(axes, designs)
        if len(data.goals) == 2:
            _unexplored(axes, data)
            _steps(axes, data, points)
        else:
            _coloured(figure, axes, data, points)
        for g, side in enumerate("xy"):
            quantity_axis(axes, side, data.goals[g].name, log=logs[g])  # type: ignore[arg-type]
        heading(axes, title)
        _names(axes, data, points, knee)
    return figure


def _window(axes: Axes, side: str, values: Floats) -> bool:
    """Limits around the front and some of what it dominates; whether the axis is logarithmic."""
    low, high = float(values.min()), float(values.max())
    log = low > 0 and high > _DECADE * low
    if log:
        (axes.set_xscale if side == "x" else axes.set_yscale)("log")
        low, high = np.log(low), np.log(high)
    span = (high - low) or max(abs(high), 1.0) * _MARGIN
    ends = [low - _MARGIN * span, high + _MARGIN * span]
    if log:
        ends = [float(np.exp(e)) for e in ends]
    (axes.set_xlim if side == "x" else axes.set_ylim)(*ends)
    return log


def _designs(axes: Axes, designs: Floats) -> None:
    if len(designs):
        axes.plot(
            designs[:, 0],
            designs[:, 1],
            linestyle="none",
            marker="o",
            markersize=1.6,
            markeredgewidth=0,
            color=FAINT,
            rasterized=True,
            zorder=1,
        )


def _steps(axes: Axes, data: Front, points: Floats) -> None:
    """What is attained: at each value of one goal the best of the other."""
    order = np.argsort(points[:, 0], kind="stable")
    x, y = points[order, 0], points[order, 1]
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    worst_y = top if data.goals[1].sign > 0 else bottom
    if data.goals[0].sign > 0:
        x, y, where = np.append(x, right), np.append(y, y[-1]), "post"
        x, y = np.insert(x, 0, x[0]), np.insert(y, 0, worst_y)
    else:
        x, y, where = np.insert(x, 0, left), np.insert(y, 0, y[0]), "pre"
        x, y = np.append(x, x[-1]), np.append(y, worst_y)
    axes.step(x, y, where=where, color=FILLS[0], linewidth=1.1, zorder=3)  # type: ignore[arg-type]
    if len(points) <= _POINTS_SEEN:
        axes.plot(points[:, 0], points[:, 1], ls="none", marker="o", ms=3, color=FILLS[0], zorder=4)


_POINTS_SEEN = 120  # beyond, marks are one band


def _coloured(figure: Figure, axes: Axes, data: Front, points: Floats) -> None:
    """Three goals: the third as colour, its best points on top."""
    goal = data.goals[2]
    third = points[:, 2] * goal.sign
    order = np.argsort(-third)
    low, high = float(third.min()), float(np.quantile(third, 0.9))
    marks = axes.scatter(
        points[order, 0],
        points[order, 1],
        c=third[order] * goal.sign,
        s=float(np.clip(9000 / len(points), 2.5, 24)) * (0.45 if small(figure) else 1.0),
        cmap=shades(_STEPS) if goal.sign > 0 else shades(_STEPS).reversed(),
        vmin=min(low * goal.sign, high * goal.sign),
        vmax=max(low * goal.sign, high * goal.sign) or 1.0,
        linewidths=0,
        zorder=3,
        rasterized=len(points) > 2000,
    )
    bar = figure.colorbar(marks, ax=axes, extend="max" if goal.sign > 0 else "min", pad=0.02)
    quantity_axis(bar.ax, "y", goal.name)
    bar.outline.set_visible(False)


def _unexplored(axes: Axes, data: Front) -> None:
    """Shade where an unfinished search may have missed points."""
    if not data.unexplored:
        return
    left, right = sorted(axes.get_xlim())
    bottom, top = sorted(axes.get_ylim())
    for zone in data.unexplored:
        ends = []
        for g, (low, high) in enumerate(((left, right), (bottom, top))):
            least, most = zone.least[g], zone.most[g]
            if data.goals[g].sign > 0:
                ends.append((low if least is None else least, high if most is None else most))
            else:
                ends.append((low if most is None else most, high if least is None else least))
        (x0, x1), (y0, y1) = ends
        axes.fill([x0, x1, x1, x0], [y0, y0, y1, y1], color=_UNEXPLORED, lw=0, zorder=0)
    _explored(axes, data)
    axes.text(
        0.99, 0.98, "shaded: not explored", transform=axes.transAxes, ha="right", va="top",
        color=QUIET, fontsize="small",
    )  # fmt: skip


def _explored(axes: Axes, data: Front) -> None:
    """Nothing is to be found where a known point is better in both goals."""
    ends = (axes.get_xlim(), axes.get_ylim())
    worst = [max(e) if g.sign > 0 else min(e) for e, g in zip(ends, data.goals, strict=False)]
    for x, y in data.points[:, :2]:
        across, up = [x, worst[0], worst[0], x], [y, y, worst[1], worst[1]]
        axes.fill(across, up, color="white", lw=0, zorder=0.5)


def _names(axes: Axes, data: Front, points: Floats, knee: int | None) -> None:
    """Name the best of each goal on the axes, and the knee."""
    signs = np.array([goal.sign for goal in data.goals])
    best = [int((points * signs)[:, g].argmin()) for g in range(len(data.goals))]
    kinds = ["most" if goal.sign < 0 else "least" for goal in data.goals]
    wanted = [(best[g], f"{kinds[g]} {words(data.goals[g].name).split(' (')[0]}") for g in range(2)]
    if len(data.goals) > 2:
        wanted = [(best[2], f"{kinds[2]} {words(data.goals[2].name).split(' (')[0]}")]
    if knee is not None:
        wanted.append((knee, "knee"))
    texts: list[Text] = []
    laid_out(axes)
    for at, kind in wanted:
        architecture = data.architecture(at)
        values = ", ".join(
            tick(float(v), g.name) for v, g in zip(points[at], data.goals, strict=True)
        )
        lines = f"{kind}: {architecture.layers} x {architecture.trunk.d_model}"
        if not small(axes.get_figure(root=True)):
            lines += f"\n{values}"
        x, y = float(points[at, 0]), float(points[at, 1])
        star = kind != "knee"
        axes.plot([x], [y], ls="none", marker="*" if star else "D", ms=11 if star else 5,
                  color=STAR if star else INK, mec="white", mew=0.6, zorder=6)  # fmt: skip
        text = _placed(axes, lines, x, y, texts)
        if text is not None:
            texts.append(text)


def _placed(axes: Axes, words_: str, x: float, y: float, others: list[Text]) -> Text | None:
    """A name beside its point where it covers no other; None where there is no such place."""
    for across, up in _PLACES:
        text = axes.annotate(
            words_, (x, y), xytext=(across, up), textcoords="offset points", fontsize="small",
            ha="left" if across > 0 else "right", va="bottom" if up > 0 else "top", zorder=7,
        )  # fmt: skip
        halo(text, 3.0)
        if not covers(text, others):
            return text
        text.remove()
    return None
