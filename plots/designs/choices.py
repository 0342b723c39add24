"""What choices cost that no law sees, with the band of published ablations."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from modelsizer.plots.drawing.axes import heading
from modelsizer.plots.drawing.bars import HEAD, beside, make_room, rows_around
from modelsizer.plots.drawing.one_axes import one_axes
from modelsizer.plots.drawing.style import FILLS, INK, SIZES, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.problems.designs.worth import Worth

_INCHES = 0.26  # of a row
_BAR = 0.55  # fraction of a row
_CAP = 0.22  # half of the height of an end of a band
_AXIS = "nats per token: bars to the middle reading, lines from the low to the high one"
_LEAST = 5e-5  # nats; a smaller one is 0.0000 as it is written
_WORDS = MappingProxyType(
    {
        "kv_heads": "few kv heads",
        "ffn": "share of feed-forward",
        "window": "windows",
        "sparse": "few full layers",
        "linear": "linear layers",
        "latent": "latent attention",
    }
)


def choices(data: Worth, *, title: str = "", size: str = "wide", ax: Axes | None = None) -> Figure:
    """Draw the terms of a design that no law sees, each with its band.

    Parameters
    ----------
    data : Worth
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    Figure
        A bar to the middle reading of a term and a line from its low to its high one; below them
        their sums.

    Raises
    ------
    ValueError
        If every term is about zero, or `size` is unknown.
    """
    rows = [
        (_WORDS.get(name, name.replace("_", " ")), ends["low"], ends["middle"], ends["high"])
        for name, ends in data.choices.items()
        if max(map(abs, ends.values())) >= _LEAST
    ]
    if not rows:
        raise ValueError("no choice of the design costs what a law cannot see")
    sums = [sum(ends) for ends in zip(*(row[1:] for row in rows), strict=True)]
    rows.append(("all together", sums[0], sums[1], sums[2]))
    height = None  # `canvas` rejects an unknown size
    if size in SIZES:
        height = _INCHES * (len(rows) + HEAD) / SIZES[size].height
    with one_axes(ax, size, height=height) as (figure, axes):
        rows_around(axes, [row[0] for row in rows], 0.0)
        narrow = small(axes)
        for y, (name, low, middle, high) in enumerate(rows):
            whole = name == rows[-1][0]
            axes.barh(y, middle, _BAR, color=INK if whole else FILLS[0], alpha=0.55, zorder=2)
            axes.plot([low, high], [y, y], color=INK, lw=1.2, zorder=3)
            for end in (low, high):
                axes.plot([end, end], [y - _CAP, y + _CAP], color=INK, lw=1.2, zorder=3)
            band = f"{_nats(low)} to {_nats(high)}"
            words = f"{_nats(middle)}" if narrow else f"{_nats(middle)} ({band})"
            beside(axes, max(high, middle, 0.0), y, words, 1)
        axes.set_xlabel("nats per token" if narrow else _AXIS)
        heading(axes, title)
        figure.draw_without_rendering()  # so that the layout is known
        make_room(axes, [0.0, *(end for row in rows for end in row[1:])])
    return figure


def _nats(value: float) -> str:
    return f"{value:.4f}".replace("-0.0000", "0.0000")
