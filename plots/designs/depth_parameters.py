"""Parameters against depth: feasible designs, the front, and published models.

A mixture of experts has two marks, joined by a line: its parameters, and those that a token uses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from modelsizer.plots.drawing.axes import heading, quantity_axis, tick
from modelsizer.plots.drawing.cells import cell_borders
from modelsizer.plots.drawing.labels import ALL_SIDES, INKED, SIDES, Labels
from modelsizer.plots.drawing.marks import dot_size, far_apart, loss_cloud, star
from modelsizer.plots.drawing.one_axes import one_axes
from modelsizer.plots.drawing.style import INK, QUIET, STAR, small
from modelsizer.problems.laws.digits import loss_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.optimizer.surveys.region import Landmark, Region
    from modelsizer.optimizer.tables.table import Floats
    from modelsizer.problems.designs.evaluation import Evaluation

GUIDES = (16, 32, 64, 128, 256)
"""Aspect ratios d_model / layers of the guides: published models lie between 32 and 200."""
_NAMES = {"wide": 11, "column": 5}  # number of published models named
_ROOMS = (0.0, 0.15, 0.35, 0.6)  # fractions of the height below, tried until the texts are clear
_LEAST_PATH, _NAMES_TRIED = 2, 12  # points of a guide: to be named, and that a leader may reach
_TRIED = 3  # candidates for each, as not every one has room for a name
_CLEAR = 1.1  # factor in parameters between the frame and the mark of a published model
_OF_MIXTURES = 0.7  # share of them that mixtures of experts may take
_LANDMARK = 3.0  # cost of covering a published mixture
_SAMPLES = 49  # points along the line of a mixture
_LEAST_GUIDE = 0.08  # fraction of the depths at which a guide must cross designs to be drawn
_REACHES = (5.0, 9.0, 14.0, 22.0, 32.0, 44.0, 54.0)  # points from a published model to its name
_NAMED_AT = (
    0.85,
    0.93,
    0.75,
    0.97,
    0.9,
    0.8,
    0.7,
    0.65,
    0.6,
    0.5,
    0.4,
    0.3,
    0.2,
    0.1,
)  # fractions along a guide, by preference


def depth_parameters(
    data: Region, *, title: str = "", size: str = "wide", ax: Axes | None = None
) -> Figure:
    """Draw the designs of a problem over depth and parameters.

    Parameters
    ----------
    data : Region
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Raises
    ------
    ValueError
        If no design is feasible.
    """
    if not len(data.front):
        raise ValueError("no design keeps every limit, so there is nothing to draw")
    with one_axes(ax, size) as (figure, axes):
        _window(axes, data)
        _density(axes, data)
        _front(figure, axes, data)
        quantity_axis(axes, "x", "layers")
        quantity_axis(axes, "y", "parameters", log=True)
        heading(axes, title)
        _draw_optimum(axes, data)
        guides = _guides(axes, data)
        low, high = axes.get_ylim()
        for room in _ROOMS:
            axes.set_ylim(low * (low / high) ** room, high)
            drawn = {*axes.texts}
            labels = _registered(axes, data, guides)
            _key(axes, data, labels)
            mixtures = [at for mark in data.landmarks if _is_mixture(mark) for at in _along(mark)]
            labels.avoid_points(np.reshape(mixtures, (-1, 2)), weight=_LANDMARK)
            _optimum(data, labels)
            if not labels.crowded or room == _ROOMS[-1]:
                break
            for text in {*axes.texts} - drawn:
                text.remove()
        _name_guides(axes, data, guides, labels)
        _landmarks(axes, data, labels)
    return figure


def _window(axes: Axes, data: Region) -> None:
    """Set the axis limits to the window of the region."""
    depths, sizes = data.window
    axes.set_yscale("log")
    axes.set_xlim(*depths)
    axes.set_ylim(*sizes)


def _density(axes: Axes, data: Region) -> None:
    """Shade cells by the number of feasible designs; hatch those with none."""
    from matplotlib.colors import LinearSegmentedColormap, LogNorm

    if not data.feasible.any():
        return
    greys = LinearSegmentedColormap.from_list("greys", ["#f0f0f0", "#bdbdbd"])
    counts = np.where(data.feasible > 0, data.feasible, np.nan).T.astype(float)
    most = max(2.0, float(np.nanmax(counts)))
    x = cell_borders(data.layers)
    axes.pcolormesh(x, data.edges, counts, cmap=greys, norm=LogNorm(1, most), rasterized=True)


def _front(figure: Figure, axes: Axes, data: Region) -> None:
    """Draw nondominated designs, coloured by loss."""
    layers, parameters = _points(data).T
    loss_cloud(figure, axes, layers, parameters, data.front.loss, "loss of the front")


def _points(data: Region) -> Floats:
    """Return layers and parameters of the front; shape (n, 2)."""
    values = data.front.values
    return np.column_stack([values["layers"], np.array(values["parameters"], dtype=float)])


def _key(axes: Axes, data: Region, labels: Labels) -> None:
    """Draw the legend in a free corner: that of deep, small designs unless a mark is there."""
    narrow = small(axes)
    words = ["grey: feasible", "points: the front"] if narrow else [
        "grey: feasible designs, darker where there are more",
        "points: the front of least parameters, layers and loss",
        "circles: published models",
    ]  # fmt: skip
    if any(_is_mixture(model) for model in (*data.landmarks, data.best) if model is not None):
        words.append("dots: active" if narrow else "dots below: parameters that a token uses")
    corners = ("lower right", "upper left", "lower left", "upper right")
    labels.note("\n".join(words), corners, fontsize="x-small")


def _is_mixture(model: Landmark | Evaluation) -> bool:
    """Whether a token uses only some of a model's parameters."""
    if isinstance(model.parameters, int):
        return model.active < model.parameters
    return model.parameters.active < model.parameters.total


