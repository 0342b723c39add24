"""Tornado diagram: change of the objective at a low and a high value of each setting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelsizer.plots.drawing.axes import heading, quantity_axis, tick, words
from modelsizer.plots.drawing.bars import HEAD, beside, make_room, rows_around
from modelsizer.plots.drawing.one_axes import one_axes
from modelsizer.plots.drawing.style import FILLS, QUIET

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = tuple[str, float | None, float | None, str, str]
"""Label; objectives at the low and high value, None if infeasible; texts of these values."""
_BAR = 0.62  # fraction of a row
_ROWS_OF_A_SIZE = 10  # rows in a figure of the default height


def tornado(
    rows: Sequence[Row],
    base: float,
    *,
    name: str = "loss",
    title: str = "",
    size: str = "wide",
    ax: Axes | None = None,
) -> Figure:
    """Draw bars around today's objective, the widest on top.

    Parameters
    ----------
    rows : sequence of (label, low value, high value, low text, high text)
        The objective at the low and at the high value of a setting, and these values as text; an
        objective is None if infeasible.
    base : float
        Today's objective.
    name : str
        The objective: a quantity of `modelsizer.problems.quantities`.
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    Figure
        Bars of the low value are blue, those of the high one orange. If both change the objective
        in the same direction, each takes half of the row.

    Raises
    ------
    ValueError
        If `rows` is empty.
    """
    if not rows:
        raise ValueError("a tornado needs at least one setting that was changed")
    ordered = sorted(rows, key=lambda row: (-_swing(row, base), row[0]))
    with one_axes(ax, size, height=(len(rows) + HEAD) / _ROWS_OF_A_SIZE) as (figure, axes):
        for at, row in enumerate(ordered):
            _bars(axes, at, row, base)
        rows_around(axes, [row[0] for row in ordered], base)
        quantity_axis(axes, "x", name)
        axes.set_xlabel(f"{words(name)}; today {tick(base, name)}")
        heading(axes, title)
        values = [base, *(value for row in ordered for value in _values(row))]
        figure.draw_without_rendering()
        make_room(axes, values)
    return figure


def _values(row: Row) -> list[float]:
    return [value for value in row[1:3] if value is not None]


def _swing(row: Row, base: float) -> float:
    """Return the distance between the ends; infeasible settings rank as the widest."""
    if None in row[1:3]:
        return math.inf
    return max([base, *_values(row)]) - min([base, *_values(row)])


def _bars(axes: Axes, at: int, row: Row, base: float) -> None:
    _, low, high, low_text, high_text = row
    same = low is not None and high is not None and (low - base) * (high - base) > 0
    half = _BAR / 2
    lanes = ((at - half / 2, half), (at + half / 2, half)) if same else ((at, _BAR), (at, _BAR))
    sides = _sides(low, high, base)
    for value, text, (y, height), colour, side in zip(
        (low, high), (low_text, high_text), lanes, FILLS, sides, strict=False
    ):
        if value is None:
            beside(axes, base, y, f"{text}: nothing fits", side, QUIET)
            continue
        axes.barh(y, value - base, height, left=base, color=colour, zorder=2)
        beside(axes, value, y, text, side)


def _sides(low: float | None, high: float | None, base: float) -> tuple[int, int]:
    """Return the side of the base for each text; an unchanged value takes the other's opposite.

    The text of an infeasible setting is on the side of greater values.
    """
    first, second = (
        0 if value is None or value == base else int(math.copysign(1, value - base))
        for value in (low, high)
    )
    if not first and not second:
        return (-1, 1) if low is not None else (1, -1)
    return first or -second, second or -first
