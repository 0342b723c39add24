"""Compute a front with a mixed-integer solver: minimise one goal, constrain the others.

Each step takes the largest unexplored zone (`modelsizer.optimizer.fronts.zones`), minimises one
goal with the others below the zone's bounds, and proves one of three things: the zone contains no
design; its best design is no better than the zone allows; or there is a new point, which splits
the zones that contain it. A solution also settles every zone whose bounds it is below, so zones
only need to differ in the other goals: with two goals this is the epsilon-constraint method
(Haimes, Lasdon and Wismer 1971, IEEE Transactions on Systems, Man, and Cybernetics 1(3), 296-297);
with three it is that of Kirlik and Sayin 2014 (European Journal of Operational Research 232(3),
479-488) with the search zones of Tamby and Vanderpooten 2021 (INFORMS Journal on Computing 33(1),
72-85) for rectangles.

It terminates, as every step adds one of finitely many points or drops a zone; when no zone is
left, no nondominated point is missing. Bounds are strict to the unit of an integer and to the next
double, so no point lies between two steps.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import cast

import numpy as np

from modelsizer.optimizer.fronts.front import Zone
from modelsizer.optimizer.fronts.goals import Goal
from modelsizer.optimizer.fronts.scan import Report
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.fronts.zones import Zones
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.tables.clock import Clock, Ending, Stop
from modelsizer.optimizer.tables.table import Floats
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import Number, exact

_BELOW_ANY_UNIT = Fraction(1, 10**300)
"""Less than the spacing of any affine quantity: its denominator is a product of a few decimals of
17 digits and of counts."""


class EpsilonConstraint:
    """Compute a front with a mixed-integer solver.

    Parameters
    ----------
    scorer : Scorer
    solver : str
        See `modelsizer.optimizer.solver.solve`.
    clock : Clock
    report : callable, optional

    Attributes
    ----------
    found : list of Evaluation
        A design of every point found; some may be weakly dominated.
    solves : int

    Raises
    ------
    ProblemError
        If a goal can only be bounded from above by training on fewer tokens.
    """

    def __init__(
        self, scorer: Scorer, solver: str, clock: Clock, report: Report | None = None
    ) -> None:
        self.scorer, self.clock, self.report = scorer, clock, report
        self.goals = scorer.goals
        self.minimised = self._minimised()
        self.solver = Solver(self._asking(), solver=solver, clock=clock)
        self.zones = Zones(len(self.goals))
        self.found: list[Evaluation] = []
        self.solves = 0
        self._ideal = np.full(len(self.goals), np.inf)
        self._exact: dict[tuple[int, float], Fraction | float] = {}

    def _minimised(self) -> int:
        """Index of the goal to minimise: the one that determines a design's tokens."""
        names = [goal.name for goal in self.goals]
        if "loss" in names:
            for name in names:
                if QUANTITIES[name].of_tokens:
                    raise ProblemError.of(
                        "--objectives",
                        f"a limit on {name} changes the tokens, and with them the loss, of every "
                        f"design: sweep it with `modelsizer frontier --over budgets.{name}`, or "
                        "take --solver exhaustive, which compares designs at all their tokens",
                    )
        for goal in self.goals:
            if goal.sign > 0 and QUANTITIES[goal.name].form == "batch":
                raise ProblemError.of(
                    "--objectives",
                    f"{goal.name} can only be held above a limit; take --solver exhaustive to "
                    "minimise it",
                )
            if goal.sign < 0 and QUANTITIES[goal.name].branches:
                raise ProblemError.of(
                    "--objectives",
                    f"{goal.name} is the most of several costs and can only be held below a limit; "
                    "take --solver exhaustive to maximise it",
                )
        if "loss" in names:
            return names.index("loss")
        sought = self.scorer.problem.objective.quantity
        return names.index(sought) if sought in names else 0

    def _asking(self) -> Problem:
        """The problem solved at each step, before its bounds are added."""
        goal = self.goals[self.minimised]
        name, sense = goal.name, goal.sense
        if QUANTITIES[name].form == "inverse":
            name, sense = QUANTITIES[name].base, "minimize"
        tables = self.scorer.problem.bare()
        tables["objective"] = tables.get("objective", {}) | {sense: name}
        return Problem.from_tables(tables, like=self.scorer.problem)

    def run(self) -> Stop:
        """Solve until no zone is left; return why the search ended."""
        ending = Ending()
        with ending:
            while len(self.zones):
                self._step()
        return ending.stop

    def _step(self) -> None:
        """Solve for the best design of the largest zone.

        Raises
        ------
        StoppedError
            If a limit passes before the proof.
        """
        self.clock.check()
        if self.report is not None:
            self.report(len(self.found), self.solves)
        others = [i for i in range(len(self.goals)) if i != self.minimised]
        zone = self.zones.bounds[self._largest(others)]
        result = self.solver.solve(problem=self._within(zone, others), details=False)
        self.solves += 1
        result.finished()
        inside = (self.zones.bounds[:, others] <= zone[others]).all(axis=1)
        if result.design is None:
            self.zones.drop(inside)
            return
        point = self._vector(result.design)
        self._ideal = np.minimum(self._ideal, point)
        if point[self.minimised] < zone[self.minimised]:
            self.found.append(result.design)
            self.zones.add(point)
            inside = (self.zones.bounds[:, others] <= zone[others]).all(axis=1)
        settled = self.zones.bounds[:, self.minimised] <= point[self.minimised]
        self.zones.drop(inside & settled)

    def _largest(self, others: list[int]) -> int:
        """Index of the zone that is largest in the constrained goals."""
        reach = self.zones.bounds[:, others]
        free = ~np.isfinite(reach)
        span = np.where(free, 1.0, np.maximum(np.where(free, 0, reach) - self._ideal[others], 0))
        return int(np.lexsort((-span.prod(axis=1), -free.sum(axis=1)))[0])

    def _vector(self, design: Evaluation) -> Floats:
        """Objective vector of a design, all goals minimised; stores its exact values."""
        values = self.scorer.exact_values(design)
        vector = np.array([g.sign * float(v) for g, v in zip(self.goals, values, strict=True)])
        for i, value in enumerate(values):
            self._exact[i, float(vector[i])] = value
        return vector

    def _within(self, zone: Floats, others: list[int]) -> Problem:
        """The problem with the other goals constrained strictly below a zone's bounds."""
        base = self.solver.problem
        limits: dict[str, Interval] = {}
        for i in others:
            if math.isfinite(zone[i]):
                goal = self.goals[i]
                given = base.budgets.limits.get(goal.name, Interval())
                narrow = _narrowed(given, self._exact[i, float(zone[i])], goal)
                of_devices = goal.name not in base.budgets.said
                limits[goal.name] = replace(narrow, on_device=of_devices)
        budgets = base.budgets.model_copy(update=limits)
        return base.model_copy(update={"budgets": budgets})

    def unexplored(self) -> list[Zone]:
        """The zones left unexplored."""
        signs = [goal.sign for goal in self.goals]
        nothing = (None,) * len(self.goals)
        return [
            Zone(
                nothing,
                tuple(
                    sign * float(x) if math.isfinite(x) else None
                    for sign, x in zip(signs, zone, strict=True)
                ),
            )
            for zone in self.zones.bounds
        ]


def _narrowed(given: Interval, known: Fraction | float, goal: Goal) -> Interval:
    """Tighten an interval to exclude a value of a goal and all that is no better."""
    least = None if given.min is None else exact(given.min)
    most = None if given.max is None else exact(given.max)
    if goal.sign > 0:
        edge = Fraction(known) - _BELOW_ANY_UNIT
        most = edge if most is None else min(most, edge)
    else:
        edge = Fraction(known) + _BELOW_ANY_UNIT
        least = edge if least is None else max(least, edge)
    # Limits must be numbers that a file can contain; the bounds of a step need not be.
    return Interval(cast("Number | None", least), cast("Number | None", most))
