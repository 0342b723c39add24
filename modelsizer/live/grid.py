"""A grid of proven answers over the main limits of a problem.

A point is proven by a solve of its own, or by the answer at looser limits. *Tightening*: what is
feasible at tighter limits is so at looser ones. If the optimum at looser limits keeps the tighter
ones, it is the optimum there, with the same tokens and the same machine, and the first of equals;
if nothing is feasible at looser limits, nothing is at tighter ones. It is enough to look at the
neighbours that are looser by one stop of one limit, from the loosest point on: an optimum that
keeps the limits of a point keeps those of all points between. The lemma needs that designs are
judged alike at both limits: not where the leverage of experts is of the budget, a largest batch is
asked for, or a limit differs by machine. There every point is solved.

Whether limits bind is inherited likewise, see `_Fill.uses`.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from modelsizer.live.main_limits import Axis, axes, main_limits
from modelsizer.optimizer.advice import advice
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.budgets import (
    AT_THE_LIMIT,
    clearly_better,
    freed,
    holds_back,
    limits_differ,
)
from modelsizer.optimizer.constraints import Constraint, constraints, moved_unchecked
from modelsizer.optimizer.result import BudgetUse, Objective, Result, Status
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.tables.clock import Clock, Ending, Stop
from modelsizer.optimizer.warning import AnswerWarning, Consequence
from modelsizer.problems.designs.evaluation import Evaluation, Evaluator
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import Number, exact

SECONDS = 8.5
"""CPU time that the grid of a report may take, as `_seconds` estimates it."""
_SHAPES = (
    (13, 11, 9), (11, 9, 7), (9, 7, 7), (7, 7, 5), (21, 17), (17, 13), (13, 11), (11, 9), (9, 7),
    (7, 5), (5, 5), (5,),
)  # fmt: skip
"""Numbers of stops by main limit, the finest first."""
_OF_ONE = (41, 21, 11)
"""Numbers of stops where there is one main limit."""
_SOLVED = 0.6  # share of the points of a grid that others do not prove

At = tuple[int, ...]
"""Indices of stops, one of each axis."""


@dataclass(frozen=True, slots=True)
class GridPoint:
    """The answer at some limits.

    Parameters
    ----------
    status : {"optimal", "infeasible"}
    design : Evaluation or None
    uses : tuple of BudgetUse
    parent : tuple of int or None
        The looser point whose answer proves it; None of a point that was solved.
    """

    status: Status
    design: Evaluation | None
    uses: tuple[BudgetUse, ...] = ()
    parent: At | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """Proven answers over some limits of a problem.

    Parameters
    ----------
    problem : Problem
        Without scenarios.
    axes : tuple of Axis
    points : mapping of tuple of int to GridPoint
        By the indices of stops; those that the clock left no time for are missing.
    stop : Stop
    statistics : mapping
        Of the search at the problem's own limits.
    """

    problem: Problem
    axes: tuple[Axis, ...]
    points: Mapping[At, GridPoint]
    stop: Stop
    statistics: Mapping[str, Number]

    @property
    def complete(self) -> bool:
        """Whether every point is proven."""
        return self.stop == "proven"

    @property
    def size(self) -> int:
        """Number of points, the missing ones too."""
        return math.prod(len(axis.stops) for axis in self.axes)

    @property
    def own(self) -> At:
        """The point of the problem's own limits."""
        return tuple(axis.at for axis in self.axes)

    def everywhere(self) -> Iterator[At]:
        """Yield the indices of all points, the last axis fastest."""
        yield from itertools.product(*(range(len(axis.stops)) for axis in self.axes))

    def settings(self, at: At) -> dict[str, object]:
        """What to set over the problem at a point, by dotted key."""
        pairs = zip(self.axes, at, strict=True)
        return {a.key: a.stops[i].value for a, i in pairs if i != a.at}

    def problem_at(self, at: At) -> Problem:
        """The problem of a point."""
        return _problem_at(self.problem, self.axes, at)

    def result(self, at: At) -> Result:
        """The answer at a point, as a solve gives it.

        Its warnings are those of the design, or where it becomes feasible; its statistics are
        those of the search at the problem's own limits.
        """
        point, problem = self.points[at], self.problem_at(at)
        asked = problem.objective
        if point.design is None:
            why = tuple(AnswerWarning(Consequence.REASON, text) for text in self.becomes(at))
            none = Objective(asked.quantity, asked.sense, None)
            return Result(problem, "auto", 0.0, "infeasible", "proven", none, None, 0.0, None, (),
                          why, self.statistics)  # fmt: skip
        value = point.design.quantity(asked.quantity)
        found = Objective(asked.quantity, asked.sense, value)
        warnings = tuple(advice(problem, point.design))
        return Result(problem, "auto", 0.0, "optimal", "proven", found, float(value), 0.0,
                      point.design, point.uses, warnings, self.statistics)  # fmt: skip

    def becomes(self, at: At) -> list[str]:
        """Where an infeasible point becomes feasible, one limit moved and all else held."""
        found = []
        for number, axis in enumerate(self.axes):
            order = list(axis.loosest_first)
            looser = order if axis.constraint.equality else order[: order.index(at[number])][::-1]
            for stop in looser:
                point = self.points.get((*at[:number], stop, *at[number + 1 :]))
                if point is not None and point.design is not None:
                    sign = {"<=": "at least", ">=": "at most", "=": ""}[axis.constraint.sign]
                    text = f"feasible with {axis.constraint.name} {sign} {axis.stops[stop].text}"
                    found.append(" ".join(text.split()))
                    break
        return found or ["none of the sliders alone makes it feasible"]

    def certificate(self, at: At) -> str:
        """The proof of a point in words."""
        point, objective = self.points[at], self.problem.objective
        held = point.parent
        if held is None:
            how = "by a solve with these limits"
        else:
            axis = next(i for i, (a, b) in enumerate(zip(at, held, strict=True)) if a != b)
            name, text = self.axes[axis].constraint.name, self.axes[axis].stops[held[axis]].text
            how = f"already at {name} {text}"
            how += "" if point.design is None else ", and the design keeps the tighter limit"
        if point.design is None:
            return f"Proven infeasible, {how}: no design keeps every limit."
        better = "more" if objective.sense == "maximize" else "less"
        return f"Proven optimal, {how}: no design has {better} {objective.quantity}."


