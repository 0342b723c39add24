"""The optimal objective along one swept setting, a line for each value of the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelsizer.optimizer.sweeps.numeric_setting import NumericSetting
from modelsizer.optimizer.sweeps.whatif import value_text
from modelsizer.plots.drawing.axes import heading, quantity_axis, setting_axis
from modelsizer.plots.drawing.lines import Line, draw_lines, name_lines
from modelsizer.plots.drawing.notes import note
from modelsizer.plots.drawing.one_axes import one_axes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.optimizer.sweeps.grids import Axis
    from modelsizer.optimizer.sweeps.sweep import SweepResult

_LOG_FROM = 8.0  # range factor from which an axis is logarithmic
_MARGIN = 0.03  # fraction of the width beside the first and the last point


def sweep(
    found: SweepResult, *, title: str = "", size: str = "wide", ax: Axes | None = None
) -> Figure:
    """Draw the objective of a sweep along one key, with a line for each value of the others.

    Along the last key that takes several numbers. Every full point is a proven optimum; a hollow
    one is the best design known. Points without a design are left out.

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
        If no key takes several numbers, no line has a point, or there are more lines than can be
        told apart.
    """
    along = _along(found)
    others = [axis for axis in found.grid.axes if axis.key != along.key]
    lines = _lines(found, along, others)
    if not lines:
        raise ValueError("no point of the sweep has a design")
    setting = NumericSetting.of(found.problem, along.key)
    objective = found.problem.objective.quantity
    with one_axes(ax, size) as (figure, axes):
        draw_lines(axes, lines)
        low, high = float(min(along.values)), float(max(along.values))
        log = low > 0 and high / low >= _LOG_FROM
        beyond = (high / low) ** _MARGIN if log else 1.0
        room = 0.0 if log else _MARGIN * (high - low)
        axes.set_xlim(low / beyond - room, high * beyond + room)
        values = np.concatenate([line.y for line in lines])
        spread = objective != "loss" and values.min() > 0
        quantity_axis(axes, "y", objective,
                      log=spread and values.max() / values.min() >= _LOG_FROM)  # fmt: skip
        setting_axis(axes, setting.name, setting.dimension, log=log)
        axes.set_ylabel(f"best {axes.get_ylabel()}")
        if any(line.doubtful.any() for line in lines):
            note(axes, "hollow: not proven", "upper right")
        heading(axes, title)
        if others:
            name_lines(axes, lines)
    return figure


def _along(found: SweepResult) -> Axis:
    """The last key that takes several numbers."""
    for axis in reversed(found.grid.axes):
        numbers = all(isinstance(v, int | float) and not isinstance(v, bool) for v in axis.values)
        if numbers and len(axis.values) > 1:
            return axis
    raise ValueError("a picture of a sweep needs a key that takes several numbers")


def _lines(found: SweepResult, along: Axis, others: list[Axis]) -> list[Line]:
    points: dict[str, list[tuple[float, float, bool]]] = {}
    for row in found.rows:
        if row["objective"] is None or row["status"] not in ("optimal", "limit"):
            continue
        name = ", ".join(value_text(axis.key, row[axis.key]) for axis in others)
        at = (float(row[along.key]), float(row["objective"]), row["status"] == "limit")
        points.setdefault(name, []).append(at)
    return [
        Line(name, np.array(x), np.array(y), np.array(doubtful))
        for name, each in points.items()
        for x, y, doubtful in [zip(*sorted(each), strict=True)]
    ]
