"""Compute the front of a problem by any of the methods: the function `front`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields

import numpy as np

from modelsizer.optimizer.fronts.archive import Archive
from modelsizer.optimizer.fronts.bounding import Bounding
from modelsizer.optimizer.fronts.enumeration import Enumeration
from modelsizer.optimizer.fronts.epsilon_constraint import EpsilonConstraint
from modelsizer.optimizer.fronts.finishing import finished
from modelsizer.optimizer.fronts.front import Front, Points, Zone
from modelsizer.optimizer.fronts.goals import Goal, parse_goals
from modelsizer.optimizer.fronts.scan import Report, Scan
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.fronts.ties import archived
from modelsizer.optimizer.solver import DEFAULT_SOLVER, WITHOUT_ENGINE, Solver
from modelsizer.optimizer.tables.clock import Clock, Limits, Stop
from modelsizer.problems.errors import require_type
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import Number

ENUMERATED = 8_000_000
"""Number of pairs of design and layout up to which enumeration is fastest, measured."""
_IDEAL_SECONDS = 2.0  # to bound each goal, if a front is not finished


def front(
    problem: Problem,
    objectives: Sequence[str],
    *,
    solver: str = DEFAULT_SOLVER,
    time_limit: float | None = None,
    report: Report | None = None,
) -> Front:
    """Compute all nondominated feasible designs of a problem.

    Parameters
    ----------
    problem : Problem
        Its constraints, law and space define the front; its objective is ignored.
    objectives : sequence of str
        Two or three quantities, such as ``["parameters", "layers", "loss"]``, minimised, except
        decode_throughput, which is maximised; a leading ``-`` reverses the sense.
    solver : str
        ``auto``, ``exhaustive`` (evaluate every design), ``bound`` (branch and bound), or an engine
        of `modelsizer.optimizer.solver.solve` for the epsilon-constraint method: ``scipy``,
        ``pulp``, ``pulp:NAME``.
    time_limit : float, optional
        Seconds; on reaching it, the points found are returned with the unexplored zones.
    report : callable, optional
        Called with the numbers of points found and designs evaluated (or programs solved).

    Returns
    -------
    Front
        Equal objective vectors are one point, with the number of designs that share it.

    Raises
    ------
    ProblemError
        If an objective is unknown, or the problem lacks the data to compute it.
    ValueError
        If the solver is unknown or not installed.

    Examples
    --------
    >>> from modelsizer import Problem, front
    >>> found = front(Problem.load("phone-2gb"), ["loss", "serving_memory"])
    >>> found.complete, len(found) > 100
    (True, True)
    """
    require_type("problem", problem, Problem)
    goals = parse_goals(problem, objectives)
    clock = Clock(Limits(time_limit, None))
    scorer = Scorer(problem, goals)
    name = solver
    if solver == "auto":
        name = "exhaustive" if problem.counted.pairs <= ENUMERATED else "bound"
    statistics: dict[str, Number] = {}
    if name in WITHOUT_ENGINE:
        archive = Archive(scorer)
        way: type[Scan] = Enumeration if name == "exhaustive" else Bounding
        search = way(archive, clock, report)
        stop, unexplored = search.run(), search.unexplored
        statistics["looked_at"] = search.looked_at
        if name == "exhaustive" and stop == "proven" and len(problem.layouts) == 1:
            statistics["feasible"] = archive.feasible
    else:
        program = EpsilonConstraint(scorer, name, clock, report)
        stop, unexplored = program.run(), program.unexplored
        statistics["solves"] = program.solves
        archive = archived(scorer, program.found)
    statistics["designs"] = problem.counted.designs
    found = _points(scorer, archive)
    zones = () if stop == "proven" else _bounded(problem, goals, unexplored())
    return _front(problem, tuple(goals), name, clock, stop, found, zones, statistics)


def _points(scorer: Scorer, archive: Archive) -> Points | None:
    return None if archive.front is None else finished(scorer, archive.front)


def _front(
    problem: Problem,
    goals: tuple[Goal, ...],
    solver: str,
    clock: Clock,
    stop: Stop,
    found: Points | None,
    zones: tuple[Zone, ...],
    statistics: dict[str, Number],
) -> Front:
    if found is None:
        table = next(iter(Scorer(problem, goals).model.tables())).take(np.zeros(0, dtype=int))
        none = np.zeros(0)
        empty = np.zeros(0, dtype=np.int64)
        values: dict[str, tuple[Number, ...]] = {goal.name: () for goal in goals}
        found = Points(values, empty, none, none, table, empty, np.zeros((0, 1), dtype=np.int64))
    return Front(
        **{part.name: getattr(found, part.name) for part in fields(Points)},
        problem=problem,
        goals=goals,
        solver=solver,
        seconds=clock.elapsed,
        stop=stop,
        unexplored=zones,
        statistics=statistics,
    )


def _bounded(problem: Problem, goals: Sequence[Goal], zones: Sequence[Zone]) -> tuple[Zone, ...]:
    """Zones, with the proven bound of each goal filled in where none is known."""
    best = tuple(_ideal(problem, goal, goals) for goal in goals)
    return tuple(
        Zone(
            tuple(b if known is None else known for known, b in zip(zone.least, best, strict=True)),
            zone.most,
        )
        for zone in zones
    )


def _ideal(problem: Problem, goal: Goal, goals: Sequence[Goal]) -> float | None:
    """Proven bound on one goal over the feasible designs; None if unknown."""
    row = QUANTITIES[goal.name]
    with_loss = any(g.name == "loss" for g in goals)
    if row.form == "inverse" or (row.of_tokens and (with_loss or goal.sign < 0)):
        return None
    if goal.sign < 0 and (row.only == "max" or row.form in ("loss", "flops")):
        return None
    tables = problem.bare()
    tables["objective"] = tables.get("objective", {}) | {goal.sense: goal.name}
    asked = Problem.from_tables(tables, like=problem)
    result = Solver(asked).solve(time_limit=_IDEAL_SECONDS, details=False)
    return result.bound