def grid(result: Result, clock: Clock, seconds: float = SECONDS) -> Grid | None:
    """Solve a problem on a grid over its main limits.

    Parameters
    ----------
    result : Result
        The answer at its own limits.
    clock : Clock
        Points that it leaves no time for are missing.
    seconds : float
        CPU time that it may take, by an estimate.

    Returns
    -------
    Grid or None
        None where the answer is not proven or no limit moves it; without axes where one solve takes
        too long. Its size follows from counts of the problem and of its search, not from the time
        that they took.
    """
    if result.status == "limit":
        return None
    problem = result.problem.without_scenarios()
    ending, none = Ending(), Grid(problem, (), {}, "proven", result.statistics)
    if _seconds(result, _SHAPES[-1]) > seconds:
        return none
    with ending:
        limits = main_limits(result, clock)
    if not ending.complete:
        return replace(none, stop=ending.stop)
    shape = _shape(result, len(limits), seconds)
    if limits and not shape:
        return none
    if not (found := axes(problem, limits, shape)):
        return None
    points: dict[At, GridPoint] = {}
    with ending:
        _Fill(problem, found, clock, points).run()
    return Grid(problem, found, points, ending.stop, result.statistics)


def _shape(result: Result, limits: int, seconds: float) -> tuple[int, ...]:
    """How many stops each main limit has, by an estimate of the work; empty if that is too much."""
    alone = [(count,) for count in _OF_ONE] if limits == 1 else []
    for shape in (*alone, *_SHAPES):
        if len(shape) <= limits and _seconds(result, shape) <= seconds:
            return shape
    return ()


def _seconds(result: Result, shape: Sequence[int]) -> float:
    """Estimated CPU seconds of a grid, from counts that do not depend on the machine.

    Fitted to the problems of the library: a solve takes longer the more designs and machines there
    are, and each point takes some time for its texts.
    """
    counts, more = result.statistics, len(result.problem.setups) - 1
    pairs = 0 if counts["blocks"] else counts.get("candidates", counts["designs"])
    machines = 2.2e-3 * more + 2e-4 * counts.get("layouts", 1)
    solve = 0.010 + 4e-7 * pairs + machines + 1e-5 * counts["blocks"]
    points = math.prod(shape)
    solved = points * (_SOLVED if len(shape) > 1 else 1.0)
    solved += len(constraints(result.problem))  # those that find the main limits, without details
    return solved * solve + points * (0.003 + 1e-4 * more)


def _problem_at(problem: Problem, axes: Sequence[Axis], at: Sequence[int]) -> Problem:
    for axis, stop in zip(axes, at, strict=True):
        if stop != axis.at:
            problem = moved_unchecked(problem, axis.constraint.at(axis.limit(stop)))
    return problem


