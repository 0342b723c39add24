"""Lines of a number that takes many values: shades of one scale, with a colour bar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.axes import wants_log
from modelsizer.plots.drawing.lines import Line, Look, draw_marks
from modelsizer.plots.drawing.marks import colour_bar
from modelsizer.plots.drawing.style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

_DARKEST, _LIGHTEST = 0.0, 0.88  # on the colour map: the palest end is faint on white
_LABELS = 7  # of the colour bar, at most


def draw_shaded(
    axes: Axes, lines: Sequence[Line], values: Sequence[float], every: Sequence[float]
) -> None:
    """Draw lines in the shade of their value.

    Parameters
    ----------
    axes : Axes
    lines : sequence of Line
    values : sequence of float
        Of each line.
    every : sequence of float
        All values of the scale, also of other panels.
    """
    from matplotlib.colors import to_hex

    scale = _scale(every)
    for line, value in zip(lines, values, strict=True):
        colour = to_hex(scale.to_rgba(value))  # type: ignore[arg-type]
        axes.plot(line.x, line.y, color=colour, linewidth=1.2, zorder=3)
        draw_marks(axes, line.x, line.y, line.doubtful, Look(colour, "o", "-"))


def shades_bar(
    figure: Figure,
    axes: Axes | Sequence[Axes],
    every: Sequence[float],
    text: Callable[[float], str],
    words: str,
) -> None:
    """Add the colour bar of `draw_shaded`, with values as labels.

    Parameters
    ----------
    figure : Figure
    axes : Axes or sequence of Axes
    every : sequence of float
        See `draw_shaded`.
    text : callable
        Writes a value.
    words : str
        What the values are of.
    """
    bar = colour_bar(figure, axes, _scale(every), extend="neither")
    values = sorted(every)
    at = np.unique(np.linspace(0, len(values) - 1, min(_LABELS, len(values))).round().astype(int))
    bar.set_ticks([values[i] for i in at], labels=[text(values[i]) for i in at])
    bar.ax.minorticks_off()
    bar.set_label(words)


def _scale(every: Sequence[float]) -> ScalarMappable:
    import matplotlib as mpl
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, LogNorm, Normalize

    low, high = min(every), max(every)
    log = wants_log(low, high)
    colours = mpl.colormaps[COLOURS](np.linspace(_DARKEST, _LIGHTEST, 256))
    return ScalarMappable((LogNorm if log else Normalize)(low, high), ListedColormap(colours))
