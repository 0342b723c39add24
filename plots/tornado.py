"""What-if: how far each setting, taken low and high, moves the objective from its value today."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from plots.axes import heading, quantity_axis, tick, words
from plots.style import FILLS, INK, QUIET, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Row = tuple[str, float | None, float | None, str, str]
"""Label; the objective at the low and at the high setting, None where nothing fits; their texts."""
_BAR = 0.62  # of a row
_ROWS_OF_A_SIZE = 10  # rows that fill a figure of the size's own height
_HEAD = 2.6  # rows that title and axis take
_AWAY = 4  # points from the end of a bar to its text
_MOST_WORDS = 0.85  # of the width, that texts may take before bars would vanish
_LEAST_SPAN = 1e-3  # of the bars' span, or of the base where no row moves it: never no width
_ROUNDS = 60  # in which limits settle


def tornado(
    rows: Sequence[Row],
    base: float,
    *,
    name: str = "loss",
    title: str = "",
    size: str = "wide",
) -> Figure:
    """Draw bars around the value today, the widest swing on top.

    Parameters
    ----------
    rows : sequence of (label, low value, high value, low text, high text)
        The objective where the setting is low and where it is high, and what these settings are;
        a value is None where no design keeps the limits.
    base : float
        The objective today.
    name : str
        The objective: a quantity of `problems.quantities`.
    title : str
    size : str
        A key of `plots.style.SIZES`.

    Returns
    -------
    Figure
        Bars of the low setting are blue, those of the high one orange. Where both move the
        objective to the same side, each has half of the row.

    Raises
    ------
    ValueError
        If there is no row.
    """
    if not rows:
        raise ValueError("a tornado needs at least one setting that was changed")
    ordered = sorted(rows, key=lambda row: (-_swing(row, base), row[0]))
    with canvas(size, height=(len(rows) + _HEAD) / _ROWS_OF_A_SIZE) as figure:
        axes = figure.add_subplot()
        for at, row in enumerate(ordered):
            _bars(axes, at, row, base)
        axes.axvline(base, color=INK, lw=1.0, zorder=4)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.set_yticks(range(len(rows)), [row[0] for row in ordered])
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        quantity_axis(axes, "x", name)
        axes.set_xlabel(f"{words(name)}; today {tick(base, name)}")
        heading(axes, title)
        values = [base, *(value for row in ordered for value in _values(row))]
        figure.draw_without_rendering()
        _make_room(axes, values)
    return figure


def _values(row: Row) -> list[float]:
    return [value for value in row[1:3] if value is not None]


def _swing(row: Row, base: float) -> float:
    """How far apart the ends lie; a setting that leaves nothing swings the most."""
    if None in row[1:3]:
        return math.inf
    return max([base, *_values(row)]) - min([base, *_values(row)])


def _make_room(axes: Axes, values: Sequence[float]) -> None:
    """Set limits between which every text beside a bar has room."""
    from matplotlib.text import Annotation

    whole = axes.get_window_extent().width
    edge = (max(values) - min(values) or abs(values[0]) or 1.0) * _LEAST_SPAN
    left, right = [(min(values) - edge, 0.0)], [(max(values) + edge, 0.0)]
    for text in axes.texts:
        share = (text.get_window_extent().width + 2 * _AWAY) / whole
        side = right if text.get_horizontalalignment() == "left" else left
        assert isinstance(text, Annotation)
        side.append((float(text.xy[0]), share))
    most = max(share for _, share in left) + max(share for _, share in right)
    shrink = min(1.0, _MOST_WORDS / most) if most else 1.0
    low, high = left[0][0], right[0][0]
    for _ in range(_ROUNDS):
        span = high - low
        low = min(x - share * shrink * span for x, share in left)
        high = max(x + share * shrink * span for x, share in right)
    axes.set_xlim(low, high)


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
            _write(axes, base, y, f"{text}: nothing fits", side, QUIET)
            continue
        axes.barh(y, value - base, height, left=base, color=colour, zorder=2)
        _write(axes, value, y, text, side, INK)


def _sides(low: float | None, high: float | None, base: float) -> tuple[int, int]:
    """On which side of the base each text stands; what moves nothing stands across the other.

    Where nothing fits, there is no better value: that text stands with the greater ones.
    """
    first, second = (
        0 if value is None or value == base else int(math.copysign(1, value - base))
        for value in (low, high)
    )
    if not first and not second:
        return (-1, 1) if low is not None else (1, -1)
    return first or -second, second or -first


def _write(axes: Axes, x: float, y: float, text: str, side: int, colour: str) -> None:
    axes.annotate(text, (x, y), (_AWAY * side, 0), textcoords="offset points", va="center",
                  ha="left" if side > 0 else "right", fontsize="small", color=colour,
                  zorder=5)  # fmt: skip
