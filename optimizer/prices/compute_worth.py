"""The compute that buys the same loss as another limit does."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction

from modelsizer.optimizer.constraints import Constraint, constraints, moved
from modelsizer.optimizer.prices.resolver import Resolver, spent
from modelsizer.problems.designs.costs import flops_rate
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES, names_of
from modelsizer.problems.units import exact

MOST_COMPUTE = math.log(1000.0)
"""Logarithm of the greatest factor of compute that is tried for the same loss."""
FIRST_STEP = 0.02  # in the logarithm of compute
ROOT = 1e-8  # precision in the logarithm of compute
DIGITS = 6  # decimals of per cent of compute, known to about `ROOT`
SAME_LOSS = 1e-9  # nats up to which losses count as equal


def compute_of(
    resolver: Resolver, design: Evaluation, widen: Callable[[Constraint], None]
) -> Compute | None:
    """Compute as a scale, where the loss is minimised and compute limits the tokens.

    Parameters
    ----------
    resolver : Resolver
    design : Evaluation
        Today's optimum.
    widen : callable
        Called with a limit before it is read at which limits today's optimum is known to stay so.
    """
    problem = resolver.problem
    if problem.objective.quantity != "loss":
        return None
    compute = names_of("flops")
    limits = [c for c in constraints(problem) if c.quantity in compute and c.side == "max"]
    if not any(spent(constraint, design) for constraint in limits):
        return None
    return Compute(resolver, limits, design.loss, widen)


class Compute:
    """The least loss as a function of one factor on all upper limits of compute."""

    def __init__(
        self,
        resolver: Resolver,
        limits: Sequence[Constraint],
        today: float,
        widen: Callable[[Constraint], None],
    ) -> None:
        self._resolver, self._limits, self._today, self._widen = resolver, limits, today, widen
        self._losses = {0.0: today}  # by the logarithm of the factor
        self._worth: dict[float, float | None] = {today: 0.0}  # by loss
        self._single = self._only_limit()

    def _only_limit(self) -> Constraint | None:
        """The limit that is the tightest of compute for every design, at every factor."""
        problem, limits = self._resolver.problem, self._limits
        if problem.several:
            return None  # limits of compute buy different FLOPs of each machine
        if not all(self._resolver.judges_alike(limit) for limit in limits):
            return None
        if any(c.quantity == "loss" and c.side == "min" for c in constraints(problem)):
            return None  # many designs may be at it: each would be looked at alone
        accelerators = {layout.accelerators for layout in problem.layouts}
        if len(limits) > 1 and len(accelerators) > 1:
            return None

        def flops(limit: Constraint) -> Fraction:
            shared = QUANTITIES[limit.quantity].shared
            each = exact(limit.limit) / flops_rate(problem, limit.quantity)
            return each * max(accelerators) if shared else each

        return min(limits, key=flops)

    def _least(self, limit: Constraint, loss: float) -> float | None:
        """As `worth`, of a single limit: the least compute that reaches a loss, in one solve.

        More compute never raises the least loss, so the factor at which it is this is the least at
        which it is no more.
        """
        resolver, problem = self._resolver, self._resolver.problem
        tables = problem.to_dict()
        gone = {each.quantity for each in self._limits}
        tables["budgets"] = {
            **{name: given for name, given in tables["budgets"].items() if name not in gone},
            "loss": loss,
        }
        tables["objective"] = {
            **{k: v for k, v in tables.get("objective", {}).items() if k != "maximize"},
            "minimize": limit.quantity,
        }
        try:
            asked = Problem.from_tables(tables, like=problem)
        except ProblemError:
            return None
        known = None
        if resolver.without_caps(limit) is not None:  # other limits of compute are no tighter
            self._widen(limit)
            known = resolver.held_between(limit, loss)
        best = resolver.ask(asked) if known is None else evaluate(asked, known.architecture)
        if best is None or abs(best.loss - loss) > SAME_LOSS:
            return None
        factor = math.log(float(exact(best.exact[limit.quantity]) / exact(limit.limit)))
        return None if abs(factor) > MOST_COMPUTE else round(100 * math.expm1(factor), DIGITS)

    def worth(self, loss: float) -> float | None:
        """Change of compute in per cent at which the least loss is this; None if there is none.

        Where it is the same over a range of compute, the least of it.
        """
        if loss not in self._worth:
            single = self._single
            found = self._root(loss) if single is None else self._least(single, loss)
            self._worth[loss] = found
        return self._worth[loss]

    def _root(self, loss: float) -> float | None:
        """As `worth`, by solving at several factors."""
        bracket = self._bracket(loss)
        if bracket is None:
            return None
        from scipy.optimize import brentq

        low, high = bracket
        root = float(brentq(lambda at: self._loss(at) - loss, low, high, xtol=ROOT))
        if abs(self._loss(root) - loss) > SAME_LOSS:
            return None
        return round(100 * math.expm1(root), DIGITS)

    def _bracket(self, loss: float) -> tuple[float, float] | None:
        """Logarithms of factors whose losses bracket a loss, the nearest known."""
        step = FIRST_STEP if loss < self._today else -FIRST_STEP
        while True:
            above = max((at for at, v in self._losses.items() if v >= loss), default=None)
            below = min((at for at, v in self._losses.items() if v <= loss), default=None)
            if above is not None and below is not None:
                if math.isfinite(self._losses[above]):
                    return above, below
                if below - above <= ROOT:
                    return None  # the loss jumps here: with less, nothing fits
                self._loss((above + below) / 2)
                continue
            if abs(step) > MOST_COMPUTE:
                return None
            self._loss(step)
            step *= 2

    def _loss(self, at: float) -> float:
        if at not in self._losses:
            factor = exact(math.exp(at))
            changed = (constraint.at(constraint.scaled(factor)) for constraint in self._limits)
            try:
                best = self._resolver.ask(moved(self._resolver.problem, *changed))
            except ProblemError:
                best = None  # too little for the least tokens
            self._losses[at] = math.inf if best is None else best.loss
        return self._losses[at]
