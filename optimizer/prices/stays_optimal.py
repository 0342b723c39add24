"""The range of one limit over which today's design stays optimal, all else held.

There are two methods, by the effect of the constraint on a design.

*Feasibility only* (parameters, memory, cache, latency ...; also the loss, unless it sets the tokens
of what is minimised). As the limit is tightened, the design stays optimal until it is infeasible,
so one end of the range is what the design uses. As the limit is loosened, it stays optimal until
the first better design is feasible. That one is found by minimising the quantity over all strictly
better designs: a proven optimum, so the end is exact.

*Tokens* (tokens, training FLOPs, time, cost, energy; also the loss where tokens, FLOPs or costs of
the lifetime are minimised). The objective of every design changes with the limit. The limit is
stepped out until another design is optimal; between the last limit at which today's design was and
that one, their crossing is the root of the difference, by Brent's method and
then by bisection, as exact as doubles distinguish the two (about 1e-12 of the limit). The problem
is solved again just inside of the crossing; if a third design is optimal there, it becomes the
rival. As every rival crosses nearer to today's limit and designs are finitely many, this terminates
(compare Dinkelbach 1967, doi 10.1287/mnsc.13.7.492). It assumes that the better of any two designs
changes at most once between two limits tried. For a law ``E + A/N^alpha + B/D^beta``, with or
without a shape term, that is so: with F training FLOPs a token, D is min(T, C/F), and the
difference of two losses is a constant plus ``B (D1^-beta - D2^-beta)``, which is monotone in C and
in T. Laws with an outer power (Kaplan's) beside a shape term are not covered by that argument, nor
is the leverage of experts at the budget, with which designs count more as the limit grows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from modelsizer.optimizer.constraints import (
    Constraint,
    changes_batches,
    constrained,
    constraints,
    tightened,
)
from modelsizer.optimizer.prices.resolver import Resolver, near, used
from modelsizer.optimizer.result import Side
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import Number, exact, plain

STEPS = (1.01, 1.05, 1.1, 1.25, 2.0, 4.0, 16.0, 256.0, 65536.0)
"""Factors by which a limit is stepped out; those of `modelsizer.optimizer.prices.prices` are solved
already. The range of a design that is optimal at the last is unbounded."""
NEAR, WIDER = 1e-13, (1e-12, 1e-10, 1e-8)
"""Relative precision of the root, and relative half-widths tried for a bracket around it."""
DOUBLE_BITS = 53  # of a double's mantissa: whole numbers beyond are not all doubles


@dataclass(frozen=True, slots=True)
class Stays:
    """The range of limits over which a design stays optimal.

    Parameters
    ----------
    start, end : int, float or None
        None where the range is unbounded. For an upper limit `start` is the least limit at which
        the design is optimal, and `end` the first at which it no longer is; for a lower limit
        `end` is in the range and `start` is not.
    side : {"max", "min"}
    """

    start: Number | None
    end: Number | None
    side: Side

    def holds(self, limit: Number) -> bool:
        """Whether the design is optimal at a limit."""
        low = (
            self.start is None or limit > self.start or (self.side == "max" and limit == self.start)
        )
        high = self.end is None or limit < self.end or (self.side == "min" and limit == self.end)
        return low and high

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract, and which ends belong to the range."""
        return {
            "from": self.start,
            "to": self.end,
            "from_inclusive": self.side == "max",
            "to_inclusive": self.side == "min",
        }


def stays_optimal(resolver: Resolver, design: Evaluation, constraint: Constraint) -> Stays:
    """The range of a limit over which today's design stays optimal, all else held.

    Parameters
    ----------
    resolver : Resolver
        Of today's problem.
    design : Evaluation
        Its optimum.
    constraint : Constraint
        Whose limit moves.
    """
    if _lets_in(resolver.problem, constraint):
        tight: Number | None = _least_kept(resolver, design, constraint)
        loose = _first_better(resolver, design, constraint)
    else:
        tight = _probed(resolver, design, constraint, looser=False)
        loose = _probed(resolver, design, constraint, looser=True)
    first, last = (tight, loose) if constraint.side == "max" else (loose, tight)
    return Stays(first, last, constraint.side)