def _active(
    axes: Axes, layers: float, total: float, active: float, colour: str, size: float
) -> None:
    """Join the mark of a mixture to one of its active parameters."""
    axes.plot([layers, layers], [active, total], color=colour, linewidth=0.8, zorder=4)
    axes.plot([layers], [active], marker="o", markersize=size, color=colour, markeredgewidth=0,
              linestyle="none", zorder=5)  # fmt: skip


def _registered(axes: Axes, data: Region, guides: Sequence[tuple[int, Floats]]) -> Labels:
    """Return labels that keep off the front, the guides and the optimum."""
    labels, points, narrow = Labels(axes), _points(data), small(axes)
    labels.avoid_points(points, size=dot_size(axes, len(points)), weight=INKED)
    for _, path in guides:
        labels.avoid_line(path)
    if data.best is not None:
        at = _of_best(data.best)
        labels.avoid_points(at[:1], size=9 if narrow else 14)
        if len(at) > 1:
            labels.avoid_line(at)
            labels.avoid_points(at[1:], size=7)
    return labels


def _of_best(best: Evaluation) -> list[tuple[float, float]]:
    """Marks of the optimum: all of its parameters, and of a mixture those in use."""
    layers, counted = float(best.architecture.layers), best.parameters
    sizes = [counted.total, counted.active] if _is_mixture(best) else [counted.total]
    return [(layers, float(size)) for size in sizes]


def _guides(axes: Axes, data: Region) -> list[tuple[int, Floats]]:
    """Draw lines of equal aspect ratio; return the ratio and the path of each."""
    paths = []
    for aspect in GUIDES:
        line = data.guide(aspect)
        if _among_designs(data, line) >= _LEAST_GUIDE * len(data.layers):
            axes.plot(data.layers, line, color=INK, linewidth=0.5, dashes=(5, 4), zorder=4)
            paths.append((aspect, np.column_stack([data.layers, line])))
    return paths


