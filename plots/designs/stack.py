"""Stacks of layers, a strip for each model: its mixers by colour, its feed-forwards below."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from modelsizer.plots.designs.layer_styles import layer_part
from modelsizer.plots.drawing.axes import heading
from modelsizer.plots.drawing.one_axes import legend_below, one_axes
from modelsizer.plots.drawing.shares import swatch
from modelsizer.plots.drawing.style import INK, QUIET, SIZES, STAR, small
from modelsizer.plots.drawing.texts import one_line
from modelsizer.problems.architecture.accounting import count_parameters
from modelsizer.problems.architecture.families import (
    FEED_FORWARDS,
    MIXERS,
    families,
    mixtures,
    windows,
)
from modelsizer.problems.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.text import Text

    from modelsizer.problems.architecture.architecture import Architecture, Layer

_WIDTH = 0.86  # of a layer, relative to the distance between layers
_STRIP = MappingProxyType({"wide": 0.52, "column": 0.66})  # inches per model
_AROUND = MappingProxyType({"wide": 1.15, "column": 1.05})  # inches above and below the strips
_LOW = 0.6  # height of a mixer that does not see the whole context, relative to one that does
SEE_ALL = frozenset({"full", "latent", "compressed"})
"""Families of mixers that see the whole context."""
_FFN, _MIXER = 0.15, 0.34  # heights of the feed-forward and of the mixer; a strip has 1
_TEXT = 0.03  # from the mixer to the text above it
_LINE = 0.19  # a line of text
_GAP = 0.02  # between the mixer and the feed-forward
_ABOVE = 0.1  # of the topmost strip that nothing is in
_NAME = 40  # characters


def stack(
    data: Mapping[str, Architecture], *, title: str = "", size: str = "wide", ax: Axes | None = None
) -> Figure:
    """Draw the layers of models from the first to the last, a strip each.

    Parameters
    ----------
    data : mapping of str to Architecture
        By name; the first is the one that the others stand beside.
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    Figure
        Each layer has a mixer in the colour of its family, low where it does not see the whole
        context, and below it its feed-forward. All strips have one scale of layers.

    Raises
    ------
    ValueError
        If there is no model, or `size` is unknown.
    """
    if not data:
        raise ValueError("there is no model to draw")
    height = None  # `canvas` rejects an unknown size
    if size in SIZES:
        height = (_AROUND[size] + _STRIP[size] * len(data)) / SIZES[size].height
    with one_axes(ax, size, height=height) as (figure, axes):
        layers = {name: layers_in_order(architecture) for name, architecture in data.items()}
        numbers = []
        for row, (name, architecture) in enumerate(data.items()):
            bottom = len(data) - 1 - row
            _strip(axes, bottom, layers[name])
            numbers.append(_name(axes, bottom, name, architecture, first=row == 0))
        _frame(axes, len(data), max(map(len, layers.values())))
        _key(axes, [layer for each in layers.values() for layer in set(each)])
        heading(axes, title)
        figure.draw_without_rendering()  # so that the layout is known
        for text in numbers:
            _shorten(text, figure.bbox.x1)
    return figure


def layers_in_order(architecture: Architecture) -> list[Layer]:
    """The layers in their order, or kind after kind if the order is not known."""
    grouped = [group.layer for group in architecture.groups for _ in range(group.count)]
    return architecture.stack() or grouped


def _strip(axes: Axes, bottom: float, layers: list[Layer]) -> None:
    """Draw a strip, as one collection for each family."""
    boxes: dict[str, list[tuple[float, float, float]]] = {}
    for at, layer in enumerate(layers):
        mixers, ffns = families(layer)
        floor = bottom + _FFN + _GAP
        each = _MIXER * (1.0 if SEE_ALL & set(mixers) else _LOW) / max(1, len(mixers))
        for i, family in enumerate(mixers):
            boxes.setdefault(family, []).append((at, floor + i * each, each))
        for i, family in enumerate(ffns):
            each = _FFN / len(ffns)
            boxes.setdefault(family, []).append((at, bottom + i * each, each))
    for family, found in boxes.items():
        _fill(axes, found, layer_part(family).colour)


def _fill(axes: Axes, boxes: Iterable[tuple[float, float, float]], colour: str) -> None:
    from matplotlib.collections import PolyCollection

    side = (1 - _WIDTH) / 2
    corners = [
        [(x + side, y), (x + 1 - side, y), (x + 1 - side, y + high), (x + side, y + high)]
        for x, y, high in boxes
    ]
    axes.add_collection(PolyCollection(corners, facecolors=colour, linewidths=0))


def _name(axes: Axes, row: float, name: str, architecture: Architecture, *, first: bool) -> Text:
    """Write the name of a model above its strip, and its numbers beside or below the name.

    Returns
    -------
    Text
        What stands beside the name.
    """
    narrow = small(axes)
    counted, kinds = size_words(architecture), ", ".join(kind_words(architecture))
    bottom = row + _FFN + _GAP + _MIXER + _TEXT
    words = axes.text(
        0, bottom + (_LINE if narrow else 0), one_line(name, _NAME), va="bottom",
        fontsize="small", fontweight="bold", color=STAR if first else INK,
    )  # fmt: skip
    beside = f"{counted}; {kinds}" if kinds and not narrow else counted
    numbers = axes.annotate(
        beside, (1, 0), (5, 0), xycoords=words, textcoords="offset points", va="bottom",
        fontsize="x-small" if narrow else "small", color=QUIET,
    )  # fmt: skip
    numbers.set_in_layout(False)  # strips are as wide as the figure, whatever is above them
    if narrow:
        axes.text(0, bottom, kinds, va="bottom", fontsize="x-small", color=QUIET)
    return numbers


def _shorten(text: Text, right: float) -> None:
    """Leave out the end of a text that reaches beyond a place, in pixels."""
    box = text.get_window_extent()
    if box.x1 > right:
        room = max(0.0, right - box.x0) / box.width
        text.set_text(one_line(text.get_text(), max(1, int(room * len(text.get_text())))))


def size_words(architecture: Architecture) -> str:
    """Layers, width and parameters."""
    counted = count_parameters(architecture)
    total = format_quantity(counted.total, "parameters", 3)
    words = f"{architecture.layers} x {int(architecture.trunk.d_model)}, {total}"
    if counted.active == counted.total:
        return words
    return f"{words}, {format_quantity(counted.active, 'parameters', 3)} active"


def kind_words(architecture: Architecture) -> list[str]:
    """Numbers of layers of each family of mixer where there are several, windows, and experts."""
    counts = {
        family: sum(g.count for g in architecture.groups if family in families(g.layer)[0])
        for family in MIXERS
    }
    several = sum(count > 0 for count in counts.values()) > 1
    seen = " and ".join(f"{window:,}" for window in windows(architecture))
    found = []
    for family, count in counts.items():
        width = f" of {seen}" if family == "window" else ""
        if count and (several or width):
            found.append(f"{count} {layer_part(family).short}{width}")
    mixed = {(m.active, m.experts, m.shared_d_ff // m.d_ff): m for m in mixtures(architecture)}
    for active, routed, shared in mixed:
        also = f" and {shared} shared" if shared else ""
        found.append(f"experts {active} of {routed}{also}")
    return found


def _frame(axes: Axes, rows: int, most: int) -> None:
    from matplotlib.ticker import MaxNLocator

    axes.set_xlim(0, most)
    axes.set_ylim(-0.08, rows - _ABOVE)
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=True))
    axes.set_xlabel("layers, from the first")


def _key(axes: Axes, layers: Iterable[Layer]) -> None:
    """Draw a legend of the families shown, below the axes."""
    drawn = {family for layer in layers for part in families(layer) for family in part}
    shown = [layer_part(family) for family in (*MIXERS, *FEED_FORWARDS) if family in drawn]
    legend_below(
        axes,
        [swatch(part) for part in shown],
        ncols=2 if small(axes) else 4,
        handlelength=1.6,
        handleheight=1.1,
    )
