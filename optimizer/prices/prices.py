"""Sensitivity of the optimum to each constraint, by solving again at other limits.

A mixed-integer program has no exact dual, so every change is a solve of its own, with proof. Each
price also has the range of the limit over which today's design stays the best
(`modelsizer.optimizer.prices.stays_optimal`) and, as an estimate, the multiplier of the continuous
relaxation (`modelsizer.optimizer.prices.continuous`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, replace
from fractions import Fraction
from typing import Any, Literal

from modelsizer.optimizer.constraints import Constraint, constraints
from modelsizer.optimizer.prices.compute_worth import compute_of
from modelsizer.optimizer.prices.continuous import Relaxation, relax
from modelsizer.optimizer.prices.resolver import Resolver
from modelsizer.optimizer.prices.stays_optimal import Stays, same_until, stays_optimal
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.solver import DEFAULT_SOLVER
from modelsizer.optimizer.tables.clock import Clock, Ending, Stop
from modelsizer.problems.brief import counted, named
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ArgumentError, did_you_mean, require_type
from modelsizer.problems.problem import Problem
from modelsizer.problems.provenance import sources
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled
from modelsizer.problems.units import Number, exact

PERCENTS = (1, 5, 10, 25)
SHOWN = 10
"""Per cent of change by which constraints are ranked."""

ChangeStatus = Literal["optimal", "infeasible", "limit"]
Part = Literal["changes", "worth", "stays_optimal", "same_until", "multiplier"]
"""A part of a price, in the order in which they are found."""
_PARTS: tuple[Part, ...] = ("changes", "worth", "stays_optimal", "same_until", "multiplier")


@dataclass(frozen=True, slots=True)
class Change:
    """The optimum at another value of a limit.

    Parameters
    ----------
    limit : int or float
    percent : int
        Change of the limit, relative to today.
    objective, change : number or None
        The optimum, and the optimum minus today's; None where no design is feasible or known.
    status : {"optimal", "infeasible", "limit"}
        The last where a limit came before the proof.
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
    binding : bool or None
        See `modelsizer.optimizer.result.BudgetUse`; None where it is not known.
    changes : tuple of Change
        From 25 % less to 25 % more.
    stays : Stays or None
        None where it is unfinished.
    same_until : int, float or None
        The tightest limit with the same optimum; see
        `modelsizer.optimizer.prices.stays_optimal`.
    multiplier : float or None
        Of the continuous relaxation: change of the objective for one unit more of the limit. An
        estimate, not a bound. None where the limit also sets what experts count.
    unfinished : tuple of str
        What a limit of time left open.
    """

    constraint: Constraint
    used: Number
    binding: bool | None
    changes: tuple[Change, ...]
    stays: Stays | None = None
    same_until: Number | None = None
    multiplier: float | None = None
    unfinished: tuple[Part, ...] = _PARTS

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
        reference = self.constraint.reference
        return {
            "name": self.constraint.name,
            "limit": self.constraint.limit,
            **({"reference": reference} if reference else {}),
            "used": self.used,
            "unit": self.constraint.dimension,
            "side": self.constraint.side,
            "binding": self.binding,
            "same_until": self.same_until,
            "changes": [change.to_dict() for change in self.changes],
            "stays_optimal": None if self.stays is None else self.stays.to_dict(),
            "multiplier": self.multiplier,
            "worth": self._looser(SHOWN, looser=True).worth,
            "unfinished": list(self.unfinished),
        }


@dataclass(frozen=True, slots=True)
class Prices(Tabled, Drawn):
    """Sensitivity of the optimum to the constraints of a problem.

    Parameters
    ----------
    result : Result
        Today's answer.
    rows : tuple of Price
        Binding constraints first; none if the problem is infeasible today, or not proven.
    relaxation : Relaxation or None
        The continuous relaxation of the multipliers; None where it was not solved.
    seconds : float
    stop : Stop
        ``"proven"`` if nothing is missing, otherwise why it ended early.
    """

    result: Result
    rows: tuple[Price, ...]
    relaxation: Relaxation | None
    seconds: float
    stop: Stop = "proven"

    def _words(self) -> str:
        binding = [row.constraint.name for row in self.rows if row.binding]
        words = f"{', '.join(binding)} binding" if binding else "none binding"
        whole = "" if self.complete else f"; not complete ({self.stop})"
        limits = counted(len(self.rows), "limit")
        return f"of {named(self.result.problem.name)}: {limits}, {words}{whole}"

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.stop == "proven"

    def row(self, name: str) -> Price:
        """The price of a limit by its name; of its upper side where it has both."""
        found = [row for row in self.rows if row.constraint.name == name]
        return next((row for row in found if row.constraint.side == "max"), found[0])

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        today = self.result.figures()
        kept = ("name", "status", "solver", "objective", "loss", "architecture", "tokens")
        return {
            **{key: today[key] for key in kept},
            "complete": self.complete,
            "stop": self.stop,
            "seconds": round(self.seconds, 6),
            "relaxation": None if self.relaxation is None else self.relaxation.to_dict(),
            "budgets": [row.to_dict() for row in self.rows],
            **sources(self.result.problem),
        }


def prices(
    problem: Problem,
    *,
    budgets: Sequence[str] | None = None,
    solver: str = DEFAULT_SOLVER,
    time_limit: float | None = None,
) -> Prices:
    """Solve a problem again at other limits of each constraint, one at a time.

    Parameters
    ----------
    problem : Problem
    budgets : sequence of str, optional
        Names of limits, ``["serving_memory", "training.tokens"]``; all by default.
    solver : str
        See `modelsizer.optimizer.solver.solve`.
    time_limit : float, optional
        Seconds. What is proven by then, or by an interruption, is returned as not complete.

    Returns
    -------
    Prices
        Without rows if the problem is infeasible today.

    Raises
    ------
    ArgumentError
        If the problem gives no limit of such a name, or the time limit is negative.
    ValueError
        If the solver is unknown or not installed.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> found = prices(Problem.load("phone-2gb"), budgets=["serving_memory"])
    >>> found.row("serving_memory").at(10).limit
    2200000000
    """
    require_type("problem", problem, Problem)
    clock = Clock.of(time_limit)
    resolver = Resolver(problem, solver, clock)
    _check_names(budgets, [constraint.name for constraint in constraints(problem)])
    result = resolver.today()
    given = constraints(result.chosen)
    if result.status != "optimal" or result.design is None:
        stop: Stop = result.stop if result.status == "limit" else "proven"
        return Prices(result, (), None, clock.elapsed, stop)
    slack = None if clock.out_of_time else False  # or there was no time to tell
    rows = [
        Price(constraint, use.used, use.binding or slack, _unsolved(constraint))
        for constraint, use in zip(given, result.budgets, strict=True)
        if budgets is None or constraint.name in budgets
        # What fits the machine chosen is no limit of the others.
        if not (constraint.device and problem.menus)
    ]
    found = _Pricing(resolver, result.design, rows)
    with found.ending:
        found.price()
    rows = sorted(found.rows, key=lambda row: row.order)
    return Prices(result, tuple(rows), found.relaxation, clock.elapsed, found.ending.stop)


class _Pricing:
    """The prices found so far, one part of all of them after the other."""

    def __init__(self, resolver: Resolver, design: Evaluation, rows: list[Price]) -> None:
        self.resolver, self.design, self.rows = resolver, design, rows
        self.ending = Ending()
        self.relaxation: Relaxation | None = None
        self._known: dict[str, Stays] = {}  # by key of a constraint

    def price(self) -> None:
        """Find every part of every price."""
        resolver, design = self.resolver, self.design
        for at, row in enumerate(self.rows):
            if row.binding is False:
                resolver.unlimited(row.constraint)  # which proves the optimum at looser limits
            limits = [change.limit for change in row.changes]
            for i in resolver.order(row.constraint, limits):
                change = _solved(resolver, design, row.constraint, row.changes[i])
                self._change(at, i, change)
            self._found(at, "changes")
        compute = compute_of(resolver, design, self._widen)
        for at, row in enumerate(self.rows):
            for i, change in enumerate(row.changes):
                if compute is not None and change.objective is not None:
                    worth = compute.worth(float(change.objective))
                    self._change(at, i, replace(change, worth=worth))
            self._found(at, "worth")
        for at, row in enumerate(self.rows):
            stays = self._stays(row.constraint)
            same = same_until(resolver, design, stays, row.constraint)
            self._found(at, "stays_optimal", "same_until", stays=stays, same_until=same)
        self.relaxation = relaxation = relax(resolver.problem, design, resolver.clock)
        for at, row in enumerate(self.rows):
            slope = None if relaxation is None else relaxation.multipliers[row.constraint.key]
            if not resolver.judges_alike(row.constraint):
                slope = None  # the relaxation holds what experts count
            self._found(at, "multiplier", multiplier=slope)

    def _stays(self, constraint: Constraint) -> Stays:
        if constraint.key not in self._known:
            found = stays_optimal(self.resolver, self.design, constraint)
            self._known[constraint.key] = found
        return self._known[constraint.key]

    def _widen(self, compute: Constraint) -> None:
        """Solve a limit of compute where worth is read from: over all that `stays` is asked of."""
        if any(row.constraint.key == compute.key for row in self.rows):
            self._stays(compute)
            return
        for percent in (PERCENTS[-1], -PERCENTS[-1]):
            self.resolver.at(compute, compute.scaled(Fraction(100 + percent, 100)))

    def _change(self, at: int, i: int, change: Change) -> None:
        changes = self.rows[at].changes
        self.rows[at] = replace(self.rows[at], changes=(*changes[:i], change, *changes[i + 1 :]))

    def _found(self, at: int, *parts: Part, **values: Any) -> None:
        row = self.rows[at]
        rest = tuple(part for part in row.unfinished if part not in parts)
        self.rows[at] = replace(row, unfinished=rest, **values)


def curve(
    problem: Problem,
    constraint: Constraint,
    limits: Sequence[Number],
    *,
    solver: str = DEFAULT_SOLVER,
    time_limit: float | None = None,
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
    time_limit : float, optional
        Seconds; the limits that are not solved by then are left out.
    """
    resolver = Resolver(problem, solver, Clock.of(time_limit))
    found: dict[int, float] = {}
    with Ending():
        for i in resolver.order(constraint, limits):
            design = resolver.at(constraint, limits[i])
            found[i] = math.nan if design is None else resolver.sign * resolver.value(design)
    return [(limits[i], found[i]) for i in sorted(found)]


def _check_names(wanted: Sequence[str] | None, known: Sequence[str]) -> None:
    for name in wanted or ():
        if name not in known:
            listed = ", ".join(dict.fromkeys(known))
            hint = did_you_mean(name, known)
            raise ArgumentError("budget", f"the problem has no {name!r}{hint}; it has {listed}")


def _unsolved(constraint: Constraint) -> tuple[Change, ...]:
    """The changes of a limit, before any of them is solved."""
    percents = (*(-p for p in reversed(PERCENTS)), *PERCENTS)
    limits = [(constraint.scaled(Fraction(100 + p, 100)), p) for p in percents]
    return tuple(Change(limit, p, None, None, "limit", None, None) for limit, p in limits)


def _solved(
    resolver: Resolver, design: Evaluation, constraint: Constraint, change: Change
) -> Change:
    """A change with its optimum, proven."""
    best, quantity = resolver.at(constraint, change.limit), resolver.problem.objective.quantity
    if best is None:
        return replace(change, status="infeasible")
    value, architecture = best.quantity(quantity), best.architecture
    return replace(
        change,
        objective=value,
        change=float(exact(value) - exact(design.quantity(quantity))),
        status="optimal",
        layers=architecture.layers,
        d_model=architecture.trunk.d_model,
    )
