"""Loss over depth and width, with the limits that bound it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from modelsizer.plots.drawing.axes import heading, quantity_axis
from modelsizer.plots.drawing.labels import covers, halo, laid_out
from modelsizer.plots.drawing.style import COLOURS, FAINT, INK, LINES, QUIET, STAR, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Colormap
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from modelsizer.optimizer.surveys.landscape import Landscape
    from modelsizer.optimizer.tables.table import Floats
    from numpy.typing import NDArray

_LEVELS = 14  # steps of colour; fine enough to follow, coarse enough to see
_LABEL_AT = (
    0.3,
    0.7,
    0.5,
    0.15,
    0.85,
    0.4,
    0.6,
    0.2,
    0.8,
)  # of the way along a line, the first free
_STEPS_OF_LINE, _SLOPE_OVER = 201, 16  # points along a line; on each side of a name, for its slope
_ROOM_FOR_NAME = (0.25, 0.15)  # of width and height, between a corner and what is named
_ROOM_FOR_WORDS = 0.04  # of the picture
_WORDS_AT = (0.93, 0.85, 0.75, 0.6, 0.45)  # of the height, the first free
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
        A key of `modelsizer.plots.drawing.style.SIZES`.

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
        lines = _limits(axes, data, binding)
        texts = [] if best is None else [_star(axes, best)]
        quantity_axis(axes, "x", "d_model")
        quantity_axis(axes, "y", "layers")
        heading(axes, title)
        laid_out(axes)
        texts += _name_limits(axes, lines, texts)
        _name_grey(axes, data, texts)
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


def _limits(axes: Axes, data: Landscape, binding: frozenset[str]) -> list[tuple[Floats, str, str]]:
    """The line along which each budget is spent by the leanest design; path, name and colour."""
    rows, columns = _window(data)
    x, y = data.d_model[columns], data.layers[rows]
    found: list[tuple[Floats, str, str]] = []
    for name, share in data.share.items():
        part = share[rows, columns]
        if not (np.nanmin(part) < 1.0 < np.nanmax(part)):
            continue
        colour = LINES[len(found) % len(LINES)]
        heavy = name in binding
        # Depths that few layouts divide would make a comb: the line is where no deeper one fits.
        outermost = np.minimum.accumulate(np.where(np.isnan(part), np.inf, part)[::-1])[::-1]
        part = np.where(np.isnan(part), np.nan, outermost)
        lines = axes.contour(
            x, y, part, levels=[1.0], colors=[colour], linewidths=2.2 if heavy else 1.1
        )
        paths = [np.asarray(path.vertices) for path in lines.get_paths()]
        paths = [path for path in paths if len(path) > 1]
        if paths:
            found.append((max(paths, key=len), name, colour))
    return found


def _name_limits(
    axes: Axes, lines: list[tuple[Floats, str, str]], others: list[Text]
) -> list[Text]:
    """Name each line along itself, where its name covers nothing."""
    named: list[Text] = []
    for path, name, colour in lines:
        seen = _evenly(axes.transData.transform(path))
        words = name.replace("_", " ")
        text = axes.text(0, 0, words, fontsize="x-small", color=colour, ha="center", va="center",
                         rotation_mode="anchor", zorder=5)  # fmt: skip
        halo(text, 3.0)
        for along in _LABEL_AT:
            at = int(along * (_STEPS_OF_LINE - 1))
            ends = seen[[max(0, at - _SLOPE_OVER), min(_STEPS_OF_LINE - 1, at + _SLOPE_OVER)]]
            across, up = ends[1] - ends[0]
            angle = float(np.degrees(np.arctan2(up, across)))
            text.set_rotation((angle + 90) % 180 - 90)
            x, y = axes.transData.inverted().transform(seen[at])
            text.set_position((float(x), float(y)))
            if not covers(text, [*others, *named]):
                named.append(text)
                break
        else:
            text.remove()
    return named


def _evenly(path: Floats) -> Floats:
    """Points at even steps along a path; shape (_STEPS_OF_LINE, 2)."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    at = np.linspace(0.0, length[-1], _STEPS_OF_LINE)
    return np.stack([np.interp(at, length, path[:, k]) for k in (0, 1)], axis=1)


def _name_grey(axes: Axes, data: Landscape, others: list[Text]) -> None:
    """Say what grey means, where there is grey enough and nothing else is written."""
    rows, columns = _window(data)
    x, y = data.d_model[columns], data.layers[rows]
    grey = data.exists[rows, columns] & ~np.isfinite(data.loss[rows, columns])
    if grey.mean() < _ROOM_FOR_WORDS:
        return
    text = axes.text(0, 0, "breaks a limit", fontsize="small", color=QUIET, ha="center",
                     va="center")  # fmt: skip
    for share in _WORDS_AT:
        row = int(share * (len(y) - 1))
        for along in (0.5, 0.75, 0.25):
            where = np.flatnonzero(grey[row])
            if not len(where):
                continue
            text.set_position((float(x[where[int(along * (len(where) - 1))]]), float(y[row])))
            if not covers(text, others) and _all_grey(axes, text, x, y, grey):
                return
    text.remove()


def _all_grey(
    axes: Axes, text: Text, x: NDArray[np.int64], y: NDArray[np.int64], grey: NDArray[np.bool_]
) -> bool:
    """Whether a text stands on grey alone."""
    box = text.get_window_extent()
    corners = axes.transData.inverted().transform([(box.x0, box.y0), (box.x1, box.y1)])
    columns = (x >= corners[0, 0]) & (x <= corners[1, 0])
    rows = (y >= corners[0, 1]) & (y <= corners[1, 1])
    under = grey[np.ix_(rows, columns)]
    return bool(under.size and under.all())


def _star(axes: Axes, best: tuple[int, int, float]) -> Text:
    """The optimum, with its numbers."""
    layers, d_model, loss = best
    axes.plot([d_model], [layers], marker="*", markersize=15, color=STAR, markeredgecolor="white",
              linestyle="none", zorder=5)  # fmt: skip
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    # Limits lie to the upper right of an optimum that they bind, so its name stands lower left,
    # unless it is too near that corner.
    at_left = d_model - left < _ROOM_FOR_NAME[0] * (right - left)
    at_bottom = layers - bottom < _ROOM_FOR_NAME[1] * (top - bottom)
    return axes.annotate(
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
