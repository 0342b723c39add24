"""Tables of width options: architectures without their numbers of layers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.choices import WIDTHS
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.columns import Columns
from modelsizer.problems.records import dataclass

__all__ = ["WIDTHS", "Options"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Options(Columns):
    """A table of W width options of one structure.

    An option takes several rows if its depths are not evenly spaced.

    Parameters
    ----------
    structure : Structure
        That of all rows.
    widths : dict of str to array of int64, shape (W,)
        The widths of the structure.
    depths : Depths
    """

    structure: Structure
    widths: dict[str, Ints]
    depths: Depths

    def __getitem__(self, name: str) -> Ints:
        """Return a width of each row."""
        return self.widths[name]

    @property
    def designs(self) -> int:
        """Return the number of designs in all rows."""
        return self.depths.designs
