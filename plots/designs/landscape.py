"""Loss over depth and width, with the limits of the budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.axes import heading, quantity_axis
from modelsizer.plots.drawing.cells import cell_borders
from modelsizer.plots.drawing.labels import MARK, Labels
from modelsizer.plots.drawing.loss_levels import gap_edges, label_gaps, loss_colours
from modelsizer.plots.drawing.marks import colour_bar, star
from modelsizer.plots.drawing.one_axes import one_axes
from modelsizer.plots.drawing.style import FAINT, INK, LINES, QUIET
from modelsizer.problems.laws.digits import loss_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from modelsizer.optimizer.surveys.landscape import Landscape
    from modelsizer.optimizer.tables.table import Floats

_NAMED_AT = (0.3, 0.7, 0.5, 0.15, 0.85, 0.4, 0.6, 0.2, 0.8)
"""Fractions along a limit at which its label may be placed, in order of preference."""
_FEW = 4  # depths or widths, up to which each has a tick
_ANCHORS = 8  # points of a short limit that its name may lead to
_SIDES = ((-1, -1), (1, -1), (-1, 1), (1, 1), (-1, 0), (1, 0))
_REACHES = (13.0, 18.0, 26.0, 36.0)  # points from the optimum to its numbers
_LEAST_GREY = 0.04  # fraction of the axes from which the infeasible area is labelled
_GREY_AT = (0.93, 0.85, 0.97, 0.89, 0.8, 0.75, 0.7, 0.65, 0.6, 0.5, 0.45)  # fractions of the height
_GREY_ALONG = (0.5, 0.75, 0.25, 0.4, 0.6, 0.85, 0.15)  # of the grey's width at that height


def landscape(
    data: Landscape,
    best: tuple[int, int, float] | None = None,
    *,
    binding: frozenset[str] = frozenset(),
    title: str = "",
    size: str = "wide",
    ax: Axes | None = None,
) -> Figure:
    """Draw the minimum loss at every depth and width.

    Parameters
    ----------
    data : Landscape
    best : (layers, d_model, loss), optional
        The optimum, marked by a star.
    binding : frozenset of str
        Names of binding budgets, drawn with heavy lines.
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are fewer than two depths or two widths, or no design was evaluated.
    """
    if not data.complete and not data.exists.any():
        raise ValueError("stopped by a limit before a design was evaluated")
    if len(data.layers) < 2 or len(data.d_model) < 2:
        raise ValueError("a landscape needs at least two depths and two widths to choose from")
    with one_axes(ax, size) as (figure, axes):
        _colours(figure, axes, data)
        # Where not every design was evaluated, no edge of what is feasible is known.
        lines = _limits(axes, data, binding) if data.complete else []
        quantity_axis(axes, "x", "d_model")
        quantity_axis(axes, "y", "layers")
        rows, columns = data.window
        for axis, values in ((axes.xaxis, data.d_model[columns]), (axes.yaxis, data.layers[rows])):
            if len(values) <= _FEW:
                axis.set_ticks([float(value) for value in values])
        heading(axes, title)
        labels = Labels(axes)
        numbers = {name: labels.avoid_line(path, width=2.0) for path, name, _ in lines}
        if best is not None:
            _optimum(axes, best, labels)
        unnamed = [
            (path, name, colour) for path, name, colour in lines
            if labels.along(_words(name), path, _NAMED_AT, own=numbers[name], color=colour) is None
        ]  # fmt: skip
        for path, name, colour in unnamed:  # too short for a name along it
            some = [(float(x), float(y)) for x, y in path[:: max(1, len(path) // _ANCHORS)]]
            labels.beside(_words(name), some, optional=True, backed=True, color=colour,
                          fontsize="x-small")  # fmt: skip
        if data.complete:
            _name_grey(data, labels)
    return figure


def _words(name: str) -> str:
    return name.replace("_", " ")


def _colours(figure: Figure, axes: Axes, data: Landscape) -> None:
    rows, columns = data.window
    x, y, loss = data.d_model[columns], data.layers[rows], data.loss[rows, columns]
    exists = data.exists[rows, columns]
    for limit, borders in ((axes.set_xlim, cell_borders(x)), (axes.set_ylim, cell_borders(y))):
        limit(borders[0], borders[-1])
    if exists.any():
        axes.pcolormesh(
            x,
            y,
            np.where(exists, 1.0, np.nan),
            cmap=_flat(FAINT),
            shading="nearest",
            rasterized=True,
        )
    if not np.isfinite(loss).any():
        return
    least = float(np.nanmin(loss))
    edges = gap_edges(loss)
    colours, norm = loss_colours(edges)
    mesh = axes.pcolormesh(
        x, y, loss - least, cmap=colours, norm=norm, shading="nearest", rasterized=True
    )
    label_gaps(colour_bar(figure, axes, mesh, extend="neither"), edges, least, "least loss")


def _flat(colour: str) -> Colormap:
    from matplotlib.colors import ListedColormap

    return ListedColormap([colour])


def _limits(axes: Axes, data: Landscape, binding: frozenset[str]) -> list[tuple[Floats, str, str]]:
    """Draw the line on which the leanest design meets each budget; return path, name and colour."""
    rows, columns = data.window
    x, y = data.d_model[columns], data.layers[rows]
    found: list[tuple[Floats, str, str]] = []
    for name, share in data.share.items():
        part = share[rows, columns]
        if not (np.nanmin(part) < 1.0 < np.nanmax(part)):
            continue
        colour = LINES[len(found) % len(LINES)]
        heavy = name in binding
        part = data.outermost(name)[rows, columns]
        lines = axes.contour(
            x, y, part, levels=[1.0], colors=[colour], linewidths=2.2 if heavy else 1.1
        )
        paths = [np.asarray(path.vertices) for path in lines.get_paths()]
        paths = [path for path in paths if len(path) > 1]
        if paths:
            found.append((max(paths, key=len), name, colour))
    return found


def _name_grey(data: Landscape, labels: Labels) -> None:
    """Label the infeasible (grey) area, where a label fits inside it."""
    rows, columns = data.window
    x, y = data.d_model[columns].astype(float), data.layers[rows].astype(float)
    grey = data.exists[rows, columns] & ~np.isfinite(data.loss[rows, columns])
    if grey.mean() < _LEAST_GREY:
        return
    other = np.argwhere(~grey)
    labels.avoid_points(np.column_stack([x[other[:, 1]], y[other[:, 0]]]))
    anchors = []
    for height in _GREY_AT:
        row = int(height * (len(y) - 1))
        where = np.flatnonzero(grey[row])
        picked = [where[int(share * (len(where) - 1))] for share in _GREY_ALONG if len(where)]
        anchors += [(float(x[column]), float(y[row])) for column in picked]
    if anchors:
        labels.beside("infeasible", anchors, [(0, 0)], [0.0], optional=True, color=QUIET, zorder=4)


def _optimum(axes: Axes, best: tuple[int, int, float], labels: Labels) -> None:
    """Mark the optimum, and write its numbers beside it."""
    layers, d_model, loss = best
    at = (float(d_model), float(layers))
    star(axes, *at, size=15)
    labels.avoid_points([at], size=14, weight=100 * MARK)  # no name of a limit goes over it
    # Binding limits lie to the upper right of the optimum.
    labels.beside(f"{layers} x {d_model}\nloss {loss_text(loss)}", [at], _SIDES, _REACHES,
                  color=INK, fontsize="medium", fontweight="bold", backed=True)  # fmt: skip
