"""Parameters against depth: feasible designs, the front, and published models."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.axes import heading, quantity_axis, tick
from modelsizer.plots.drawing.labels import DOT, Labels, far_apart
from modelsizer.plots.drawing.marks import cloud, note, star
from modelsizer.plots.drawing.style import INK, QUIET, canvas, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from modelsizer.optimizer.surveys.region import Region
    from modelsizer.optimizer.tables.table import Floats

GUIDES = (16, 32, 64, 128, 256)
"""Aspect ratios d_model / layers of the guides: published models lie between 32 and 200."""
_NAMES = {"wide": 11, "column": 5}  # number of published models named
_CLEAR = 1.1  # factor in parameters between the frame and the mark of a published model
_MARGIN = 1.25  # factor in parameters beyond the outermost feasible design
_WORST_SHARE = 0.75  # quantile of the front's losses at which the colour scale ends
_LEAST_GUIDE = 0.08  # fraction of the depths at which a guide must cross designs to be drawn
_REACHES = (5.0, 9.0, 14.0, 22.0, 32.0)  # points from a published model to its name
_NAMED_AT = (0.85, 0.93, 0.75, 0.65, 0.5, 0.35, 0.2)  # fractions along a guide, by preference


def depth_parameters(data: Region, *, title: str = "", size: str = "wide") -> Figure:
    """Draw the designs of a problem over depth and parameters.

    Parameters
    ----------
    data : Region
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.

    Raises
    ------
    ValueError
        If no design is feasible.
    """
    if not len(data.front):
        raise ValueError("no design keeps every limit, so there is nothing to draw")
    with canvas(size) as figure:
        axes = figure.add_subplot()
        _window(axes, data)
        _density(axes, data)
        _front(figure, axes, data)
        quantity_axis(axes, "x", "layers")
        quantity_axis(axes, "y", "parameters", log=True)
        heading(axes, title)
        key = _key(axes)
        labels = Labels(axes)
        labels.avoid_text(key)
        labels.avoid_points(_points(data), weight=DOT)
        _optimum(axes, data, labels)
        _guides(axes, data, labels)
        _landmarks(axes, data, labels)
    return figure


def _window(axes: Axes, data: Region) -> None:
    """Set axis limits around the feasible designs; around the front if not all were counted."""
    rows, columns = np.nonzero(data.feasible)
    layers, sizes = data.layers[rows], data.edges[[columns, columns + 1]].ravel()
    if not data.complete:
        points = _points(data)
        layers, sizes = np.append(layers, points[:, 0]), np.append(sizes, points[:, 1])
    first, last = float(layers.min()), float(layers.max())
    margin = max(1.0, 0.03 * (last - first))
    axes.set_yscale("log")
    axes.set_xlim(first - margin, last + margin)
    axes.set_ylim(sizes.min() / _MARGIN, sizes.max() * _MARGIN)


def _density(axes: Axes, data: Region) -> None:
    """Shade cells by the number of feasible designs; hatch those with none."""
    from matplotlib.colors import LinearSegmentedColormap, LogNorm

    if not data.feasible.any():
        return
    greys = LinearSegmentedColormap.from_list("greys", ["#f0f0f0", "#bdbdbd"])
    counts = np.where(data.feasible > 0, data.feasible, np.nan).T.astype(float)
    most = max(2.0, float(np.nanmax(counts)))
    x = _cells(data.layers)
    axes.pcolormesh(x, data.edges, counts, cmap=greys, norm=LogNorm(1, most), rasterized=True)


def _cells(layers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[float]:
    """Return the borders of the cells around depths."""
    middles = (layers[1:] + layers[:-1]) / 2
    first, last = (
        (0.5, 0.5) if len(layers) == 1 else (middles[0] - layers[0], layers[-1] - middles[-1])
    )
    return [float(layers[0] - first), *map(float, middles), float(layers[-1] + last)]


def _front(figure: Figure, axes: Axes, data: Region) -> None:
    """Draw nondominated designs, coloured by loss."""
    layers, parameters = _points(data).T
    bar = cloud(figure, axes, layers, parameters, data.front.loss, _WORST_SHARE)
    bar.set_label("predicted loss of the front (nats per token)")


def _points(data: Region) -> Floats:
    """Return layers and parameters of the front; shape (n, 2)."""
    values = data.front.values
    return np.column_stack([values["layers"], np.array(values["parameters"], dtype=float)])


def _key(axes: Axes) -> Text:
    """Draw the legend in the corner of deep, small designs, where the front has no points."""
    narrow = small(axes.get_figure(root=True))
    words = "grey: feasible\npoints: the front" if narrow else (
        "grey: feasible designs, darker where there are more\n"
        "points: the front of least parameters, layers and loss\n"
        "circles: published models"
    )  # fmt: skip
    return note(axes, words, "lower right", fontsize="x-small")


def _guides(axes: Axes, data: Region, labels: Labels) -> None:
    """Draw lines of equal aspect ratio, each labelled where it leaves the axes."""
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    paths: list[tuple[int, Floats]] = []
    for aspect in GUIDES:
        line = data.guide(aspect)
        inside = (line > low) & (line < high) & (data.layers > left) & (data.layers < right)
        if _among_designs(data, line) >= _LEAST_GUIDE * len(data.layers):
            axes.plot(data.layers, line, color=INK, linewidth=0.5, dashes=(5, 4), zorder=4)
            paths.append((aspect, np.column_stack([data.layers, line])[inside]))
    first = True
    for aspect, path in paths:
        words = f"d_model / layers = {aspect}" if first else f"{aspect}"
        written = labels.along(words, path, _NAMED_AT, turned=False, color=QUIET, zorder=6)
        first = first and written is None
    for _, path in paths:
        labels.avoid_line(path)


def _among_designs(data: Region, line: Floats) -> int:
    """Count the depths at which a line crosses feasible designs."""
    bins = np.searchsorted(data.edges, line, "right") - 1
    known = (bins >= 0) & (bins < data.feasible.shape[1])
    at = np.flatnonzero(known)
    return int((data.feasible[at, bins[at]] > 0).sum())


def _optimum(axes: Axes, data: Region, labels: Labels) -> None:
    """Mark the optimum, and write its numbers beside it."""
    if data.best is None:
        return
    shape = data.best.architecture
    at = (float(shape.layers), float(data.best.parameters.total))
    narrow = small(axes.get_figure(root=True))
    star(axes, *at, size=9 if narrow else 15)
    labels.avoid_points([at], size=9 if narrow else 14)
    labels.beside(
        f"{shape.layers} x {shape.trunk.d_model}, {tick(at[1], 'parameters')}\n"
        f"loss {data.best.loss:.4f}",
        [at], reaches=(9.0, 14.0, 20.0, 28.0), backed=True, fontweight="bold", zorder=9,
    )  # fmt: skip


def _landmarks(axes: Axes, data: Region, labels: Labels) -> None:
    """Draw published models as circles, where a label fits."""
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    narrow = small(axes.get_figure(root=True))
    size = 3.0 if narrow else 4.5
    marks = [
        mark for mark in data.landmarks
        if left < mark.layers < right and low * _CLEAR < mark.parameters < high / _CLEAR
        and not labels.cover((mark.layers, mark.parameters), 2 * size)
    ]  # fmt: skip
    if not marks:
        return
    x, y = [float(m.layers) for m in marks], [float(m.parameters) for m in marks]
    some = far_apart(axes, x, y, _NAMES["column" if narrow else "wide"])
    labels.avoid_points([(x[i], y[i]) for i in some], size=size + 1)
    named = [
        i for i in some
        if labels.beside(marks[i].name, [(x[i], y[i])], reaches=_REACHES, optional=True,
                         backed=True, leader_from=9.0, fontsize="x-small")
    ]  # fmt: skip
    axes.plot([x[i] for i in named], [y[i] for i in named], linestyle="none", marker="o",
              markersize=size, markerfacecolor="white", markeredgecolor=INK, markeredgewidth=0.9,
              zorder=5)  # fmt: skip
