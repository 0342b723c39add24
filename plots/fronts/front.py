"""A front of two or three objectives."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.axes import dimension, heading, quantity_axis, tick, words
from modelsizer.plots.drawing.labels import DOT, INKED, Labels
from modelsizer.plots.drawing.marks import cloud, loss_cloud, star
from modelsizer.plots.drawing.notes import note
from modelsizer.plots.drawing.one_axes import one_axes
from modelsizer.plots.drawing.style import FAINT, FILLS, INK, small
from modelsizer.problems.laws.digits import loss_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.optimizer.fronts.front import Front
    from modelsizer.optimizer.tables.table import Floats

_DECADE = 10.0  # range factor above which a goal's axis is logarithmic
_UNEXPLORED = "#fbe5bf"  # a light FILLS[1]
_MARGIN = 0.04
_REACHES = (9.0, 14.0, 22.0, 32.0, 44.0, 58.0, 74.0, 92.0, 110.0)  # points, mark to label
_SHADED = "shaded: not explored"
_POINTS_SEEN = 120  # number of points above which marks would merge into a band


def front(
    data: Front,
    designs: Floats,
    *,
    knee: int | None = None,
    title: str = "",
    size: str = "wide",
    ax: Axes | None = None,
) -> Figure:
    """Draw a front: for two goals as attainment steps, for three with the third as colour.

    Parameters
    ----------
    data : Front
        Must have at least one point.
    designs : array of shape (B, G)
        Dominated designs, drawn faintly.
    knee : int, optional
        Index of a point to mark: for two goals, the one furthest from the line through the ends.
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Raises
    ------
    ValueError
        If the front has no point.
    """
    if not len(data):
        raise ValueError("no design keeps every limit, so there is nothing to draw")
    with one_axes(ax, size) as (figure, axes):
        points = data.points
        logs = [_window(axes, side, points[:, g]) for g, side in enumerate("xy")]
        _designs(axes, designs)
        steps = np.empty((0, 2))
        if len(data.goals) == 2:
            _unexplored(axes, data)
            steps = _steps(axes, data, points)
        else:
            _coloured(figure, axes, data, points)
        for g, side in enumerate("xy"):
            quantity_axis(axes, side, data.goals[g].name, log=logs[g])  # type: ignore[arg-type]
        heading(axes, title)
        _name(axes, data, _labels(axes, data, designs, steps), knee)
    return figure


def _window(axes: Axes, side: str, values: Floats) -> bool:
    """Set limits around the front and part of its dominated region; return whether log-scaled."""
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


def _steps(axes: Axes, data: Front, points: Floats) -> Floats:
    """Draw the best value of one goal at each value of the other; return vertices, shape (n, 2)."""
    from matplotlib.cbook import STEP_LOOKUP_MAP

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
    return np.column_stack(STEP_LOOKUP_MAP[f"steps-{where}"](x, y))


def _coloured(figure: Figure, axes: Axes, data: Front, points: Floats) -> None:
    """Draw a front of three goals, with the third as colour."""
    goal = data.goals[2]
    x, y, third = points.T
    if goal.name == "loss":
        loss_cloud(figure, axes, x, y, third, words("loss").split(" (")[0])
        return
    bar, log = cloud(figure, axes, x, y, third, most_is_best=goal.sign < 0)
    quantity_axis(bar.ax, "y", goal.name, log=log)


def _unexplored(axes: Axes, data: Front) -> None:
    """Shade the region where an unfinished search may have missed points."""
    if not data.unexplored:
        return
    from matplotlib.collections import PolyCollection

    boxes = []
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
        boxes.append([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
    shaded = PolyCollection(boxes, facecolors=_UNEXPLORED, linewidths=0, zorder=0)
    axes.add_collection(shaded, autolim=False)
    _explored(axes, data)
    note(axes, _SHADED, "upper right")


def _explored(axes: Axes, data: Front) -> None:
    """Clear the region that known points dominate in both goals: below a staircase."""
    ends = (axes.get_xlim(), axes.get_ylim())
    worst = [max(e) if g.sign > 0 else min(e) for e, g in zip(ends, data.goals, strict=False)]
    x, y = data.points[np.argsort(data.goals[0].sign * data.points[:, 0], kind="stable"), :2].T
    across = np.concatenate([np.repeat(x, 2), [worst[0], worst[0]]])
    up = np.concatenate([[worst[1]], np.repeat(y, 2), [worst[1]]])
    axes.fill(across, up, color="white", lw=0, zorder=0.5)


def _labels(axes: Axes, data: Front, designs: Floats, steps: Floats) -> Labels:
    """Create labels that avoid the points or steps of a front."""
    labels = Labels(axes)
    for text in axes.texts:
        labels.avoid_text(text)
    if len(designs):
        labels.avoid_points(designs[:, :2], weight=DOT)
    if len(data.goals) == 2:
        labels.avoid_line(steps)
    else:
        labels.avoid_points(data.points[:, :2], size=4.0, weight=2 * INKED)
    return labels


def _named(data: Front, knee: int | None) -> list[tuple[int, str]]:
    """Return the points to label: the best of each drawn goal, or of the third, and the knee."""
    signs = np.array([goal.sign for goal in data.goals])
    best = (data.points * signs).argmin(axis=0)
    shown = (0, 1) if len(data.goals) == 2 else (2,)
    found = []
    for g in shown:
        kind = "most" if data.goals[g].sign < 0 else "least"
        name = words(data.goals[g].name).split(" (")[0].removesuffix(" per accelerator")
        found.append((int(best[g]), f"{kind} {name}"))
    return found if knee is None else [*found, (knee, "knee")]


def _name(axes: Axes, data: Front, labels: Labels, knee: int | None) -> None:
    """Mark the best of each goal and the knee, and label them with their designs."""
    named = _named(data, knee)
    for at, _ in named:
        x, y = (float(v) for v in data.points[at, :2])
        if at == knee:
            axes.plot([x], [y], ls="none", marker="D", ms=5, color=INK, mec="white", mew=0.6,
                      zorder=6)  # fmt: skip
        else:
            star(axes, x, y, size=11)
        labels.avoid_points([(x, y)], size=9)
    for at, kind in named:
        architecture = data.architecture(at)
        between = " " if at == knee else "\n"  # narrow, as the best points lie near the frame
        lines = f"{kind}:{between}{architecture.layers} x {architecture.trunk.d_model}"
        if not small(axes):
            pairs = zip(data.points[at], data.goals, strict=True)
            lines += "\n" + ", ".join(_number(float(value), goal.name) for value, goal in pairs)
        x, y = (float(v) for v in data.points[at, :2])
        labels.beside(lines, [(x, y)], reaches=_REACHES, backed=True)


def _number(value: float, name: str) -> str:
    """A value in the words beside a mark: losses with as many decimals as one another."""
    return loss_text(value) if dimension(name) == "nats" else tick(value, name)
