"""Loss over depth and width, with the limits that bound it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from plots.axes import heading, quantity_axis
from plots.style import COLOURS, FAINT, INK, LINES, QUIET, STAR, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure

    from optimizer.landscape import Landscape

_LEVELS = 14  # steps of colour; fine enough to follow, coarse enough to see
_LABEL_AT = (0.25, 0.7, 0.45, 0.1, 0.85)  # of the way along a line
_ROOM_FOR_NAME = (0.25, 0.15)  # of width and height, between a corner and what is named
_ROOM_FOR_WORDS = 0.04  # of the picture
_WORDS_AT = 0.93  # of the height of the grey
_WORST_SHARE = 0.7  # of the range of loss that is coloured; the rest would drown the valley


def loss_landscape(
    data: Landscape,
    best: tuple[int, int, float] | None = None,
    *,
    binding: frozenset[str] = frozenset(),
    title: str = "",
    size: str = "wide",
) -> Figure:
    """Draw the least loss at every depth and width.

    Parameters
    ----------
    data : Landscape
    best : (layers, d_model, loss), optional
        Marked by a star.
    binding : frozenset of str
        Names of budgets drawn heavy.
    title : str
    size : str
        A key of `plots.style.SIZES`.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are fewer than two depths or two widths: that is no landscape.
    """
    if len(data.layers) < 2 or len(data.d_model) < 2:
        raise ValueError("a landscape needs at least two depths and two widths to choose from")
    with canvas(size) as figure:
        axes = figure.add_subplot()
        _colours(figure, axes, data)
        _limits(axes, data, binding)
        _name_grey(axes, data)
        if best is not None:
            _star(axes, best)
        quantity_axis(axes, "x", "d_model")
        quantity_axis(axes, "y", "layers")
        heading(axes, title)
    return figure


def _window(data: Landscape) -> tuple[slice, slice]:
    """Rows and columns around what is feasible, with a margin."""
    some = np.isfinite(data.loss)
    if not some.any():
        return slice(None), slice(None)
    ends = []
    for axis in (1, 0):
        where = np.flatnonzero(some.any(axis=axis))
        margin = max(2, (where[-1] - where[0]) // 8)
        ends.append(slice(max(0, where[0] - margin), where[-1] + margin + 1))
    return ends[0], ends[1]


def _colours(figure: Figure, axes: Axes, data: Landscape) -> None:
    rows, columns = _window(data)
    x, y, loss = data.d_model[columns], data.layers[rows], data.loss[rows, columns]
    exists = data.exists[rows, columns]
    axes.set_xlim(float(x[0]), float(x[-1]))
    axes.set_ylim(float(y[0]), float(y[-1]))
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
    low = float(np.nanmin(loss))
    high = low + (float(np.nanquantile(loss, _WORST_SHARE)) - low or 1e-6)
    mesh = axes.pcolormesh(
        x, y, loss, cmap=_steps(), vmin=low, vmax=high, shading="nearest", rasterized=True
    )
    bar = figure.colorbar(mesh, ax=axes, extend="max", pad=0.02)
    bar.set_label("least predicted loss (nats a token)")
    bar.outline.set_visible(False)


def _flat(colour: str) -> Colormap:
    from matplotlib.colors import ListedColormap

    return ListedColormap([colour])


def _steps() -> Colormap:
    import matplotlib as mpl

    return mpl.colormaps[COLOURS].resampled(_LEVELS).reversed()


def _limits(axes: Axes, data: Landscape, binding: frozenset[str]) -> None:
    """The line along which each budget is spent by the leanest design, labelled where it runs."""
    from matplotlib.patheffects import withStroke

    rows, columns = _window(data)
    x, y = data.d_model[columns], data.layers[rows]
    drawn = 0
    for name, share in data.share.items():
        part = share[rows, columns]
        if not (np.nanmin(part) < 1.0 < np.nanmax(part)):
            continue
        colour = LINES[drawn % len(LINES)]
        heavy = name in binding
        lines = axes.contour(
            x, y, part, levels=[1.0], colors=[colour], linewidths=2.2 if heavy else 1.1
        )
        points = [np.asarray(path.vertices) for path in lines.get_paths()]
        points = [p for p in points if len(p)]
        if not points:
            continue
        longest = max(points, key=len)
        # Neighbouring lines carry their names at different heights, or they would cover each other.
        x_label, y_label = longest[int(_LABEL_AT[drawn % len(_LABEL_AT)] * (len(longest) - 1))]
        drawn += 1
        where = [(float(x_label), float(y_label))]
        labels = axes.clabel(lines, fmt={1.0: name}, fontsize="small", manual=where)
        for label in labels:
            label.set_path_effects([withStroke(linewidth=2.5, foreground="white")])


def _name_grey(axes: Axes, data: Landscape) -> None:
    """Say what grey means."""
    rows, columns = _window(data)
    loss = data.loss[rows, columns]
    exists = data.exists[rows, columns]
    grey = exists & ~np.isfinite(loss)
    if grey.mean() < _ROOM_FOR_WORDS:
        return
    # High up, where the lines of the limits have left to the side.
    rows_of_grey = np.flatnonzero(grey.any(axis=1))
    row = rows_of_grey[int(_WORDS_AT * (len(rows_of_grey) - 1))]
    x = data.d_model[columns][grey[row]][-1]
    y = data.layers[rows][row]
    axes.annotate(
        "breaks a limit",
        (float(x), float(y)),
        xytext=(-8, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        color=QUIET,
    )


def _star(axes: Axes, best: tuple[int, int, float]) -> None:
    layers, d_model, loss = best
    axes.plot([d_model], [layers], marker="*", markersize=15, color=STAR, markeredgecolor="white",
              linestyle="none", zorder=5)  # fmt: skip
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    # Limits lie to the upper right of an optimum that they bind, so its name stands lower left,
    # unless it is too near that corner.
    at_left = d_model - left < _ROOM_FOR_NAME[0] * (right - left)
    at_bottom = layers - bottom < _ROOM_FOR_NAME[1] * (top - bottom)
    axes.annotate(
        f"{layers} x {d_model}\nloss {loss:.4f}",
        (d_model, layers),
        xytext=(10 if at_left else -10, 8 if at_bottom else -8),
        textcoords="offset points",
        ha="left" if at_left else "right",
        va="bottom" if at_bottom else "top",
        color=INK,
        fontweight="bold",
        bbox={
            "boxstyle": "round,pad=0.25",
            "facecolor": "white",
            "edgecolor": "none",
            "alpha": 0.85,
        },
        zorder=6,
    )
