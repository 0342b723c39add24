"""A problem solved again with one constraint at another limit, and what a design uses of it.

Prices (`modelsizer.optimizer.prices.prices`) and ranges of optimality
(`modelsizer.optimizer.prices.stays_optimal`) concern one constraint at a time, all else held.

Many limits need no solve of their own, since the optimum at others proves theirs.

*Tightening.* No design gets better as a limit is tightened. If the optimum at a looser limit is
feasible at a tighter one, at the same value, it is the optimum there, and first of equals; if
nothing is feasible at the looser limit, nothing is at the tighter one.

*Between.* Where compute limits the tokens of every design and the law is a sum of terms of which
those in the tokens have one exponent, the loss of a design as a function of the compute C is
``a + b C^-beta`` with its own a and b. The difference of two such functions is monotone in C, so
the design and layout that are optimal at two limits are so at each between.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence

from modelsizer.optimizer.constraints import (
    Constraint,
    constraints,
    dropped,
    moved,
    moved_unchecked,
)
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.solver import DEFAULT_SOLVER, Solver
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.designs.evaluation import Evaluation, Evaluator
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.laws.laws import PowerLaw
from modelsizer.problems.laws.terms import TermLaw
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import names_of
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import Number, exact, plain

SPENT = 1e-9
"""Relative slack below which a limit is spent: tokens are doubles."""


@dataclass(frozen=True, slots=True)
class Known:
    """The optimum at a limit; a design of None if none is feasible.

    Parameters
    ----------
    design : Evaluation or None
    uncapped : bool
        Whether the design is also the optimum of `Resolver.without_caps`.
    refused : bool
        Whether nothing was solved, since the limit contradicts another or cannot be.
    """

    design: Evaluation | None
    uncapped: bool = False
    refused: bool = False


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
        self._today: Evaluation | None = None
        self._known: dict[str, dict[Number, Known]] = {}  # by key of a constraint, then by limit
        self._evaluators: dict[Constraint, Evaluator] = {}
        self._alike: dict[str, bool] = {}
        self._without_caps: dict[str, Problem | None] = {}

    def today(self) -> Result:
        """The problem as it is, with the constraints that bind; perhaps not proven."""
        result = self._solver.solve()
        if result.status == "optimal":
            self._today = result.design
        return result

    def ask(self, problem: Problem) -> Evaluation | None:
        """The best design of another problem; None if it is infeasible."""
        self.clock.check()
        return self._solver.solve(problem=problem, details=False).finished().design

    def at(self, constraint: Constraint, limit: Number) -> Evaluation | None:
        """The best design at another limit; None if none is feasible, or limits contradict."""
        known = self._of(constraint)
        if limit not in known:
            known[limit] = self._tightened(constraint, limit) or (
                self._between(constraint, limit) or self._solved(constraint, limit)
            )
        return known[limit].design

    def unlimited(self, constraint: Constraint) -> Evaluation | None:
        """The best design without a constraint; None if the question has no answer then."""
        known, loosest = self._of(constraint), _loosest(constraint)
        if loosest not in known and self._nests(constraint):
            try:
                known[loosest] = Known(self.ask(dropped(self.problem, constraint)))
            except ProblemError:
                return None
        return known[loosest].design if loosest in known else None

    def never_beaten(self, design: Evaluation, constraint: Constraint) -> bool:
        """Whether `unlimited` has shown that no looser limit has a better design."""
        known = self._of(constraint).get(_loosest(constraint))
        best = None if known is None else known.design
        return best is not None and not self.value(best) < self.value(design)

    def held_between(self, constraint: Constraint, value: float) -> Evaluation | None:
        """The design that is optimal over a range of compute within which its loss is a value.

        None if no such range is known.
        """
        for (_, less), (_, more) in self._held(constraint):
            if self.value(more) <= value <= self.value(less):
                return less
        return None

    def order(self, constraint: Constraint, limits: Sequence[Number]) -> list[int]:
        """Indices of limits in an order in which the optima at the first prove many of the others.

        From the loosest to the tightest; where optima between two may follow from these, first both
        ends, then always the middle.
        """
        upper = constraint.side == "max"
        found = sorted(range(len(limits)), key=lambda i: limits[i], reverse=upper)
        if not found or self.without_caps(constraint) is None:
            return found
        parts, halved = [(0, len(found) - 1)], dict.fromkeys((0, len(found) - 1))
        for low, high in parts:
            middle = (low + high) // 2
            if low < middle:
                halved[middle] = None
                parts += [(low, middle), (middle, high)]
        return [found[i] for i in halved]

    def value(self, design: Evaluation) -> float:
        """The value of a design that is minimised."""
        return self.sign * float(design.exact[self.problem.objective.quantity])

    def own(self, design: Evaluation, constraint: Constraint, limit: Number) -> Evaluation:
        """A design evaluated at another limit."""
        changed = constraint.at(limit)
        if changed not in self._evaluators:
            self._evaluators[changed] = Evaluator(moved_unchecked(self.problem, changed))
        return self._evaluators[changed].evaluate(design.architecture)

    def judges_alike(self, constraint: Constraint) -> bool:
        """Whether experts count the same at another limit: their leverage may be of the budget."""
        if constraint.key not in self._alike:
            moved_on = moved_unchecked(self.problem, constraint.at(constraint.scaled(exact(2))))
            same = moved_on.settings.leverage_flops == self.problem.settings.leverage_flops
            self._alike[constraint.key] = same
        return self._alike[constraint.key]

    def beaten(self, own: Evaluation, rival: Evaluation | None) -> bool:
        """Whether a design is infeasible, or another one is strictly better."""
        if not own.feasible:
            return True
        return rival is not None and rival.feasible and self.value(rival) < self.value(own)

    # Optima that others prove

    def _of(self, constraint: Constraint) -> dict[Number, Known]:
        """What is known at limits of a constraint, today's optimum first."""
        if constraint.key not in self._known:
            found = {} if self._today is None else {constraint.limit: Known(self._today)}
            self._known[constraint.key] = found
        return self._known[constraint.key]

    def _nests(self, constraint: Constraint) -> bool:
        """Whether no design is better at a tighter limit than at a looser one."""
        return not constraint.equality and self.judges_alike(constraint)

    def _tightened(self, constraint: Constraint, limit: Number) -> Known | None:
        """The optimum at a limit if the one at the next looser limit proves it."""
        known, upper = self._of(constraint), constraint.side == "max"
        ends = [end for end in known if (end > limit if upper else end < limit)]
        if not ends or not self._nests(constraint):
            return None
        looser = known[min(ends) if upper else max(ends)]
        if looser.design is None:
            return None if looser.refused else looser
        own = self.own(looser.design, constraint, limit)
        same = own.feasible and self.value(own) == self.value(looser.design)
        return Known(own, looser.uncapped) if same else None

    def _between(self, constraint: Constraint, limit: Number) -> Known | None:
        """The optimum at a limit if it is the same design at limits on both sides."""
        for (low, less), (high, _) in self._held(constraint):
            if low < limit < high:
                return Known(self.own(less, constraint, limit), uncapped=True)
        return None

    def _held(
        self, constraint: Constraint
    ) -> Iterator[tuple[tuple[Number, Evaluation], tuple[Number, Evaluation]]]:
        """Pairs of limits, and the design that is optimal at both and between, evaluated there."""
        known = self._of(constraint)
        uncapped = {limit: each.design for limit, each in known.items() if each.uncapped}
        ends = [(limit, uncapped[limit]) for limit in sorted(uncapped)]
        for (low, less), (high, more) in itertools.pairwise(ends):
            if less is not None and more is not None and _same(less, more):
                yield (low, less), (high, more)

    def _solved(self, constraint: Constraint, limit: Number) -> Known:
        """The optimum at a limit, by solving."""
        changed = constraint.at(limit)
        try:
            free = self.without_caps(constraint)
            capped = free is None or self._is_capped(constraint, limit)
            best = None if free is None or capped else self.ask(moved(free, changed))
            if best is not None:
                own = self.own(best, constraint, limit)
                if own.feasible and self.value(own) == self.value(best):
                    return Known(own, uncapped=True)
                self._without_caps[constraint.key] = None  # the other limits set tokens
            return Known(self.ask(moved(self.problem, changed)))
        except ProblemError:
            return Known(None, refused=True)

    def _is_capped(self, constraint: Constraint, limit: Number) -> bool:
        """Whether other limits than those of compute set the tokens of today's design."""
        most = self.problem.token_limits.most
        if most is None or self._today is None:
            return False
        return self.own(self._today, constraint, limit).text >= most

    def without_caps(self, constraint: Constraint) -> Problem | None:
        """The problem in which a constraint, one of compute, alone sets the tokens of designs.

        It is without other limits on tokens, on the loss and on the lifetime. An optimum of it that
        keeps them is that of the problem. None unless the losses of any two designs cross once at
        most as the constraint is moved, and where an optimum of it did not keep them.
        """
        if constraint.key not in self._without_caps:
            self._without_caps[constraint.key] = self._free(constraint)
        return self._without_caps[constraint.key]

    def _free(self, constraint: Constraint) -> Problem | None:
        problem, compute = self.problem, names_of("flops")
        if problem.several:
            return None
        if problem.objective.quantity != "loss" or constraint.quantity not in compute:
            return None
        if constraint.side != "max" or not self._nests(constraint) or not _has_one_power(problem):
            return None
        uppers = [c for c in constraints(problem) if c.quantity in compute and c.side == "max"]
        if len(uppers) > 1 and len({layout.accelerators for layout in problem.layouts}) > 1:
            return None
        others = {"tokens", "loss", *names_of("lifetime"), *compute}
        out = [c for c in constraints(problem) if c.quantity in others and c not in uppers]
        if not out:
            return problem
        if any(c.equality for c in out):
            return None
        try:
            free = dropped(problem, *out)
        except ProblemError:
            return None
        alike = free.settings.leverage_flops == problem.settings.leverage_flops
        return free if alike and free.quality == problem.quality else None


def _has_one_power(problem: Problem) -> bool:
    """Whether the loss of every design is a constant of it plus another times a power of tokens."""
    law = problem.quality.law
    if type(law) is PowerLaw:  # a law that derives from it may be another function
        return law.outer == 1.0
    if type(law) is TermLaw:
        powers = {term.exponents.get("tokens", 0.0) for term in law.terms}
        return len(powers - {0.0}) == 1
    return False


def _same(one: Evaluation, other: Evaluation) -> bool:
    """Whether two evaluations are of one design under one layout."""
    return (one.architecture, one.layout) == (other.architecture, other.layout)


def _loosest(constraint: Constraint) -> float:
    return math.inf if constraint.side == "max" else -math.inf


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
