"""Sensitivity of the optimum to each constraint, by solving again at other limits.

A mixed-integer program has no exact dual, so every change is a solve of its own, with proof. Each
price also has the range of the limit over which today's design stays the best
(`modelsizer.optimizer.prices.stays_optimal`) and, as an estimate, the multiplier of the continuous
relaxation (`modelsizer.optimizer.prices.continuous`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from typing import Any, Literal

from modelsizer.optimizer.constraints import Constraint, constraints, moved
from modelsizer.optimizer.prices.continuous import Relaxation, relax
from modelsizer.optimizer.prices.resolver import Resolver, spent
from modelsizer.optimizer.prices.stays_optimal import Stays, same_until, stays_optimal
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.solver import DEFAULT_SOLVER
from modelsizer.optimizer.tables.clock import Clock, Limits
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ArgumentError, ProblemError, did_you_mean, require_type
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import names_of
from modelsizer.problems.units import Number, exact

PERCENTS = (1, 5, 10, 25)
SHOWN = 10
"""Per cent of change by which constraints are ranked."""
MOST_COMPUTE = math.log(1000.0)
"""Logarithm of the greatest factor of compute that is tried for the same loss."""
FIRST_STEP = 0.02  # in the logarithm of compute
ROOT = 1e-8  # precision in the logarithm of compute
DIGITS = 6  # decimals of per cent of compute, known to about `ROOT`
SAME_LOSS = 1e-9  # nats up to which losses count as equal

ChangeStatus = Literal["optimal", "infeasible"]


@dataclass(frozen=True, slots=True)
class Change:
    """The optimum at another value of a limit.

    Parameters
    ----------
    limit : int or float
    percent : int
        Change of the limit, relative to today.
    objective, change : number or None
        The optimum, and the optimum minus today's; None where no design is feasible.
    status : {"optimal", "infeasible"}
    layers, d_model : int or None
    worth : float or None
        Change of compute in per cent that gives the same loss, all else held; None where compute
        does not limit the tokens, or no change does.
    """

    limit: Number
    percent: int
    objective: Number | None
    change: float | None
    status: ChangeStatus
    layers: int | None
    d_model: int | None
    worth: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        found = asdict(self)
        found["percent_of_compute"] = found.pop("worth")
        return found


@dataclass(frozen=True, slots=True)
class Price:
    """The sensitivity of the optimum to one constraint.

    Parameters
    ----------
    constraint : Constraint
    used : int or float
    binding : bool
        See `modelsizer.optimizer.result.BudgetUse`.
    same_until : int or float
        The tightest limit with the same optimum; see
        `modelsizer.optimizer.prices.stays_optimal`.
    changes : tuple of Change
        From 25 % less to 25 % more.
    stays : Stays
    multiplier : float or None
        Of the continuous relaxation: change of the objective for one unit more of the limit. An
        estimate, not a bound.
    """

    constraint: Constraint
    used: Number
    binding: bool
    same_until: Number
    changes: tuple[Change, ...]
    stays: Stays
    multiplier: float | None

    def at(self, percent: int) -> Change:
        """The change of a percentage, one of `PERCENTS` or its negative."""
        return next(change for change in self.changes if change.percent == percent)

    def _looser(self, percent: int, *, looser: bool) -> Change:
        return self.at(percent if looser == (self.constraint.side == "max") else -percent)

    @property
    def order(self) -> tuple[bool, float, float]:
        """Sort key: binding first, then gain of a looser limit, then loss of a tighter one."""
        more, less = (self._looser(SHOWN, looser=looser) for looser in (True, False))
        gain = 0.0 if more.change is None else abs(more.change)
        loss = math.inf if less.change is None else abs(less.change)
        return (not self.binding, -gain, -loss)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        return {
            "name": self.constraint.name,
            "limit": self.constraint.limit,
            "used": self.used,
            "unit": self.constraint.dimension,
            "side": self.constraint.side,
            "binding": self.binding,
            "same_until": self.same_until,
            "changes": [change.to_dict() for change in self.changes],
            "stays_optimal": self.stays.to_dict(),
            "multiplier": self.multiplier,
            "worth": self._looser(SHOWN, looser=True).worth,
        }


@dataclass(frozen=True, slots=True)
class Prices:
    """Sensitivity of the optimum to the constraints of a problem.

    Parameters
    ----------
    result : Result
        Today's answer.
    rows : tuple of Price
        Binding constraints first; none if the problem is infeasible today.
    relaxation : Relaxation or None
        The continuous relaxation of the multipliers; None where it was not solved.
    seconds : float
    """

    result: Result
    rows: tuple[Price, ...]
    relaxation: Relaxation | None
    seconds: float

    def row(self, name: str) -> Price:
        """The price of a limit by its name; of its upper side where it has both."""
        found = [row for row in self.rows if row.constraint.name == name]
        return next((row for row in found if row.constraint.side == "max"), found[0])

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        today = self.result.to_dict()
        kept = ("name", "status", "solver", "objective", "loss", "architecture", "tokens")
        return {
            **{key: today[key] for key in kept},
            "seconds": round(self.seconds, 6),
            "relaxation": None if self.relaxation is None else self.relaxation.to_dict(),
            "budgets": [row.to_dict() for row in self.rows],
        }


def prices(
    problem: Problem, *, budgets: Sequence[str] | None = None, solver: str = DEFAULT_SOLVER
) -> Prices:
    """Solve a problem again at other limits of each constraint, one at a time.

    Parameters
    ----------
    problem : Problem
    budgets : sequence of str, optional
        Names of limits, ``["serving_memory", "training.tokens"]``; all by default.
    solver : str
        See `modelsizer.optimizer.solver.solve`.

    Returns
    -------
    Prices
        Without rows if the problem is infeasible today.

    Raises
    ------
    ArgumentError
        If the problem gives no limit of such a name.
    ValueError
        If the solver is unknown or not installed.
    KeyboardInterrupt
        If a solve is interrupted.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> found = prices(Problem.load("phone-2gb"), budgets=["serving_memory"])
    >>> found.row("serving_memory").at(10).limit
    2200000000
    """
    require_type("problem", problem, Problem)
    clock = Clock(Limits(None, None))
    given = constraints(problem)
    _check_names(budgets, [constraint.name for constraint in given])
    resolver = Resolver(problem, solver)
    result = resolver.today()
    design = result.design
    if design is None:
        return Prices(result, (), None, clock.elapsed)
    relaxation = relax(resolver.problem, design)
    compute = _compute(resolver, design)
    rows = []
    for constraint, use in zip(given, result.budgets, strict=True):
        if budgets is not None and constraint.name not in budgets:
            continue
        changes = tuple(_changes(resolver, design, constraint, compute))
        stays = stays_optimal(resolver, design, constraint)
        rows.append(
            Price(
                constraint,
                use.used,
                use.binding,
                same_until(resolver, design, stays, constraint),
                changes,
                stays,
                None if relaxation is None else relaxation.multipliers[constraint.key],
            )
        )
    rows.sort(key=lambda row: row.order)
    return Prices(result, tuple(rows), relaxation, clock.elapsed)


def curve(
    problem: Problem,
    constraint: Constraint,
    limits: Sequence[Number],
    *,
    solver: str = DEFAULT_SOLVER,
) -> list[tuple[Number, float]]:
    """The optimum at several limits of one constraint; NaN where no design is feasible.

    Parameters
    ----------
    problem : Problem
    constraint : Constraint
        One of the problem's.
    limits : sequence of int or float
    solver : str
        See `modelsizer.optimizer.solver.solve`.
    """
    resolver = Resolver(problem, solver)
    found = []
    for limit in limits:
        design = resolver.at(constraint, limit)
        value = math.nan if design is None else resolver.sign * resolver.value(design)
        found.append((limit, value))
    return found


def _check_names(wanted: Sequence[str] | None, known: Sequence[str]) -> None:
    for name in wanted or ():
        if name not in known:
            listed = ", ".join(dict.fromkeys(known))
            hint = did_you_mean(name, known)
            raise ArgumentError("budget", f"the problem has no {name!r}{hint}; it has {listed}")


def _changes(
    resolver: Resolver, design: Evaluation, constraint: Constraint, compute: _Compute | None
) -> list[Change]:
    today = design.quantity(resolver.problem.objective.quantity)
    found = []
    for percent in (*(-p for p in reversed(PERCENTS)), *PERCENTS):
        limit = constraint.scaled(Fraction(100 + percent, 100))
        best = resolver.at(constraint, limit)
        if best is None:
            found.append(Change(limit, percent, None, None, "infeasible", None, None))
            continue
        value = best.quantity(resolver.problem.objective.quantity)
        change = float(exact(value) - exact(today))
        architecture = best.architecture
        found.append(
            Change(
                limit,
                percent,
                value,
                change,
                "optimal",
                architecture.layers,
                architecture.trunk.d_model,
                None if compute is None else compute.worth(float(value)),
            )
        )
    return found


# The compute that buys the same loss


def _compute(resolver: Resolver, design: Evaluation) -> _Compute | None:
    """Compute as a scale, where the loss is minimised and compute limits the tokens."""
    problem = resolver.problem
    if problem.objective.quantity != "loss":
        return None
    compute = names_of("flops")
    limits = [c for c in constraints(problem) if c.quantity in compute and c.side == "max"]
    if not any(spent(constraint, design) for constraint in limits):
        return None
    return _Compute(resolver, limits, design.loss)


class _Compute:
    """The least loss as a function of one factor on all upper limits of compute."""

    def __init__(self, resolver: Resolver, limits: Sequence[Constraint], today: float) -> None:
        self._resolver, self._limits, self._today = resolver, limits, today
        self._losses = {0.0: today}  # by the logarithm of the factor

    def worth(self, loss: float) -> float | None:
        """Change of compute in per cent at which the least loss is this; None if there is none."""
        if loss == self._today:
            return 0.0
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
            self._losses[at] = math.inf
            try:
                best = self._resolver.ask(moved(self._resolver.problem, *changed))
            except ProblemError:
                best = None  # too little for the least tokens
            if best is not None:
                self._losses[at] = best.loss
        return self._losses[at]