class _Fill:
    """Fills a grid, from the loosest point to the tightest."""

    def __init__(
        self,
        problem: Problem,
        axes: Sequence[Axis],
        clock: Clock,
        points: dict[At, GridPoint],
    ) -> None:
        self._problem, self._axes, self._clock, self._points = problem, axes, clock, points
        self._solver = Solver(problem, clock=clock)
        self._nested = [self._nests(axis) for axis in axes]
        self._free: dict[str, Problem | None] = {}  # without a constraint, by its key

    def run(self) -> None:
        """Fill all points.

        Raises
        ------
        StoppedError
            If the clock stops it.
        """
        for at in itertools.product(*(axis.loosest_first for axis in self._axes)):
            self._clock.check()
            self._points[at] = self._inherited(at) or self._solved(at)

    def _nests(self, axis: Axis) -> bool:
        """Whether an optimum at a looser value of a limit that keeps a tighter one is it there."""
        problem, each = self._problem, axis.constraint
        asked = (*problem.limits, problem.objective.quantity)
        if each.equality or any(QUANTITIES[name].form == "batch" for name in asked):
            return False
        if limits_differ(problem, each.quantity):  # a limit as MODEL, by machine; others are one
            return False
        known = {
            moved_unchecked(problem, each.at(axis.limit(i))).settings.leverage_flops
            for i in (0, axis.at, len(axis.stops) - 1)
        }
        return len(known) == 1

    def _parents(self, at: At) -> Iterator[tuple[int, At]]:
        """Axes, and the points that are looser by one stop of them."""
        for number, axis in enumerate(self._axes):
            order = list(axis.loosest_first)
            place = order.index(at[number])
            if self._nested[number] and place:
                yield number, (*at[:number], order[place - 1], *at[number + 1 :])

    def _inherited(self, at: At) -> GridPoint | None:
        """The answer at a point if that at a looser one proves it."""
        for number, parent in self._parents(at):
            known = self._points[parent]
            if known.design is None:
                return GridPoint("infeasible", None, parent=parent)
            axis = self._axes[number]
            if self._keeps(known.design, axis, at[number]):
                design = self._again(at, known.design)
                return GridPoint("optimal", design, self._uses(at, design, (number, known)), parent)
        return None

    def _again(self, at: At, design: Evaluation) -> Evaluation:
        """A design at tighter limits that it keeps: only the largest batches within are others."""
        if not any(QUANTITIES[name].form == "batch" for name in design.exact):
            return design
        problem = _problem_at(self._problem, self._axes, at)
        return Evaluator(problem).evaluate_under(design.architecture, design.layout)

    @staticmethod
    def _keeps(design: Evaluation, axis: Axis, stop: int) -> bool:
        """Whether a design keeps a limit, in exact arithmetic."""
        limit, used = exact(axis.limit(stop)), design.exact[axis.constraint.quantity]
        return used <= limit if axis.upper else used >= limit

    def _solved(self, at: At) -> GridPoint:
        problem = _problem_at(self._problem, self._axes, at)
        found = self._solver.solve(problem=problem, details=False).finished()
        if found.design is None:
            return GridPoint("infeasible", None)
        return GridPoint("optimal", found.design, self._uses(at, found.design, None))

    def _uses(
        self, at: At, design: Evaluation, inherited: tuple[int, GridPoint] | None
    ) -> tuple[BudgetUse, ...]:
        """What a design uses of each limit, and whether the limit binds, as `budget_uses` has it.

        A limit binds if the design is at it, or a better one is feasible without it. Of a limit
        that is no better one looser by a stop, nothing is known and it is looked for. For an
        optimum inherited from a point with one limit looser: without that limit both points are
        the same problem, so a better design is there at one if it is at the other; and a limit
        without which nothing is better at the looser point has nothing better without it at the
        tighter one.
        """
        problem = _problem_at(self._problem, self._axes, at)
        model = Model(problem, self._solver.store)
        number_of = {axis.constraint.key: number for number, axis in enumerate(self._axes)}
        moved = None if inherited is None else self._axes[inherited[0]].constraint.key
        found = []
        for place, each in enumerate(constraints(problem.under(design.layout))):
            limit, used = float(each.limit), design.quantity(each.quantity)
            slack = (limit - used) if each.side == "max" else (used - limit)
            binding = slack <= AT_THE_LIMIT * abs(limit)
            if not binding:
                before = None if inherited is None else inherited[1].uses[place]
                if before is not None and (each.key == moved or not before.binding):
                    binding = before.binding
                else:
                    better = self._looser_is_better(model, at, design, number_of.get(each.key))
                    binding = better or holds_back(
                        model, design, each, self._freed(at, each), self._clock
                    )
            end = (each.dimension, each.side, binding, each.reference, each.device)
            found.append(BudgetUse(each.name, used, each.limit, *end))
        return tuple(found)

    def _freed(self, at: At, each: Constraint) -> Problem | None:
        """The problem of a point without a constraint."""
        if each.key not in self._free:
            self._free[each.key] = freed(self._problem, each)
        free = self._free[each.key]
        if free is None:
            return None
        pairs = zip(self._axes, at, strict=True)
        kept = [(axis, stop) for axis, stop in pairs if axis.constraint.key != each.key]
        return _problem_at(free, [axis for axis, _ in kept], [stop for _, stop in kept])

    def _looser_is_better(
        self, model: Model, at: At, design: Evaluation, number: int | None
    ) -> bool:
        """Whether one stop less of a limit has a clearly better optimum."""
        for axis, parent in self._parents(at):
            if axis == number and (other := self._points[parent].design) is not None:
                return model.value_of(other) < clearly_better(model, design)
        return False
