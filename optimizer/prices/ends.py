"""Ends of limits: each moved by itself, and the problem solved again wherever it is.

What is worth knowing of a limit (`modelsizer.optimizer.prices.prices`,
`modelsizer.optimizer.prices.stays_optimal`) is asked of one end of it at a time, all else held.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from modelsizer.optimizer.budgets import sides
from modelsizer.optimizer.result import Result, Side
from modelsizer.optimizer.solver import DEFAULT_SOLVER, Solver
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities import QUANTITIES
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import Number, exact, plain

SPENT = 1e-9
"""Relative slack below which a limit is spent: tokens are doubles."""
WHOLE = frozenset({"count", "parameters", "tokens", "FLOPs", "bytes"})
"""Dimensions that are counted: their limits are tried in whole units."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of a limit as the file gives it.

    Parameters
    ----------
    key : str
        ``"budgets.kv_cache"``, ``"training.tokens"``.
    quantity : str
    side : {"max", "min"}
    limit : int or float
    fixed : bool
        Both ends are this number: ``training.tokens = 2e12``.
    """

    key: str
    quantity: str
    side: Side
    limit: Number
    fixed: bool = False

    @property
    def name(self) -> str:
        """The budget's name, as answers have it."""
        return self.key if self.key.startswith("training") else self.quantity

    @property
    def dimension(self) -> str:
        """A key of `modelsizer.problems.units.UNITS`."""
        return QUANTITIES[self.quantity].dimension

    def scaled(self, factor: Fraction) -> Number:
        """The limit times a factor: exact, or in whole units that ask for no more than it does."""
        value = exact(self.limit) * factor
        if self.dimension not in WHOLE:
            return plain(value)
        return math.floor(value) if self.side == "max" else math.ceil(value)

    def interval(self, problem: Problem, limit: Number) -> Interval:
        """The whole limit with this end elsewhere."""
        if self.fixed:
            return Interval(min=limit, max=limit)
        now = _given(problem, self.key)
        low, high = (now.min, limit) if self.side == "max" else (limit, now.max)
        return Interval(min=low, max=high)


def _given(problem: Problem, key: str) -> Interval:
    table, name = key.split(".")
    found = getattr(getattr(problem, table), name)
    assert isinstance(found, Interval)
    return found


def ends(problem: Problem) -> Iterator[End]:
    """Every end of every limit that a problem gives, in the order of `Result.budgets`."""
    if (tokens := problem.training.tokens) is not None:
        if tokens.min == tokens.max and tokens.max is not None:
            yield End("training.tokens", "tokens", "max", tokens.max, fixed=True)
        else:
            for side, limit in sides(tokens):
                yield End("training.tokens", "tokens", side, limit)
    for name, interval in problem.budgets.limits.items():
        for side, limit in sides(interval):
            yield End(f"budgets.{name}", name, side, limit)


def moved(problem: Problem, end: End, limit: Number) -> Problem:
    """The problem with one end of a limit elsewhere, checked.

    Raises
    ------
    ProblemError
        If it contradicts another limit.
    """
    interval = end.interval(problem, limit)
    value = limit if end.fixed else dict(sides(interval))
    return problem.with_settings({end.key: value})


def _unchecked(problem: Problem, end: End, limit: Number) -> Problem:
    """As `moved`, fast: for the evaluation of one design between limits that were checked."""
    table, name = end.key.split(".")
    part = getattr(problem, table).model_copy(update={name: end.interval(problem, limit)})
    return problem.model_copy(update={table: part})


class Resolver:
    """One problem, solved at other values of its limits, each once.

    Parameters
    ----------
    problem : Problem
    solver : str
        See `modelsizer.optimizer.solver.solve`.
    """

    def __init__(self, problem: Problem, solver: str = DEFAULT_SOLVER) -> None:
        tables = {k: v for k, v in problem.to_dict().items() if k != "scenarios"}
        self.problem = Problem.from_tables(tables, like=problem)
        self.sign = -1.0 if problem.objective.sense == "maximize" else 1.0
        self._solver = Solver(self.problem, solver=solver)
        self._known: dict[tuple[End, Number], Evaluation | None] = {}

    def today(self) -> Result:
        """The problem as it is, with the limits that bind."""
        return self._finished(self._solver.solve())

    def ask(self, problem: Problem) -> Evaluation | None:
        """The best design of another problem, None if it is infeasible."""
        return self._finished(self._solver.solve(problem=problem, details=False)).design

    def at(self, end: End, limit: Number) -> Evaluation | None:
        """The best design at another limit; None if nothing fits, or limits contradict."""
        if (end, limit) not in self._known:
            try:
                self._known[end, limit] = self.ask(moved(self.problem, end, limit))
            except ProblemError:
                self._known[end, limit] = None
        return self._known[end, limit]

    def value(self, design: Evaluation) -> float:
        """The value to minimise of a design."""
        return self.sign * float(design.exact[self.problem.objective.quantity])

    def own(self, design: Evaluation, end: End, limit: Number) -> Evaluation:
        """A design evaluated at another limit."""
        return evaluate(_unchecked(self.problem, end, limit), design.architecture)

    def beaten(self, own: Evaluation, rival: Evaluation | None) -> bool:
        """Whether a design does not fit, or another one is strictly better."""
        if not own.feasible:
            return True
        return rival is not None and rival.feasible and self.value(rival) < self.value(own)

    def _finished(self, result: Result) -> Result:
        if result.status == "limit":
            raise KeyboardInterrupt  # no limit was set, so a person stopped it
        return result


def used(end: End, design: Evaluation) -> Number:
    """The tightest limit that lets a design in."""
    amount = design.exact[end.quantity]
    if isinstance(amount, float):
        return amount
    number, outward = plain(amount), math.inf if end.side == "max" else -math.inf
    while (exact(number) < amount) if end.side == "max" else (exact(number) > amount):
        number = math.nextafter(float(number), outward)
    return number


def spent(end: End, design: Evaluation) -> bool:
    """Whether a design is at a limit, up to rounding."""
    return near(end, used(end, design))


def near(end: End, amount: Number) -> bool:
    """Whether an amount is a limit, up to rounding."""
    return abs(float(end.limit) - float(amount)) <= SPENT * abs(float(end.limit))
