"""What a solver returns, and what it says on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from modelsizer.optimizer.tables.clock import Stop
from modelsizer.problems.designs.evaluation import Evaluation

COMPARABLE = 2_000_000
"""Designs that the last comparison takes on; about 0.3 s of NumPy."""

Progress = Callable[[float, float, int], None]
"""Called with incumbent and bound (as values to minimise) and the number of boxes left."""


@dataclass
class Counts:
    """Designs looked at, under each layout that can split them, and how many each step removed.

    Parameters
    ----------
    designs, options : int
        Designs and width options listed.
    by_budgets, by_bounds, by_dominance : int
        Designs that break a limit, that a bound rules out, that another one is provably at least
        as good as.
    left : int
        Designs that tightening left.
    columns, rounds : int
        Of the mixed-integer program: columns of the last one, and how often it was solved.
    compared : int
        Designs compared exactly at the end.
    blocks : int
        Blocks of the menus bounded, where the space is too large to list.
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
class Found:
    """What a solver returns, in values to minimise.

    Parameters
    ----------
    incumbent : Evaluation or None
    bound : float
        No design has a lower value; infinite if there is no feasible design at all.
    stop : Stop
    counts : Counts
    notes : tuple of str
        Things about the solver that a user should know.
    relaxation_bound : float or None
        The last bound that the mixed-integer solver proved.
    """

    incumbent: Evaluation | None
    bound: float
    stop: Stop
    counts: Counts
    notes: tuple[str, ...] = ()
    relaxation_bound: float | None = None
