"""Figures that a notebook shows without pyplot."""

from __future__ import annotations

import io
from types import MappingProxyType
from typing import Any

import matplotlib as mpl
from matplotlib import figure

from modelsizer.plots.drawing.texts import any_letters

_DPI = 150.0  # of the bitmap; it is shown at 100 pixels an inch


class Figure(figure.Figure):
    """A figure that is the last value of a notebook's cell is shown there, as pyplot's are.

    Attributes
    ----------
    style : mapping
        matplotlib's parameters to draw it with.
    """

    style: Any = MappingProxyType({})

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        """The bitmap, and the size that it is shown at."""
        content = io.BytesIO()
        with mpl.rc_context(dict(self.style)), any_letters():
            self.savefig(content, format="png", dpi=_DPI, metadata={"Software": None})
        width, height = (round(100 * side) for side in self.get_size_inches())
        return content.getvalue(), {"width": width, "height": height}
