"""A mixed-integer program as matrices, the input of every back end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.clock import Limits
from modelsizer.problems.records import dataclass

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Floats = NDArray[np.float64]

FEASIBILITY = 1e-6
"""Feasibility and integrality tolerance of solvers (default of HiGHS and CBC). Programs are scaled
to about 1, so it is also the error of an objective value."""


@dataclass(frozen=True, slots=True)
class Program:
    """Minimise ``cost . x`` subject to rows and bounds.

    Parameters
    ----------
    cost : array of shape (n,)
    rows : csr_array of shape (m, n)
    row_low, row_high : array of shape (m,)
        Infinite if unbounded.
    low, high : array of shape (n,)
    integer : array of bool, shape (n,)
    column_names, row_names : tuple of str
        Unique; letters, digits and underscores only.
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
        """Return the objective at a point."""
        return float(self.cost @ x)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a run of a back end, to be verified by the caller.

    Parameters
    ----------
    x : array of shape (n,) or None
        The best point found.
    bound : float or None
        Proven lower bound on the objective; infinite if infeasibility was proven; None if nothing
        was proven.
    finished : bool
        Whether the run ended normally, not by a limit or an error.
    words : str
        The library's status, for logs.
    nodes : int
        Branch-and-bound nodes; 0 if not reported.
    note : str
        A note for the answer, for example that another engine was used than the one requested.
    """

    x: Floats | None
    bound: float | None
    finished: bool
    words: str
    nodes: int = 0
    note: str = ""


Backend = Callable[[Program, Limits], Outcome]
"""Solves a program within limits."""
