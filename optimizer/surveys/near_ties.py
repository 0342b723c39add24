"""Near-ties: the designs as good as the optimum within the error of the law.

A law of the loss misses its own runs by its `rms`, in nats a token. Designs whose predicted losses
differ by less are as good as one another for all that the law can say. They are counted, and of
them the cheapest to serve and to run are found, each by a proven solve.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from modelsizer.optimizer.constraints import Constraint, constrained, constraints, tightened
from modelsizer.optimizer.fronts.goals import Goal
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.surveys.kept_designs import KeptDesigns
from modelsizer.optimizer.surveys.near_optimal import designs_below
from modelsizer.optimizer.surveys.ordering import evaluated, noise, one_layout_each
from modelsizer.optimizer.tables.clock import Clock, CpuClock, Ending, Limits
from modelsizer.optimizer.tables.searched import searched
from modelsizer.problems.architecture.describing import design_architecture
from modelsizer.problems.brief import counted, named
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import require_type
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Tabled

MOST_COUNTED = 1_000_000
"""Designs from which near-ties are not counted further."""
CHEAPEST = ("serving_memory", "decode_latency", "active_parameters", "parameters")
"""Quantities of which the least is sought among the near-ties."""
LEAST_SECONDS, MOST_SECONDS = 1.0, 30.0
"""CPU seconds that near-ties may take: the first and as long as the solve itself took, at most the
second."""
_SHARES = 4  # of the time, one is of the count
_MERGED_AT = 200_000  # designs under several layouts held apart before they are merged


@dataclass(frozen=True, slots=True)
class Cheapest:
    """A design that needs little of a quantity: least, if `proven`, equals by the tie rule."""

    name: str
    design: Evaluation
    proven: bool


@dataclass(frozen=True, slots=True, eq=False)
class NearTies(Tabled):
    """The designs within the error of the law of the optimum.

    Parameters
    ----------
    result : Result
        The answer.
    within : float or None
        The law's error, nats a token; None if nobody knows it.
    designs : int or None
        How many there are, the optimum among them; at least so many unless `complete`. None
        without an error.
    complete : bool
        Whether `designs` is exact.
    cheapest : tuple of Cheapest
        For each quantity that the problem says enough to compute, the design that needs least.
    """

    result: Result
    within: float | None
    designs: int | None = None
    complete: bool = False
    cheapest: tuple[Cheapest, ...] = ()

    @property
    def problem(self) -> Problem:
        """The problem of the answer."""
        return self.result.problem

    def _words(self) -> str:
        if self.within is None or self.designs is None:
            return f"of {named(self.problem.name)}: the law's error is not known"
        least = "" if self.complete else "at least "
        many = f"{least}{counted(self.designs, 'design')} within {self.within:.2g} nats"
        return f"of {named(self.problem.name)}: {many}"

    def to_dict(self) -> dict[str, Any]:
        """Convert to a mapping with the keys of the JSON contract."""
        return {
            "within": self.within,
            "designs": self.designs,
            "complete": self.complete,
            "cheapest": {
                least.name: {
                    "value": least.design.quantity(least.name),
                    "loss": least.design.loss,
                    "architecture": design_architecture(least.design.architecture),
                    "tokens": least.design.tokens if math.isfinite(least.design.tokens) else None,
                    "proven": least.proven,
                }
                for least in self.cheapest
            },
        }


def near_ties(result: Result, *, time_limit: float | None = None) -> NearTies | None:
    """Find what is as good as the optimum within the error of its law.

    Parameters
    ----------
    result : Result
    time_limit : float, optional
        Seconds. What is known by then is returned; so it is after one second of CPU time and as
        long as the solve took.

    Returns
    -------
    NearTies or None
        None unless the result is a proven optimum of the loss.

    Raises
    ------
    ArgumentError
        If the time limit is negative or not finite.

    Examples
    --------
    >>> from modelsizer import Problem, near_ties, solve
    >>> found = near_ties(solve(Problem.load("one-h100-1e24")))
    >>> found.within, found.complete, found.designs > 100
    (0.022, True, True)
    """
    require_type("result", result, Result)
    return ties_of(result, Solver(result.problem), Clock.of(time_limit))


def ties_of(result: Result, after: Solver, whole: Clock) -> NearTies | None:
    """Find the near-ties of a result of a solver, whose tables are used again; see `near_ties`."""
    if result.objective.name != "loss" or result.status != "optimal" or result.gap != 0:
        return None
    problem = result.problem
    within = problem.law.rms
    if within is None:
        return NearTies(result, None)
    clock = extra_time(result, whole)
    most = result.best.loss + within
    scorer = Scorer(problem, [Goal("loss", "minimize")], after.store)
    designs, complete = _counted(scorer, most, clock.within(clock.share(_SHARES)))
    cheapest = tuple(_cheapest(Solver(problem, after=after, clock=clock), most))
    known = {result.best.architecture, *(least.design.architecture for least in cheapest)}
    return NearTies(result, within, max(designs, len(known)), complete, cheapest)


def extra_time(result: Result, whole: Clock) -> Clock:
    """The time that a question beside an answer may take: one second and as long as the solve."""
    took = min(result.seconds, time.process_time())  # of CPU time, on a busy machine
    return CpuClock(Limits(min(LEAST_SECONDS + took, MOST_SECONDS)), whole=whole)


def _sought(problem: Problem) -> list[str]:
    """Quantities of which the least is sought; parameters only where not all are active."""
    mixed = problem.space.experts is not None
    names = [name for name in CHEAPEST if name != "parameters" or mixed]
    return [name for name in names if not problem.lacks(name)]


def _cheapest(solver: Solver, most: float) -> Iterator[Cheapest]:
    """Yield the least of each quantity: each proof may take half of the time left, the last all."""
    names = _sought(solver.problem)
    for name in names:
        seconds = solver.clock.share(1 if name == names[-1] else 2)
        asked = _asked(solver.problem, name, most)
        found = solver.solve(problem=asked, time_limit=seconds, details=False)
        if found.design is not None:
            yield Cheapest(name, found.design, found.status == "optimal" and found.gap == 0)


def _asked(problem: Problem, name: str, most: float) -> Problem:
    """The problem of least of a quantity with at most a loss."""
    limit = Constraint("budgets.loss", "loss", "max", most)
    tables = constrained(problem, tightened(constraints(problem), limit))
    tables["objective"]["minimize"] = name
    return Problem.from_tables(tables, like=problem)


def _counted(scorer: Scorer, most: float, clock: Clock) -> tuple[int, bool]:
    """How many designs have at most a loss, and whether these are all."""
    count = _Count(len(scorer.problem.layouts) > 1)
    ending = Ending()
    with ending:
        # No figure of a layout is asked for, so that the best ones suffice.
        for part in designs_below(scorer, most, clock, searched(scorer.problem)):
            count.add(_inside(scorer, part, most))
            if count.number >= MOST_COUNTED:
                return MOST_COUNTED, False
    number = min(count.total(), MOST_COUNTED)
    if ending.complete and number < MOST_COUNTED:
        return number, True
    return _rounded_down(number), False


def _rounded_down(number: int) -> int:
    """The first digit of a number, with zeros: what a limit of time leaves is no more exact."""
    scale: int = 10 ** (len(str(number)) - 1)
    return number // scale * scale


def _inside(scorer: Scorer, part: KeptDesigns, most: float) -> KeptDesigns:
    """The designs at or below a value; those that rounding leaves in doubt by exact evaluation."""
    keeps = part.value <= most
    doubtful = np.flatnonzero(np.abs(part.value - most) <= noise(scorer) * abs(most))
    for at, design in zip(doubtful, evaluated(scorer, part, doubtful), strict=True):
        keeps[at] = design.loss <= most
    return part.take(keeps)


class _Count:
    """A number of designs, each counted once whatever its layouts.

    Attributes
    ----------
    number : int
        Designs counted; those not yet merged with the others are missing.
    """

    def __init__(self, several: bool) -> None:
        self.number, self._several = 0, several
        self._held: list[KeptDesigns] = []

    def add(self, part: KeptDesigns) -> None:
        """Count designs."""
        if not self._several:
            self.number += len(part)
            return
        self._held.append(part)
        if sum(len(part) for part in self._held) >= self.number + _MERGED_AT:
            self.total()

    def total(self) -> int:
        """Number of all designs."""
        if any(len(part) for part in self._held):
            self._held = [one_layout_each(KeptDesigns.join(self._held))]
            self.number = len(self._held[0])
        return self.number
