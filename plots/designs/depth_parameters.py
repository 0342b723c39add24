"""Parameters against depth: what fits, what is worth having, and what others have built."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from modelsizer.plots.drawing.axes import heading, quantity_axis, tick
from modelsizer.plots.drawing.labels import beneath, covers, halo, label_points, laid_out, spread
from modelsizer.plots.drawing.style import INK, QUIET, STAR, canvas, shades, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text
    from modelsizer.optimizer.surveys.region import Region
    from modelsizer.optimizer.tables.table import Floats

GUIDES = (16, 32, 64, 128, 256)
"""Aspect ratios d_model / layers of the guides: published models lie between 32 and 200."""
_NAMES = {"wide": 11, "column": 5}  # published models named
_CLEAR = 1.1  # of parameters, from the frame to a published model, whose mark it would cut
_MARGIN = 1.25  # of parameters, beyond the outermost design that fits
_WORST_SHARE = 0.75  # of the front's losses that the colours tell apart; the rest are one
_STEPS = 12
_LEAST_GUIDE = 0.08  # of the depths, at which a guide must run through designs to be drawn
_TOO_FAR_RIGHT = 0.72  # of the width, beyond which the optimum is named on its left
_NAMED_AT = (0.85, 0.93, 0.75, 0.65, 0.5, 0.35, 0.2)  # of the way along a guide, the first free


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
        If no design keeps every limit.
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
        star = _star(axes, data)
        labels = [_key(axes), *([] if star is None else [star])]
        laid_out(axes)
        labels += _guides(axes, data, labels)
        _landmarks(axes, data, labels)
    return figure


def _window(axes: Axes, data: Region) -> None:
    """Limits around what fits."""
    rows, columns = np.nonzero(data.feasible)
    layers = data.layers[[rows.min(), rows.max()]]
    margin = max(1.0, 0.03 * float(layers[1] - layers[0]))
    axes.set_yscale("log")
    axes.set_xlim(float(layers[0]) - margin, float(layers[1]) + margin)
    axes.set_ylim(data.edges[columns.min()] / _MARGIN, data.edges[columns.max() + 1] * _MARGIN)


def _density(axes: Axes, data: Region) -> None:
    """How many designs keep every limit, by shades of grey; hatched where all break one."""
    from matplotlib.colors import LinearSegmentedColormap, LogNorm

    greys = LinearSegmentedColormap.from_list("greys", ["#f0f0f0", "#bdbdbd"])
    counts = np.where(data.feasible > 0, data.feasible, np.nan).T.astype(float)
    most = max(2.0, float(np.nanmax(counts)))
    x = _cells(data.layers)
    axes.pcolormesh(x, data.edges, counts, cmap=greys, norm=LogNorm(1, most), rasterized=True)


def _cells(layers: np.ndarray[tuple[int], np.dtype[np.int64]]) -> list[float]:
    """Borders of cells around depths."""
    middles = (layers[1:] + layers[:-1]) / 2
    first, last = (
        (0.5, 0.5) if len(layers) == 1 else (middles[0] - layers[0], layers[-1] - middles[-1])
    )
    return [float(layers[0] - first), *map(float, middles), float(layers[-1] + last)]


def _front(figure: Figure, axes: Axes, data: Region) -> None:
    """Nondominated designs, the best loss on top."""
    loss = data.front.loss
    order = np.argsort(-loss)
    low = float(loss.min())
    high = max(float(np.quantile(loss, _WORST_SHARE)), low + 1e-6)
    layers = np.array(data.front.values["layers"])
    parameters = np.array(data.front.values["parameters"], dtype=float)
    # Few points are drawn large; thousands must not hide one another.
    points = axes.scatter(
        layers[order],
        parameters[order],
        c=loss[order],
        s=float(np.clip(9000 / len(loss), 2.5, 22)) * (0.45 if small(figure) else 1.0),
        cmap=shades(_STEPS),
        vmin=low,
        vmax=high,
        linewidths=0,
        zorder=3,
        rasterized=len(loss) > 2000,
    )
    bar = figure.colorbar(points, ax=axes, extend="max", pad=0.02)
    bar.set_label("predicted loss of the front (nats a token)")
    bar.outline.set_visible(False)


def _key(axes: Axes) -> Text:
    """What is drawn, in the corner that deep and small designs would fill: none is worth having."""
    narrow = small(axes.get_figure(root=True))
    words = "grey: what fits\npoints: the front" if narrow else (
        "grey: designs that fit, darker where they are more\n"
        "points: no design has less of all three, parameters, layers and loss\n"
        "circles: published models"
    )  # fmt: skip
    return axes.text(0.99, 0.02, words, transform=axes.transAxes, ha="right", va="bottom",
                     fontsize="x-small", color=QUIET, linespacing=1.3)  # fmt: skip


def _guides(axes: Axes, data: Region, keep: list[Text]) -> list[Text]:
    """Lines of one aspect ratio, named where they leave the picture."""
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    texts: list[Text] = []
    for aspect in GUIDES:
        line = data.guide(aspect)
        inside = (line > low) & (line < high) & (data.layers > left) & (data.layers < right)
        if _among_designs(data, line) < _LEAST_GUIDE * len(data.layers):
            continue
        axes.plot(data.layers, line, color=INK, linewidth=0.5, dashes=(5, 4), zorder=4)
        words = f"{aspect}" if texts else f"d_model / layers = {aspect}"
        text = axes.text(0, 0, words, fontsize="x-small", color=QUIET, ha="center", va="center",
                         zorder=6)  # fmt: skip
        halo(text, 3.0)
        places = np.flatnonzero(inside)[(np.array(_NAMED_AT) * (inside.sum() - 1)).astype(int)]
        for at in places:
            text.set_position((float(data.layers[at]), float(line[at])))
            if not covers(text, [*keep, *texts]):
                texts.append(text)
                break
        else:
            text.remove()
    return texts


def _among_designs(data: Region, line: Floats) -> int:
    """At how many depths a line runs through designs that keep the limits."""
    bins = np.searchsorted(data.edges, line, "right") - 1
    known = (bins >= 0) & (bins < data.feasible.shape[1])
    at = np.flatnonzero(known)
    return int((data.feasible[at, bins[at]] > 0).sum())


def _star(axes: Axes, data: Region) -> Text | None:
    """The optimum, with its numbers."""
    if data.best is None:
        return None
    shape = data.best.architecture
    layers, parameters = shape.layers, data.best.parameters.total
    axes.plot(
        [layers],
        [parameters],
        marker="*",
        markersize=9 if small(axes.get_figure(root=True)) else 15,
        color=STAR,
        markeredgecolor="white",
        markeredgewidth=0.6,
        linestyle="none",
        zorder=8,
    )
    left, right = axes.get_xlim()
    # What is deeper than the optimum is seldom worth having: there is room on that side.
    at_right = layers > left + _TOO_FAR_RIGHT * (right - left)
    text = axes.annotate(
        f"{layers} x {shape.trunk.d_model}, {tick(parameters, 'parameters')}\n"
        f"loss {data.best.loss:.4f}",
        (layers, parameters),
        xytext=(-9 if at_right else 9, 0),
        textcoords="offset points",
        ha="right" if at_right else "left",
        va="center",
        fontsize="small",
        fontweight="bold",
        zorder=9,
    )
    halo(text, 3.0)
    return text


def _landmarks(axes: Axes, data: Region, keep: list[Text]) -> None:
    """Published models as hollow points, some of them named."""
    low, high = axes.get_ylim()
    left, right = axes.get_xlim()
    marks = [
        mark for mark in data.landmarks
        if left < mark.layers < right and low * _CLEAR < mark.parameters < high / _CLEAR
        and not beneath(axes, mark.layers, mark.parameters, keep)
    ]  # fmt: skip
    if not marks:
        return
    x, y = [float(m.layers) for m in marks], [float(m.parameters) for m in marks]
    narrow = small(axes.get_figure(root=True))
    some = spread(x, y, axes, _NAMES["column" if narrow else "wide"])
    x, y = [x[i] for i in some], [y[i] for i in some]
    avoid = []
    if data.best is not None:
        avoid = [(float(data.best.architecture.layers), float(data.best.parameters.total))]
    named = label_points(axes, x, y, [marks[i].name for i in some], avoid=avoid, keep=keep)
    axes.plot(
        [x[i] for i in named],
        [y[i] for i in named],
        linestyle="none",
        marker="o",
        markersize=3 if narrow else 4.5,
        markerfacecolor="white",
        markeredgecolor=INK,
        markeredgewidth=0.9,
        zorder=5,
    )