def _lets_in(problem: Problem, constraint: Constraint) -> bool:
    """Whether a constraint only decides feasibility, and does not change the tokens of designs."""
    if changes_batches(problem, constraint.quantity):
        return False
    form = QUANTITIES[constraint.quantity].form
    if form == "loss" and constraint.side == "max":
        sought = QUANTITIES[problem.objective.quantity].form
        return (
            sought not in ("tokens", "flops", "lifetime") or problem.objective.sense == "maximize"
        )
    return form in ("affine", "inverse", "batch")


def same_until(
    resolver: Resolver, design: Evaluation, stays: Stays, constraint: Constraint
) -> Number:
    """The tightest limit at which today's design is optimal with today's objective.

    It is today's limit where the design has spent it up to the rounding of its tokens, and where
    the limit sets what experts count.
    """
    if not resolver.judges_alike(constraint):
        return constraint.limit
    tight = stays.start if constraint.side == "max" else stays.end
    value = resolver.value(design)
    if tight is not None and resolver.value(resolver.own(design, constraint, tight)) == value:
        return tight
    edge = used(constraint, design)
    while _lets_in(resolver.problem, constraint):
        own = resolver.own(design, constraint, _next(edge, tighter=True, side=constraint.side))
        if not own.feasible or resolver.value(own) != value:
            break
        edge = used(constraint, own)  # under another layout
    return constraint.limit if near(constraint, edge) else edge


def _least_kept(resolver: Resolver, design: Evaluation, constraint: Constraint) -> Number:
    """The tightest limit at which the design is optimal.

    Under another layout it may need less, at another objective, and must then still be optimal.
    """
    before = resolver.own(design, constraint, constraint.limit)
    edge = used(constraint, before)
    while True:
        beyond = _next(edge, tighter=True, side=constraint.side)
        own = resolver.own(design, constraint, beyond)
        if not own.feasible:
            return edge
        worse = resolver.value(own) > resolver.value(before)
        if worse and resolver.beaten(own, resolver.at(constraint, beyond)):
            return edge
        before, edge = own, used(constraint, own)


def _first_better(resolver: Resolver, design: Evaluation, constraint: Constraint) -> Number | None:
    """The first limit at which a strictly better design is feasible; None if there is none."""
    own, ulps = design, 1
    if resolver.never_beaten(design, constraint):
        return None
    while True:
        asked = _strictly_better(resolver, own, constraint, ulps)
        rival = None if asked is None else resolver.ask(asked)
        if rival is None:
            return None
        edge = used(constraint, rival)
        there = resolver.own(rival, constraint, edge)
        if not resolver.value(there) < resolver.value(own):
            ulps *= 2  # a limit on tokens is kept up to the rounding of tokens: ask for more
            continue
        own = resolver.own(design, constraint, edge)
        if resolver.beaten(own, there) or resolver.beaten(own, resolver.at(constraint, edge)):
            return edge
        # The design itself becomes feasible under a better layout: go on from there.


def _strictly_better(
    resolver: Resolver, design: Evaluation, constraint: Constraint, ulps: int
) -> Problem | None:
    """The problem of the least (or most) of a quantity among strictly better designs."""
    problem = resolver.problem
    objective, sense = problem.objective.quantity, problem.objective.sense
    side: Side = "max" if sense == "minimize" else "min"
    just = _beyond(design.exact[objective], -ulps if side == "max" else ulps)
    better = Constraint(f"budgets.{objective}", objective, side, just)
    others = (c for c in constraints(problem) if c.key != constraint.key)
    tables = constrained(problem, tightened(others, better))
    if QUANTITIES[constraint.quantity].form == "inverse":
        tables["objective"]["minimize"] = QUANTITIES[constraint.quantity].base
    else:
        tables["objective"]["minimize" if constraint.side == "max" else "maximize"] = (
            constraint.quantity
        )
    try:
        return Problem.from_tables(tables, like=problem)
    except ProblemError:
        return None  # the other side of a limit excludes anything better


