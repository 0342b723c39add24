"""Parts of the memory of one accelerator, against its limit."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from modelsizer.plots.drawing.axes import heading, quantity_axis, wrapped
from modelsizer.plots.drawing.one_axes import refuse_axes
from modelsizer.plots.drawing.style import FAINT, FILLS, INK, QUIET, STAR, canvas, small
from modelsizer.plots.drawing.texts import one_line
from modelsizer.problems.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.problems.designs.memory_parts import MemoryParts

_BAR = 0.62  # fraction of a row
_LEAST_DRAWN = 1 / 500  # fraction of the total below which a bar is not drawn
_ROOM = 1.04  # factor on the extent of the axis, for a margin on the right
_SAME_SCALE = 2.5  # panels whose extents differ by a smaller factor share a scale
_ROWS_OF_A_SIZE = 13  # rows of bars and labels in a figure of the default height
_HEAD = 2.8  # rows taken by the title and axis of a panel
_LABEL = (0.17, 0.2)  # fraction of the axis that a bar's label takes; wide, narrow
_SIDE = (0.5, 0.6)  # fraction of the axis beyond which a line's label is on its left
_LEAST_PERCENT = 0.005
_BREAK = ",\n"  # in a label on the right of its line where the picture is narrow
_TALL = (1.0, 1.6)  # rows of a line's label, of one line and of two
_AWAY = 3  # points from a line to its label
_BETWEEN = 0.14  # inches between panels
_WORDS = {"serving_memory": "Serving memory", "training_memory": "Training memory"}


def memory(
    panels: Sequence[MemoryParts], *, title: str = "", size: str = "wide", ax: Axes | None = None
) -> Figure:
    """Draw the parts of memory as a waterfall that adds up to the total, with the limit.

    Parameters
    ----------
    panels : sequence of MemoryParts
        One per panel: serving, training, or both.
    title : str
        Written above all panels.
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
        If `panels` is empty.
    """
    refuse_axes(ax, "memory")
    if not panels:
        raise ValueError("there is no memory to draw: the problem does not say enough")
    rows = [_rows(panel, narrow=size == "column") for panel in panels]
    total = sum(rows) + _HEAD * len(panels)
    with canvas(size, height=total / _ROWS_OF_A_SIZE) as figure:
        figure.set_layout_engine("constrained", h_pad=_BETWEEN / 2)
        drawn = figure.subplots(len(panels), 1, squeeze=False, height_ratios=rows)[:, 0]
        extents = [_extent(panel) for panel in panels]
        if max(extents) < _SAME_SCALE * min(extents):
            extents = [max(extents)] * len(extents)
        for axes, panel, extent in zip(drawn, panels, extents, strict=True):
            _panel(axes, panel, extent, narrow=small(figure))
        if title:
            figure.suptitle(
                wrapped(figure, title), x=0.01, ha="left", fontsize="medium", color=QUIET
            )
    return figure


def _large(panel: MemoryParts) -> list[tuple[str, float]]:
    least = panel.total * _LEAST_DRAWN
    return [(name, float(size)) for name, size in panel.parts if size >= least]


def _limits(panel: MemoryParts) -> list[tuple[str, float, Fraction]]:
    """Return (label, bytes, headroom) of the limit and of the accelerator's memory, ascending."""
    found = []
    if panel.limit is not None and panel.room is not None:
        found.append(("usable" if panel.default else "limit", float(panel.limit), panel.room))
    if panel.device_memory is not None and panel.device_room is not None:
        found.append((one_line(panel.device), float(panel.device_memory), panel.device_room))
    return sorted(found, key=lambda row: row[1])


def _rows(panel: MemoryParts, *, narrow: bool) -> float:
    return len(_large(panel)) + 1 + _TALL[narrow] * len(_limits(panel))


def _extent(panel: MemoryParts) -> float:
    return _ROOM * max(float(panel.total), *(value for _, value, _ in _limits(panel)), 0.0)


def _heading(panel: MemoryParts) -> str:
    where = one_line(panel.where)
    stage = f", {panel.stage}" if panel.stage else ""
    return f"{_WORDS[panel.quantity]} of {where}{stage}"


