"""The compute that buys the same loss as another limit does."""

from __future__ import annotations

import math
from collections.abc import Sequence

from modelsizer.optimizer.constraints import Constraint, constraints, moved
from modelsizer.optimizer.prices.resolver import Resolver, spent
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import names_of
from modelsizer.problems.units import exact

MOST_COMPUTE = math.log(1000.0)
"""Logarithm of the greatest factor of compute that is tried for the same loss."""
FIRST_STEP = 0.02  # in the logarithm of compute
ROOT = 1e-8  # precision in the logarithm of compute
DIGITS = 6  # decimals of per cent of compute, known to about `ROOT`
SAME_LOSS = 1e-9  # nats up to which losses count as equal


def compute_of(resolver: Resolver, design: Evaluation) -> Compute | None:
    """Compute as a scale, where the loss is minimised and compute limits the tokens."""
    problem = resolver.problem
    if problem.objective.quantity != "loss":
        return None
    compute = names_of("flops")
    limits = [c for c in constraints(problem) if c.quantity in compute and c.side == "max"]
    if not any(spent(constraint, design) for constraint in limits):
        return None
    return Compute(resolver, limits, design.loss)


class Compute:
    """The least loss as a function of one factor on all upper limits of compute."""

    def __init__(self, resolver: Resolver, limits: Sequence[Constraint], today: float) -> None:
        self._resolver, self._limits, self._today = resolver, limits, today
        self._losses = {0.0: today}  # by the logarithm of the factor
        self._single = self._only_limit()

    def _only_limit(self) -> Constraint | None:
        """The limit of training FLOPs, if compute has no other and the loss no limit."""
        problem = self._resolver.problem
        others = {c.quantity for c in constraints(problem)} & {"loss", *names_of("lifetime")}
        (first, *more) = self._limits
        single = first.quantity == "training_flops" and not more and not others
        return first if single and self._resolver.judges_alike(first) else None

    def _least(self, limit: Constraint, loss: float) -> float | None:
        """As `worth`, of a single limit: the least training FLOPs that reach a loss, in one solve.

        More compute never raises the least loss, so the factor at which it is this is the least at
        which it is no more.
        """
        tables = self._resolver.problem.to_dict()
        tables["budgets"] = {k: v for k, v in tables["budgets"].items() if k != limit.quantity}
        tables["budgets"]["loss"] = loss
        tables["objective"] = {
            **{k: v for k, v in tables.get("objective", {}).items() if k != "maximize"},
            "minimize": limit.quantity,
        }
        try:
            best = self._resolver.ask(Problem.from_tables(tables, like=self._resolver.problem))
        except ProblemError:
            return None
        if best is None or abs(best.loss - loss) > SAME_LOSS:
            return None
        factor = math.log(float(exact(best.exact[limit.quantity]) / exact(limit.limit)))
        return None if abs(factor) > MOST_COMPUTE else round(100 * math.expm1(factor), DIGITS)

    def worth(self, loss: float) -> float | None:
        """Change of compute in per cent at which the least loss is this; None if there is none.

        Where it is the same over a range of compute, the least of it.
        """
        if loss == self._today:
            return 0.0
        if self._single is not None:
            return self._least(self._single, loss)
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