def _beyond(value: Fraction | float, ulps: int) -> Number:
    """The number some units of rounding above a value, or below."""
    number = value if isinstance(value, float) else plain(value)
    if isinstance(number, int) and abs(number) >> DOUBLE_BITS:
        return number + ulps
    return float(number) + ulps * math.ulp(float(number))


def _next(limit: Number, *, tighter: bool, side: Side) -> Number:
    return _beyond(exact(limit), -1 if tighter == (side == "max") else 1)


# Limits that change the tokens


def _probed(
    resolver: Resolver, design: Evaluation, constraint: Constraint, *, looser: bool
) -> Number | None:
    """One end of the range, by stepping out and going back from crossing to crossing.

    Returns
    -------
    int, float or None
        If `looser`, the first limit at which another design is better; otherwise the last at which
        none is. None if there is none.
    """
    good, bad, rival = constraint.limit, None, None
    if looser and resolver.never_beaten(design, constraint):
        return None
    for limit in _steps(constraint, upward=looser == (constraint.side == "max")):
        there = resolver.at(constraint, limit)
        if resolver.beaten(resolver.own(design, constraint, limit), there):
            bad, rival = limit, there
            break
        good = limit
    if bad is None:
        return None
    won = good
    if not constraint.whole:
        won, bad = float(won), float(bad)  # whole seconds are halved too
    while True:

        def behind(limit: Number, rival: Evaluation | None = rival) -> float:
            own = resolver.own(design, constraint, limit)
            if not own.feasible:
                return math.inf
            other = None if rival is None else resolver.own(rival, constraint, limit)
            if other is None or not other.feasible:
                return -math.inf
            return resolver.value(own) - resolver.value(other)

        good, bad = bisect(behind, *_narrowed(behind, won, bad))
        there = resolver.at(constraint, good)
        if not resolver.beaten(resolver.own(design, constraint, good), there):
            return bad if looser else good
        bad, rival = good, there


def _steps(constraint: Constraint, *, upward: bool) -> Iterator[Number]:
    """Limits at growing distances from today's."""
    last = constraint.limit
    for step in STEPS:
        # 1 % less is 0.99, as `modelsizer.optimizer.prices.prices` has it, and not 1 / 1.01.
        factor = exact(step) if upward else 2 - exact(step) if step < 2 else 1 / exact(step)
        limit = constraint.scaled(factor)
        if limit != last and limit > 0:
            yield limit
            last = limit


def _narrowed(
    behind: Callable[[Number], float], low: Number, high: Number
) -> tuple[Number, Number]:
    """A good and a bad limit near the crossing if it is smooth; otherwise as they are."""
    if not (-math.inf < behind(low) < 0 < behind(high) < math.inf):
        return low, high
    from scipy.optimize import brentq

    whole = isinstance(low, int)

    def at(limit: float) -> Number:
        return int(limit) if whole else limit

    root = brentq(lambda x: behind(at(x)), float(low), float(high), rtol=NEAR)
    for wide in WIDER:
        step = math.copysign(wide * abs(root), float(high) - float(low))
        near, far = at(root - step), at(root + step)
        inside = all((x - low) * (high - x) > 0 for x in (near, far))
        if inside and behind(near) <= 0 < behind(far):
            return near, far
    return low, high


def bisect(behind: Callable[[Number], float], low: Number, high: Number) -> tuple[Number, Number]:
    """Neighbouring limits of which the first is good and the second bad.

    Parameters
    ----------
    behind : callable
        Above 0 at a bad limit.
    low, high : int or float
        A good limit and a bad one, in either order; whole numbers are halved as such, down to the
        spacing of doubles.
    """
    while True:
        if isinstance(low, int) and isinstance(high, int):
            if abs(high - low) <= max(1, abs(low) >> DOUBLE_BITS):
                return low, high
            middle: Number = (low + high) // 2
        else:
            middle = (low + high) / 2
            if middle in (low, high):
                return low, high
        if behind(middle) > 0:
            high = middle
        else:
            low = middle