def _panel(axes: Axes, panel: MemoryParts, extent: float, *, narrow: bool) -> None:
    parts, total = _large(panel), float(panel.total)
    start, last = 0.0, len(parts)
    room = _LABEL[narrow] * extent
    edges = [0.0, *(value for _, value, _ in _limits(panel)), extent]
    gaps = [gap for gap in pairwise(edges) if gap[1] - gap[0] > room] or [(0.0, extent)]
    for row, (_, size) in enumerate(parts):
        end = start + size
        axes.barh(row, size, _BAR, left=start, color=FILLS[0], zorder=2)
        axes.plot([end, end], [row + _BAR / 2, row + 1 - _BAR / 2], color=QUIET, lw=0.8, zorder=1)
        share = "" if narrow else f" ({_percent(size / total)})"
        _label_bar(axes, row, (start, end), gaps, room, _bytes(size) + share)
        start = end
    axes.barh(last, total, _BAR, color=INK, zorder=2)
    _label_bar(axes, last, (0.0, total), gaps, room, _bytes(total))
    _draw_limits(axes, panel, last, extent, narrow=narrow)
    axes.set_yticks(range(last + 1), [*(name for name, _ in parts), "total"])
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(last + 0.6, -0.5 - _TALL[narrow] * len(_limits(panel)))
    axes.set_xlim(0, extent)
    heading(axes, _heading(panel))
    axes.spines["left"].set_visible(False)
    quantity_axis(axes, "x", panel.quantity)
    small_parts = [(name, size) for name, size in panel.parts if size < total * _LEAST_DRAWN]
    listed = ", ".join(f"{name} {_bytes(float(size))}" for name, size in small_parts)
    axes.set_xlabel(f"too small to see: {listed}" if listed else "", color=QUIET, fontsize="small")


def _bytes(size: float) -> str:
    return format_quantity(size, "bytes", 3)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= _LEAST_PERCENT else "< 1 %"


def _label_bar(
    axes: Axes, row: int, ends: tuple[float, float], gaps: Sequence[tuple[float, float]],
    room: float, words: str,
) -> None:  # fmt: skip
    """Label a bar inside it if it is long enough, else beside it, clear of the limits' lines.

    Parameters
    ----------
    gaps : sequence of (from, to)
        Intervals between the lines of the limits that are wide enough for a label; bytes.
    room : float
        Width of a label; bytes.
    """
    start, end = ends
    for low, high in gaps:
        left, right = max(low, start), min(high, end)
        if right - left >= room:
            _write(axes, row, left, words, "left", "white")
            return
    if any(low <= end and end + room <= high for low, high in gaps) or start < room:
        _write(axes, row, end, words, "left", INK)
    else:
        _write(axes, row, start, words, "right", INK)


def _write(
    axes: Axes,
    row: float,
    x: float,
    words: str,
    side: Literal["left", "right"],
    colour: str,
    *,
    bold: bool = False,
) -> None:
    away = _AWAY if side == "left" else -_AWAY
    axes.annotate(words, (x, row), (away, 0), textcoords="offset points", ha=side, va="center",
                  color=colour, fontsize="small", fontweight="bold" if bold else "normal",
                  zorder=4)  # fmt: skip


def _draw_limits(axes: Axes, panel: MemoryParts, last: int, extent: float, *, narrow: bool) -> None:
    """Draw lines for the limit and for the accelerator's memory, labelled above the bars.

    The line of the inner label ends below the outer label.
    """
    limits, tall = _limits(panel), _TALL[narrow]
    if limits and limits[0][1] / extent > _SIDE[narrow]:
        rows = range(-1, -1 - len(limits), -1)  # labels on the left, smallest innermost
    else:
        rows = range(-len(limits), 0)
    for (name, value, room), place in zip(limits, rows, strict=True):
        row = place * tall + (tall - 1) / 2
        hard, over = name == "limit", room < 0
        colour = STAR if over else INK if hard else QUIET
        axes.plot([value, value], [row - 0.4 * tall, last + 0.6], color=colour, zorder=3,
                  lw=1.4 if hard else 0.9, ls="-" if hard else (0, (4, 2)))  # fmt: skip
        left = _bytes(abs(float(room)))
        headroom = f"{left} {'over' if over else 'left'}"
        at_left = value / extent > _SIDE[narrow]
        words = f"{name} {_bytes(value)}{', ' if at_left or not narrow else _BREAK}{headroom}"
        _write(axes, row, value, words, "right" if at_left else "left", colour, bold=hard)
    if limits:
        value, room = limits[0][1:]
        start, width = (float(panel.total), float(room)) if room > 0 else (value, -float(room))
        axes.barh(last, width, _BAR, left=start, color=FAINT if room > 0 else STAR, zorder=2)
