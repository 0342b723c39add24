"""A mixed-integer program as plain matrices: what every back end is given, and nothing more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from modelsizer.optimizer.tables.clock import Limits
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]

FEASIBILITY = 1e-6
"""By how much solvers let rows and integrality be missed (HiGHS' and CBC's default). Programs are
scaled to about 1, so it is also what an objective value may be off by."""


@dataclass(frozen=True, slots=True)
class Program:
    """Minimise ``cost . x`` subject to rows and bounds.

    Parameters
    ----------
    cost : array of shape (n,)
    rows : csr_array of shape (m, n)
    row_low, row_high : array of shape (m,)
        Infinite where there is no end.
    low, high : array of shape (n,)
    integer : array of bool, shape (n,)
    column_names, row_names : tuple of str
        Letters, digits and underscores, unique.
    """

    cost: Floats
    rows: csr_array
    row_low: Floats
    row_high: Floats
    low: Floats
    high: Floats
    integer: NDArray[np.bool_]
    column_names: tuple[str, ...]
    row_names: tuple[str, ...]

    def objective(self, x: Floats) -> float:
        """Value of a point."""
        return float(self.cost @ x)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a back end knows after a run; its words are evidence, not yet a proof.

    Parameters
    ----------
    x : array of shape (n,) or None
        The best point found.
    bound : float or None
        The largest value that the solver proved no point to be below; infinite if it
        proved that there is none; None if it proved nothing.
    finished : bool
        Whether it stopped by itself, and not by a limit or an error.
    words : str
        How the library named its end, for logs.
    nodes : int
        Branch-and-bound nodes, 0 where the library does not tell.
    note : str
        What the answer should say of this run, such as that another engine took the place of
        the one asked for.
    """

    x: Floats | None
    bound: float | None
    finished: bool
    words: str
    nodes: int = 0
    note: str = ""


Backend = Callable[[Program, Limits], Outcome]
"""A solver of programs within limits."""
