"""Several lines in one pair of axes, told apart by colour and marker, named at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.line_ends import name_ends
from modelsizer.plots.drawing.style import FILLS, INK, small
from modelsizer.problems.records import dataclass

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_COLOURS = (*FILLS[:5], INK, FILLS[6])
"""Of Okabe and Ito's without yellow, which is too light for a line on white."""
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
_DASHES = ("-", (0, (5, 2)))
MOST_LINES = len(_COLOURS) * len(_DASHES)
"""Lines that can be told apart."""
_MARKER_POINTS = {False: 4.2, True: 3.2}  # by whether the figure is small


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


def draw_lines(axes: Axes, lines: Sequence[Line]) -> None:
    """Draw lines without their names; see `name_lines`.

    Raises
    ------
    ValueError
        If there are none, or more than `MOST_LINES`.
    """
    if not lines:
        raise ValueError("there is no line to draw")
    if len(lines) > MOST_LINES:
        raise ValueError(f"{len(lines)} lines cannot be told apart; {MOST_LINES} can")
    figure = axes.get_figure(root=True)
    points = _MARKER_POINTS[small(figure)]
    for number, line in enumerate(lines):
        colour, dash = _look(number)
        marker = _MARKERS[number % len(_MARKERS)]
        axes.plot(line.x, line.y, color=colour, linewidth=1.3, linestyle=dash, zorder=3)
        for mask, face in ((~line.doubtful, colour), (line.doubtful, "white")):
            axes.plot(line.x[mask], line.y[mask], linestyle="none", marker=marker, zorder=4,
                      markersize=points, markerfacecolor=face, markeredgecolor=colour,
                      markeredgewidth=0.8)  # fmt: skip


def name_lines(axes: Axes, lines: Sequence[Line]) -> None:
    """Write the names of lines beside the axes, whose limits must be final."""
    ends = [(float(line.x[-1]), float(line.y[-1])) for line in lines]
    colours = [_look(number)[0] for number in range(len(lines))]
    name_ends(axes, [line.name for line in lines], ends, colours, ink=INK)


def _look(number: int) -> tuple[str, str | tuple[float, tuple[float, float]]]:
    """Colour and dashes of a line."""
    turn, place = divmod(number, len(_COLOURS))
    return _COLOURS[place], _DASHES[turn]
