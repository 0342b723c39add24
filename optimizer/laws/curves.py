"""The optimum under each of several laws along a swept limit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from modelsizer.optimizer.frontiers.frontier import edges
from modelsizer.optimizer.laws.comparison import labels_of, law_names, within
from modelsizer.optimizer.laws.each import Progress
from modelsizer.optimizer.result import PROVEN
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.sweeps.numeric_setting import NumericSetting
from modelsizer.optimizer.tables.clock import Clock, Ending
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.laws.laws import TokenLaw
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.units import Number

_OF_TRAINING = ("training_flops", "training_time", "training_cost", "training_energy")


@dataclass(frozen=True, slots=True)
class LawCurve:
    """The optimum under a law at each value of a swept limit.

    Parameters
    ----------
    name : str
        As in `modelsizer.optimizer.laws.comparison.LawOptimum`.
    law : TokenLaw
    points : tuple of (value, Evaluation)
        Values with a feasible design, and the optimum.
    edge : tuple of bool
        Whether each point is at an end of the menu of layers or d_model.
    complete : bool
        Whether every value was solved with proof.
    """

    name: str
    law: TokenLaw
    points: tuple[tuple[Number, Evaluation], ...]
    edge: tuple[bool, ...]
    complete: bool = True

    @property
    def fitted(self) -> tuple[bool, ...]:
        """Whether each point is within the known ranges of the fit."""
        return tuple(all(w.factor == 1 for w in within(self.law, d)) for _, d in self.points)

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        rows = zip(self.points, self.edge, self.fitted, strict=True)
        points = [
            {
                "limit": value,
                "parameters": design.parameters.total,
                "tokens": design.text if math.isfinite(design.text) else None,
                "within_range": fitted,
                "at_edge": edge,
            }
            for (value, design), edge, fitted in rows
        ]
        return {"name": self.name, "complete": self.complete, "points": points}


def swept_limit(problem: Problem) -> NumericSetting | None:
    """The limit along which laws are compared by default.

    The first of those on training that the problem gives, otherwise the first that it gives at
    all; None if that is none, or a limit on the loss alone.
    """
    for name in dict.fromkeys((*_OF_TRAINING, *problem.budgets.limits)):
        if name != "loss":
            setting = NumericSetting.of(problem, f"budgets.{name}")
            if setting.now(problem) is not None:
                return setting
    return None


def law_curves(
    problem: Problem,
    setting: NumericSetting,
    values: Sequence[Number],
    laws: Sequence[str] | None = None,
    *,
    time_limit: float | None = None,
    progress: Progress | None = None,
) -> tuple[LawCurve, ...]:
    """The proven optimum under each law at each value of a limit.

    Parameters
    ----------
    problem : Problem
    setting : NumericSetting
    values : sequence of int or float
    laws : sequence of str, optional
        As of `compare_laws`.
    time_limit : float, optional
        Seconds of all together; curves that lack a point for want of time are not complete.
    progress : callable, optional
        Called with the number of laws done and of all.

    Raises
    ------
    ProblemError
        If a law is unknown or a value is invalid.
    """
    base, clock = problem.without_scenarios(), Clock.of(time_limit)
    solver, found = Solver(base, clock=clock), []
    names = law_names(base, laws)
    if setting.name == "loss" and len(names) > 1:
        raise ProblemError.of(setting.over, "a loss means another thing by each law; sweep another")
    to_solve = len(names) * len(values)
    for i, name in enumerate(names, start=1):
        under = base.with_settings(base.under_law(name))
        points, proven, ending = [], True, Ending()
        with ending:
            for value in values:
                clock.check()
                there, share = setting.at(under, value), clock.share(to_solve)
                result = solver.solve(problem=there, time_limit=share, details=False)
                to_solve -= 1
                proven = proven and result.stop in PROVEN
                if result.status == "optimal" and result.design is not None:
                    points.append((value, result.design))
        edge = tuple(bool(edges(base.space, design.architecture)) for _, design in points)
        done = proven and ending.complete
        found.append(LawCurve(name, under.law, tuple(points), edge, done))
        if progress is not None:
            progress(i, len(names))
    labels = labels_of(names, [curve.law for curve in found])
    return tuple(replace(curve, name=label) for curve, label in zip(found, labels, strict=True))
