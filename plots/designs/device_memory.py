"""A bar for the memory of each of several accelerators: what fills it, and what is left."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from modelsizer.plots.drawing.axes import heading, quantity_axis
from modelsizer.plots.drawing.one_axes import legend_below, one_axes
from modelsizer.plots.drawing.shares import Part, swatch
from modelsizer.plots.drawing.style import FAINT, FILLS, HATCHES, INK, QUIET, STAR, small
from modelsizer.plots.drawing.texts import one_line
from modelsizer.problems.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    from modelsizer.problems.designs.filled_devices import FilledDevice, FilledDevices

_PARTS = MappingProxyType(
    {
        "weights": Part("weights", "weights", FILLS[0]),
        "KV cache": Part("KV cache", "cache", FILLS[1], HATCHES[1]),
        "states": Part("states", "states", FILLS[2], HATCHES[3]),
        "engine's reserve": Part("engine's reserve", "reserve", FILLS[6], HATCHES[2]),
    }
)
_LEFT = Part("left to the engine", "left", FAINT)
_BAR = 0.7  # fraction of a row
_ROWS_OF_A_SIZE = 17  # rows in a figure of the default height
_HEAD = (4.5, 9.0)  # rows taken by title, axis and legend; wide, narrow
_LONGEST = 1.25  # of the largest memory, beyond which a bar is cut
_TEXT = (1.17, 1.34)  # factor on the extent of the axis, for the texts; wide, narrow
_DASHES = (0, (3, 2))
_AWAY = 3  # points from a bar to its text


def device_memory(
    found: FilledDevices, *, title: str = "", size: str = "wide", ax: Axes | None = None
) -> Figure:
    """Draw the memory of each accelerator: weights, cache, states, reserve, and what is left.

    Parameters
    ----------
    found : FilledDevices
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
        If the memory of no accelerator is known.
    """
    rows = found.rows
    if not rows:
        raise ValueError(
            f"there is no memory to draw: that of {', '.join(found.unknown)} is not known"
        )
    with one_axes(ax, size, height=(len(rows) + _HEAD[size == "column"]) / _ROWS_OF_A_SIZE) as (
        figure,
        axes,
    ):
        largest = _LONGEST * max(float(row.memory) for row in rows)
        narrow = small(axes)
        for place, row in enumerate(rows):
            _draw(axes, place, row, largest, narrow=narrow)
        axes.set_yticks(range(len(rows)), [one_line(row.device) for row in rows])
        axes.tick_params(axis="y", length=0)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        ends = [min(largest, max(float(row.memory), _taken(row))) for row in rows]
        axes.set_xlim(0, _TEXT[narrow] * max(ends))
        axes.spines["left"].set_visible(False)
        quantity_axis(axes, "x", "serving_memory")
        many = f"{found.accelerators:,} accelerators" if found.accelerators > 1 else "accelerator"
        axes.set_xlabel(f"memory of one {'of ' if found.accelerators > 1 else ''}{many}")
        heading(axes, title)
        handles = _key(rows)
        columns = 2 if narrow else len(handles)
        legend_below(axes, handles, place="center", ncols=columns)
    return figure


def _key(rows: Sequence[FilledDevice]) -> list[Patch]:
    """Entries of the legend: what is drawn."""
    from matplotlib.patches import Patch

    names = {name for row in rows for name, _ in row.parts}
    shown = [part for name, part in _PARTS.items() if name in names]
    shown += [_LEFT] if any(row.room > 0 for row in rows) else []
    found = [swatch(part) for part in shown]
    if any(row.usable < row.memory for row in rows):
        found.append(Patch(fill=False, edgecolor=INK, linewidth=0.8, label="not the engine's"))
    return found


def _taken(row: FilledDevice) -> float:
    return float(sum(size for _, size in row.parts))


def _draw(axes: Axes, place: int, row: FilledDevice, largest: float, *, narrow: bool) -> None:
    start = 0.0
    for name, size in row.parts:
        part, width = _PARTS[name], min(float(size), largest - start)
        if width > 0:
            axes.barh(place, width, _BAR, start, color=part.colour, hatch=part.hatch,
                      edgecolor="white", linewidth=0.5, zorder=2)  # fmt: skip
        start += max(width, 0.0)
    if row.room > 0:
        axes.barh(place, float(row.room), _BAR, start, color=_LEFT.colour, zorder=2)
    memory = float(row.memory)
    over = row.room < 0
    axes.barh(place, memory, _BAR, fill=False, edgecolor=STAR if over else INK, linewidth=0.8,
              zorder=3)  # fmt: skip
    if over and row.usable > 0:  # where the engine's part ends: beyond it is too much
        end = (_taken(row) + float(row.room),) * 2
        axes.plot(end, (place - _BAR / 2, place + _BAR / 2), color=STAR, ls=_DASHES, lw=0.8,
                  zorder=3)  # fmt: skip
    words = format_quantity(abs(float(row.room)), "bytes", 2 if narrow else 3)
    axes.annotate(f"{words} {'over' if over else 'left'}", (max(start, memory), place), (_AWAY, 0),
                  textcoords="offset points", va="center", fontsize="small",
                  color=STAR if over else QUIET)  # fmt: skip
