"""Results and progress of a solver."""

from __future__ import annotations

from collections.abc import Callable

from modelsizer.optimizer.tables.clock import Stop
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.records import dataclass

COMPARABLE = 2_000_000
"""Maximum number of designs of the final comparison; about 0.3 s of NumPy."""

Progress = Callable[[float, float, int], None]
"""Called with incumbent and bound (as values to minimise) and the number of boxes left."""


@dataclass
class Counts:
    """Numbers of designs, per layout that can split them, and of those removed by each step.

    Parameters
    ----------
    designs, options : int
        Designs and width options enumerated.
    by_budgets, by_bounds, by_dominance : int
        Designs removed because they violate a limit, by a bound, or because another design is
        provably at least as good.
    left : int
        Designs left by tightening.
    columns, rounds : int
        Columns of the last mixed-integer program, and number of times that it was solved.
    compared : int
        Designs compared exactly at the end.
    blocks : int
        Blocks of the menus bounded, if the space is too large to enumerate.
    """

    designs: int = 0
    options: int = 0
    by_budgets: int = 0
    by_bounds: int = 0
    by_dominance: int = 0
    left: int = 0
    columns: int = 0
    rounds: int = 0
    compared: int = 0
    blocks: int = 0


@dataclass(frozen=True, slots=True)
class SolverResult:
    """Result of a solver, in values to minimise.

    Parameters
    ----------
    incumbent : Evaluation or None
    bound : float
        Lower bound on the value of every design; infinite if there is no feasible design.
    stop : Stop
    counts : Counts
    notes : tuple of str
        Notes on the solver for the user.
    relaxation_bound : float or None
        The last bound that the mixed-integer solver proved.
    """

    incumbent: Evaluation | None
    bound: float
    stop: Stop
    counts: Counts
    notes: tuple[str, ...] = ()
    relaxation_bound: float | None = None
