"""Axes of the drawings of a live page: ends and ticks, with their texts."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from modelsizer.plots.drawing.axes import tick, words
from modelsizer.plots.drawing.cells import cell_borders
from modelsizer.problems.records import dataclass

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TICKS = 7  # at most, of a linear axis
_FEW_DECADES = 2.0  # below which 2 and 5 of each decade are labelled too


@dataclass(frozen=True, slots=True)
class Axis:
    """An axis of whole numbers, or a logarithmic one.

    Parameters
    ----------
    name : str
        Of a quantity, or of a column of an architecture.
    min, max : float
    log : bool
    """

    name: str
    min: float
    max: float
    log: bool = False

    @classmethod
    def around(cls, name: str, values: NDArray[np.int64]) -> Axis:
        """The linear axis of the cells around values, of shape (n,)."""
        borders = cell_borders(values)
        return cls(name, borders[0], borders[-1])

    def to_dict(self) -> dict[str, object]:
        """The keys of the page."""
        ticks = [{"value": value, "text": tick(value, self.name)} for value in self.ticks]
        return {
            "label": words(self.name),
            "ticks": ticks,
            "min": self.min,
            "max": self.max,
            "log": self.log,
        }

    @property
    def ticks(self) -> list[float]:
        """Round numbers on the axis, ascending."""
        if not self.log:
            step = _whole_step((self.max - self.min) / _TICKS)
            first, last = math.ceil(self.min / step), math.floor(self.max / step)
            return [float(n * step) for n in range(first, last + 1)]
        low, high = math.log10(self.min), math.log10(self.max)
        leads = (1, 2, 5) if high - low < _FEW_DECADES else (1,)
        powers = range(math.floor(low), math.ceil(high) + 1)
        found = (lead * 10.0**power for power in powers for lead in leads)
        return [value for value in found if self.min <= value <= self.max]


def _whole_step(least: float) -> int:
    """The least step of 1, 2 or 5 times a power of ten that is not below a number."""
    power = 1
    while 10 * power <= least:
        power *= 10
    return next(lead * power for lead in (1, 2, 5, 10) if lead * power >= least)
