"""Notes in a corner of the axes."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from modelsizer.plots.drawing.style import QUIET

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Text

CORNERS = MappingProxyType(
    {
        "upper left": (0.02, 0.98, "left", "top"),
        "upper right": (0.99, 0.98, "right", "top"),
        "lower left": (0.02, 0.02, "left", "bottom"),
        "lower right": (0.99, 0.02, "right", "bottom"),
    }
)
"""Places of notes: fractions of the axes, and the alignment of the text."""


def note(
    axes: Axes,
    words: str,
    corner: str = "upper left",
    *,
    color: str = QUIET,
    fontsize: str = "small",
) -> Text:
    """Write a note in a corner that is known to be free; see `labels.Labels.note` otherwise.

    Parameters
    ----------
    axes : Axes
    words : str
    corner : str
        A key of `CORNERS`.
    color, fontsize : str
    """
    x, y, ha, va = CORNERS[corner]
    style: Any = {"ha": ha, "va": va, "color": color, "fontsize": fontsize, "zorder": 6}
    return axes.text(x, y, words, transform=axes.transAxes, **style)
