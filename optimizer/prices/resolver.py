"""A problem solved again with one constraint at another limit, and what a design uses of it.

Prices (`modelsizer.optimizer.prices.prices`) and ranges of optimality
(`modelsizer.optimizer.prices.stays_optimal`) concern one constraint at a time, all else held.
"""

from __future__ import annotations

import math

from modelsizer.optimizer.constraints import Constraint, moved, moved_unchecked
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.solver import DEFAULT_SOLVER, Solver
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.units import Number, exact, plain

SPENT = 1e-9
"""Relative slack below which a limit is spent: tokens are doubles."""


class Resolver:
    """One problem, solved at other limits of its constraints, each once.

    What the time does not allow to prove raises StoppedError.

    Parameters
    ----------
    problem : Problem
    solver : str
        See `modelsizer.optimizer.solver.solve`.
    clock : Clock, optional
        Of all solves together.

    Raises
    ------
    ValueError
        If the solver is unknown or not installed.
    """

    def __init__(
        self, problem: Problem, solver: str = DEFAULT_SOLVER, clock: Clock | None = None
    ) -> None:
        self.problem = problem.without_scenarios()
        self.clock = Clock() if clock is None else clock
        self.sign = -1.0 if problem.objective.sense == "maximize" else 1.0
        self._solver = Solver(self.problem, solver=solver, clock=self.clock)
        self._known: dict[Constraint, Evaluation | None] = {}

    def today(self) -> Result:
        """The problem as it is, with the constraints that bind; perhaps not proven."""
        return self._solver.solve()

    def ask(self, problem: Problem) -> Evaluation | None:
        """The best design of another problem; None if it is infeasible."""
        self.clock.check()
        return self._solver.solve(problem=problem, details=False).finished().design

    def at(self, constraint: Constraint, limit: Number) -> Evaluation | None:
        """The best design at another limit; None if none is feasible, or limits contradict."""
        changed = constraint.at(limit)
        if changed not in self._known:
            try:
                self._known[changed] = self.ask(moved(self.problem, changed))
            except ProblemError:
                self._known[changed] = None
        return self._known[changed]

    def value(self, design: Evaluation) -> float:
        """The value of a design that is minimised."""
        return self.sign * float(design.exact[self.problem.objective.quantity])

    def own(self, design: Evaluation, constraint: Constraint, limit: Number) -> Evaluation:
        """A design evaluated at another limit."""
        problem = moved_unchecked(self.problem, constraint.at(limit))
        return evaluate(problem, design.architecture)

    def judges_alike(self, constraint: Constraint) -> bool:
        """Whether experts count the same at another limit: their leverage may be of the budget."""
        moved_on = moved_unchecked(self.problem, constraint.at(constraint.scaled(exact(2))))
        return moved_on.settings.leverage_flops == self.problem.settings.leverage_flops

    def beaten(self, own: Evaluation, rival: Evaluation | None) -> bool:
        """Whether a design is infeasible, or another one is strictly better."""
        if not own.feasible:
            return True
        return rival is not None and rival.feasible and self.value(rival) < self.value(own)


def used(constraint: Constraint, design: Evaluation) -> Number:
    """The tightest limit that a design keeps."""
    amount = design.exact[constraint.quantity]
    if isinstance(amount, float):
        return amount
    upper = constraint.side == "max"
    number, outward = plain(amount), math.inf if upper else -math.inf
    while (exact(number) < amount) if upper else (exact(number) > amount):
        number = math.nextafter(float(number), outward)
    return number


def spent(constraint: Constraint, design: Evaluation) -> bool:
    """Whether a design is at the limit, up to rounding."""
    return near(constraint, used(constraint, design))


def near(constraint: Constraint, amount: Number) -> bool:
    """Whether an amount is the limit, up to rounding."""
    limit = float(constraint.limit)
    return abs(limit - float(amount)) <= SPENT * abs(limit)
