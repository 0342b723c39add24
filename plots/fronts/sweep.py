"""The optimal objective along one swept setting, a line for each value of the others."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.optimizer.constraints import value_text
from modelsizer.optimizer.sweeps.numeric_setting import NumericSetting
from modelsizer.plots.drawing.axes import (
    heading,
    quantity_axis,
    setting_axis,
    wants_log,
    words,
    wrapped,
)
from modelsizer.plots.drawing.labels import Labels
from modelsizer.plots.drawing.lines import (
    check_lines,
    draw_lines,
    lines_key,
    name_lines,
)
from modelsizer.plots.drawing.one_axes import one_axes, refuse_axes
from modelsizer.plots.drawing.shaded_lines import draw_shaded, shades_bar
from modelsizer.plots.drawing.style import canvas
from modelsizer.plots.fronts.sweep_rows import draw_rows
from modelsizer.plots.fronts.sweep_series import (
    MOST_NAMED,
    Arrangement,
    Series,
    arranged,
    key_words,
    series_of,
    solved,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.optimizer.sweeps.sweep import SweepResult

_MARGIN = 0.03  # fraction of the width beside the first and the last point
_HOLLOW = "hollow: not proven"
_CORNERS = ("upper right", "lower left", "upper left", "lower right")
MOST_PANELS = 24
_BESIDE = 0.3  # inches between panels
_ACROSS = {False: 4, True: 2}  # panels beside one another, by whether the figure is small
_OF_THREE = (3, 5, 6, 9)  # numbers of panels that fill rows of three best
_PANEL, _AROUND = {False: 0.42, True: 0.6}, {False: 0.3, True: 0.5}
"""Fractions of the height of the size: of a row of panels, and of what is around them."""


def sweep(
    found: SweepResult, *, title: str = "", size: str = "wide", ax: Axes | None = None
) -> Figure:
    """Draw the objective of a sweep along one key, with a line for each value of the others.

    Along the last key that takes several numbers. Where the others take more than a few values
    together, the last of them has a line each and those before it a panel each; lines of many
    values of a number are shades. Where no key takes several numbers, each point is a mark in a
    row of its own. Every full point is a proven optimum; a hollow one is the best design known.
    Points without a design are left out.

    Parameters
    ----------
    found : SweepResult
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Raises
    ------
    ValueError
        If no key takes several values, no point has a design, or there are more lines or panels
        than can be told apart.
    """
    placed = arranged(found)
    if not solved(found):
        raise ValueError("no point of the sweep has a design")
    if placed.along is None:
        return draw_rows(found, placed, title=title, size=size, ax=ax)
    panels = series_of(found, placed)
    if not placed.shaded:
        check_lines(max(len(panel.lines) for panel in panels))
    if not placed.of_panels:
        many = 1.0 if placed.shaded else max(1.0, len(panels[0].lines) / (1.6 * MOST_NAMED))
        with one_axes(ax, size, height=many) as (_, axes):
            _panel(axes, found, placed, panels[0], _ends(panels))
            heading(axes, title)
            _tell_apart(axes, placed, panels[0])
        return axes.get_figure(root=True)  # type: ignore[return-value]
    refuse_axes(ax, "a sweep of so many lines", "one of fewer values draws one")
    return _panels(found, placed, panels, title, size)


def _panels(
    found: SweepResult, placed: Arrangement, panels: Sequence[Series], title: str, size: str
) -> Figure:
    """Draw a panel for each value of the keys that tell panels apart."""
    if len(panels) > MOST_PANELS:
        keys = " and ".join(axis.key for axis in placed.of_panels)
        raise ValueError(
            f"{len(panels)} panels, one for each value of {keys}, are too many to read: "
            f"{MOST_PANELS} at most; sweep fewer values, or one of these keys alone"
        )
    narrow = size == "column"
    across = min(_ACROSS[narrow], len(panels), 3 if len(panels) in _OF_THREE else 4)
    down = math.ceil(len(panels) / across)
    with canvas(size, height=_AROUND[narrow] + _PANEL[narrow] * down) as figure:
        grid = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False)
        ends = _ends(panels)
        doubtful = any(line.doubtful.any() for panel in panels for line in panel.lines)
        for at, axes in enumerate(grid.flat):
            if at >= len(panels):
                axes.set_axis_off()
                continue
            _panel(axes, found, placed, panels[at], ends)
            axes.set_title(panels[at].name, fontsize="small", fontweight="normal")
            axes.set_ylabel("")
            below = at + across >= len(panels)
            axes.tick_params(labelbottom=below)
            axes.set_xlabel(wrapped(axes, axes.get_xlabel(), _BESIDE) if below else "")
        best = f"best {words(found.problem.objective.quantity)}"
        figure.supylabel(best.replace(" (", "\n(") if down == 1 else best, fontsize="medium")
        more = _HOLLOW if doubtful else ""
        if placed.shaded:
            _shades(figure, list(grid.flat), placed)
        else:
            names = [value_text(a.key, v) for a in placed.of_lines for v in a.values]
            lines_key(figure, names, placed.heading, more)
        if title:
            figure.suptitle(wrapped(figure, title, 0.1), fontsize="medium", x=0.02, ha="left",
                            fontweight="bold")  # fmt: skip
    return figure


def _ends(panels: Sequence[Series]) -> tuple[float, float]:
    """Least and greatest objective of all panels."""
    values = np.concatenate([line.y for panel in panels for line in panel.lines])
    return float(values.min()), float(values.max())


def _panel(
    axes: Axes,
    found: SweepResult,
    placed: Arrangement,
    panel: Series,
    ends: tuple[float, float],
) -> None:
    """Draw the lines of one panel, with its axes."""
    from matplotlib.ticker import MaxNLocator

    along, objective = placed.along, found.problem.objective.quantity
    assert along is not None
    setting = NumericSetting.of(found.problem, along.key)
    if placed.shaded:
        values = [float(value) for (value,) in panel.values]
        draw_shaded(axes, panel.lines, values, [float(v) for v in placed.of_lines[0].values])
    else:
        every = [value_text(a.key, v) for a in placed.of_lines for v in a.values]
        numbers = [every.index(line.name) for line in panel.lines] if placed.of_panels else None
        draw_lines(axes, panel.lines, numbers)
    low, high = float(min(along.values)), float(max(along.values))
    log = wants_log(low, high)
    beyond = (high / low) ** _MARGIN if log else 1.0
    room = 0.0 if log else _MARGIN * (high - low)
    axes.set_xlim(low / beyond - room, high * beyond + room)
    quantity_axis(axes, "y", objective, log=objective != "loss" and wants_log(*ends))
    setting_axis(axes, setting.name, setting.dimension, log=log)
    if placed.of_panels and not log:
        axes.xaxis.set_major_locator(MaxNLocator(nbins=3))
    axes.set_ylabel(f"best {axes.get_ylabel()}")


def _tell_apart(axes: Axes, placed: Arrangement, panel: Series) -> None:
    """Name lines, or add a colour bar; and say what hollow points are."""
    if any(line.doubtful.any() for line in panel.lines):
        labels = Labels(axes)
        for line in panel.lines:
            labels.avoid_line(np.column_stack([line.x, line.y]), width=4.0)
        labels.note(_HOLLOW, _CORNERS)
    if placed.shaded:
        _shades(axes.get_figure(root=True), axes, placed)  # type: ignore[arg-type]
    elif placed.of_lines:
        name_lines(axes, panel.lines, placed.heading)


def _shades(figure: Figure, axes: Axes | Sequence[Axes], placed: Arrangement) -> None:
    """Add a colour bar of the number that tells lines apart."""
    axis = placed.of_lines[0]
    own = {float(value): value for value in axis.values}
    shades_bar(figure, axes, [float(v) for v in axis.values],
               lambda value: value_text(axis.key, own[value]), key_words(axis.key))  # fmt: skip
