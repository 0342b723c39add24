"""Tables of width options: everything of an architecture but its numbers of layers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from modelsizer.problems.architecture.choices import WIDTHS
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.columns import Columns
from numpy.typing import NDArray

__all__ = ["WIDTHS", "Options"]

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Options(Columns):
    """A table of W width options of one block.

    Depths that do not follow from one another by even steps take several rows for each option.

    Parameters
    ----------
    block : str
        The block that all rows share.
    widths : dict of str to array of int64, shape (W,)
        By the names of `modelsizer.problems.architecture.choices.WIDTHS`.
    depths : Depths
    """

    block: str
    widths: dict[str, Ints]
    depths: Depths

    def __getitem__(self, name: str) -> Ints:
        """A width of each row."""
        return self.widths[name]

    @property
    def designs(self) -> int:
        """How many designs the rows hold."""
        return self.depths.designs