def _name_guides(
    axes: Axes, data: Region, guides: Sequence[tuple[int, Floats]], labels: Labels
) -> None:
    """Label each line of equal aspect ratio where it is clear, near where it leaves the axes."""
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    inside_x = (data.layers > left) & (data.layers < right)
    first = True
    for number, (aspect, path) in enumerate(guides, start=1):
        inside = path[inside_x & (path[:, 1] > low) & (path[:, 1] < high)]
        if len(inside) < _LEAST_PATH:
            continue
        words = f"d_model / layers = {aspect}" if first else f"{aspect}"
        style: Any = {"color": QUIET, "zorder": 6}
        written = labels.along(
            words, inside, _NAMED_AT, turned=False, own=number, clear=True, **style
        )
        if written is None and first:
            some = [(float(x), float(y)) for x, y in inside[:: max(1, len(inside) // _NAMES_TRIED)]]
            written = labels.beside(words, some, optional=True, backed=True,
                                    fontsize="x-small", **style)  # fmt: skip
        first = first and written is None


def _among_designs(data: Region, line: Floats) -> int:
    """Count the depths at which a line crosses feasible designs."""
    bins = np.searchsorted(data.edges, line, "right") - 1
    known = (bins >= 0) & (bins < data.feasible.shape[1])
    at = np.flatnonzero(known)
    return int((data.feasible[at, bins[at]] > 0).sum())


def _draw_optimum(axes: Axes, data: Region) -> None:
    """Mark the optimum: all of its parameters, and those in use."""
    if data.best is None:
        return
    (layers, total), *active = _of_best(data.best)
    narrow = small(axes)
    star(axes, layers, total, size=9 if narrow else 15)
    for _, size in active:
        _active(axes, layers, total, size, STAR, 4.0 if narrow else 6.0)


def _optimum(data: Region, labels: Labels) -> None:
    """Write the numbers of the optimum beside it."""
    if data.best is None:
        return
    shape, counted = data.best.architecture, data.best.parameters
    at = (float(shape.layers), float(counted.total))
    lines = [f"{shape.layers} x {shape.trunk.d_model}, {tick(at[1], 'parameters')}"]
    if _is_mixture(data.best):
        lines.append(f"{tick(float(counted.active), 'parameters')} active")
    known = not np.isnan(data.best.loss)
    lines.append(f"loss {loss_text(data.best.loss)}" if known else "loss unknown")
    labels.beside("\n".join(lines), [at], reaches=(9.0, 14.0, 20.0, 28.0), backed=True,
                  fontweight="bold", zorder=9)  # fmt: skip


def _along(mark: Landmark) -> list[tuple[float, float]]:
    """Points of a landmark: from all of its parameters to those in use."""
    sizes = np.geomspace(mark.parameters, mark.active, _SAMPLES if _is_mixture(mark) else 1)
    return [(float(mark.layers), float(size)) for size in sizes]


def _crosses_the_best(mark: Landmark, data: Region) -> bool:
    """Whether a landmark lies on the line of the optimum, if that is a mixture."""
    if data.best is None or not _is_mixture(data.best):
        return False
    counted = data.best.parameters
    inside = mark.active < counted.total * _CLEAR and mark.parameters > counted.active / _CLEAR
    return inside and mark.layers == data.best.architecture.layers


def _shown(axes: Axes, marks: Sequence[Landmark], most: int, best: Evaluation | None) -> list[int]:
    """Indices of landmarks far from one another: mixtures first, which stand beside mixtures.

    The first is the mixture nearest in size to an optimum that is one.
    """
    found: list[int] = []
    if best is not None and _is_mixture(best):
        found = sorted(
            (i for i, mark in enumerate(marks) if _is_mixture(mark)),
            key=lambda i: _apart(marks[i], best),
        )[:1]
    for share, mixtures in ((_OF_MIXTURES, True), (1.0, False)):
        some = [i for i, mark in enumerate(marks) if _is_mixture(mark) == mixtures]
        x, y = [float(marks[i].layers) for i in some], [float(marks[i].parameters) for i in some]
        most_here = round(share * most)
        for i in (some[i] for i in far_apart(axes, x, y, len(some))):
            if len(found) < most_here and not any(_one_line(marks[i], marks[j]) for j in found):
                found.append(i)
    return found


def _apart(mark: Landmark, best: Evaluation) -> float:
    """Distance of a landmark from the optimum in the logarithms of both sizes."""
    counted = best.parameters
    ratios = (mark.parameters / counted.total, mark.active / counted.active)
    return sum(abs(math.log(ratio)) for ratio in ratios)


def _one_line(mark: Landmark, other: Landmark) -> bool:
    """Whether the lines of two landmarks lie on one another."""
    apart = mark.active > other.parameters or mark.parameters < other.active
    return mark.layers == other.layers and not apart


def _landmarks(axes: Axes, data: Region, labels: Labels) -> None:
    """Draw published models as circles, where a label fits."""
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    narrow = small(axes)
    size = 3.0 if narrow else 4.5
    marks = [
        mark for mark in data.landmarks
        if left < mark.layers < right and low * _CLEAR < mark.parameters < high / _CLEAR
        and low * _CLEAR < mark.active and not _crosses_the_best(mark, data)
        and not any(labels.cover(point, 2 * size) for point in _along(mark))
    ]  # fmt: skip
    if not marks:
        return
    x, y = [float(m.layers) for m in marks], [float(m.parameters) for m in marks]
    most = _NAMES["column" if narrow else "wide"]
    named: list[int] = []
    for i in _shown(axes, marks, _TRIED * most, data.best):
        path, sides = _along(marks[i]), ALL_SIDES if _is_mixture(marks[i]) else SIDES
        if len(named) == most or any(labels.cover(point, size + 1) for point in path):
            continue
        labels.avoid_points([(x[i], y[i])], size=size + 1)
        if _is_mixture(marks[i]):
            labels.avoid_line(path)
        if labels.beside(marks[i].name, [(x[i], y[i])], sides, _REACHES, optional=True,
                         backed=True, leader_from=9.0, fontsize="x-small"):  # fmt: skip
            named.append(i)
    for mark in (marks[i] for i in named):
        if _is_mixture(mark):
            _active(axes, mark.layers, mark.parameters, mark.active, INK, size / 2)
    axes.plot([x[i] for i in named], [y[i] for i in named], linestyle="none", marker="o",
              markersize=size, markerfacecolor="white", markeredgecolor=INK, markeredgewidth=0.9,
              zorder=5)  # fmt: skip
