"""Several lines in one pair of axes, told apart by marker and colour, named at their ends.

No two have the same marker and colour, and markers alone tell them apart in print without colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.line_ends import name_ends
from modelsizer.plots.drawing.one_axes import legend_below
from modelsizer.plots.drawing.style import FILLS, INK, small
from modelsizer.plots.drawing.texts import one_line
from modelsizer.problems.records import dataclass

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_COLOURS = (*FILLS[:5], INK, FILLS[6])
"""Of Okabe and Ito's without yellow, which is too light for a line on white."""
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.2, 1.5)))
MOST_LINES = len(_COLOURS) * len(_MARKERS)
"""Lines that can be told apart: as the numbers of colours and of markers have no common divisor,
no pair of them repeats before."""
_MARKER_POINTS = {False: 4.2, True: 3.2}  # by whether the figure is small


@dataclass(frozen=True, slots=True)
class Look:
    """How one of several series is drawn.

    Parameters
    ----------
    colour, marker : str
    dash : str or (offset, (on, off, ...))
        Solid for the first ones; of lines whose dashes mean nothing else.
    """

    colour: str
    marker: str
    dash: str | tuple[float, tuple[float, ...]]


def look(number: int) -> Look:
    """Return the look of a series, by its number from 0."""
    turn = number // len(_COLOURS) % len(_DASHES)
    colour, marker = _COLOURS[number % len(_COLOURS)], _MARKERS[number % len(_MARKERS)]
    return Look(colour, marker, _DASHES[turn])


def check_lines(count: int) -> None:
    """Refuse more lines than can be told apart.

    Raises
    ------
    ValueError
        If there are none, or more than `MOST_LINES`.
    """
    if not count:
        raise ValueError("there is no line to draw")
    if count > MOST_LINES:
        raise ValueError(f"{count} lines cannot be told apart; {MOST_LINES} can")


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points, of which some may be doubtful.

    Parameters
    ----------
    name : str
    x, y : array of shape (n,)
        In ascending order of x.
    doubtful : array of bool, shape (n,)
        Points that are drawn hollow.
    """

    name: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    doubtful: NDArray[np.bool_]


def draw_lines(axes: Axes, lines: Sequence[Line], numbers: Sequence[int] | None = None) -> None:
    """Draw lines without their names; see `name_lines` and `lines_key`.

    Parameters
    ----------
    axes : Axes
    lines : sequence of Line
    numbers : sequence of int, optional
        Of the look of each, where several panels show the same series; by default their order.

    Raises
    ------
    ValueError
        If there are none, or more than `MOST_LINES`.
    """
    check_lines(len(lines))
    for number, line in zip(numbers or range(len(lines)), lines, strict=True):
        own = look(number)
        axes.plot(line.x, line.y, color=own.colour, linewidth=1.3, linestyle=own.dash, zorder=3)
        draw_marks(axes, line.x, line.y, line.doubtful, own)


def draw_marks(
    axes: Axes,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    doubtful: NDArray[np.bool_],
    own: Look,
) -> None:
    """Draw the marks of a series, hollow where they are doubtful."""
    points = _MARKER_POINTS[small(axes)]
    for mask, face in ((~doubtful, own.colour), (doubtful, "white")):
        axes.plot(x[mask], y[mask], linestyle="none", marker=own.marker, zorder=4,
                  markersize=points, markerfacecolor=face, markeredgecolor=own.colour,
                  markeredgewidth=0.8)  # fmt: skip


def name_lines(axes: Axes, lines: Sequence[Line], over: str = "") -> None:
    """Write the names of lines beside the axes, whose limits must be final.

    Parameters
    ----------
    axes : Axes
    lines : sequence of Line
    over : str
        What the names are of.
    """
    ends = [(float(line.x[-1]), float(line.y[-1])) for line in lines]
    colours = [look(number).colour for number in range(len(lines))]
    name_ends(axes, [line.name for line in lines], ends, colours, ink=INK, over=over)


def lines_key(figure: Figure, names: Sequence[str], words: str, more: str = "") -> None:
    """Draw a legend of series below a figure of several panels.

    Parameters
    ----------
    figure : Figure
    names : sequence of str
        In the order of their looks.
    words : str
        What the names are of.
    more : str
        What hollow marks mean; empty if there are none.
    """
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=own.colour, marker=own.marker, ls=own.dash, ms=4.0, lw=1.2,
               label=one_line(name))
        for number, name in enumerate(names)
        for own in [look(number)]
    ]  # fmt: skip
    if more:
        handles.append(Line2D([], [], ls="none", marker="o", mfc="white", mec=INK, ms=4.0,
                              label=more))  # fmt: skip
    legend_below(figure, handles, ncols=2 if small(figure) else 5, title=words,
                 title_fontsize="small", alignment="left")  # fmt: skip
