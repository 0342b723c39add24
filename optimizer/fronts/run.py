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
from modelsizer.optimizer.fronts.front import Front, Points, Zone, coarser, everything
from modelsizer.optimizer.fronts.goals import Goal, parse_goals
from modelsizer.optimizer.fronts.scan import Report, Scan
from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.fronts.ties import archive_of, archived
from modelsizer.optimizer.solver import DEFAULT_SOLVER, WITHOUT_ENGINE, Solver
from modelsizer.optimizer.tables.building import frame
from modelsizer.optimizer.tables.clock import Clock, Ending, Limits, Stop
from modelsizer.problems.errors import require_type
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import Number

ENUMERATED = 8_000_000
"""Number of pairs of design and layout up to which enumeration is fastest, measured."""
_IDEAL_SECONDS, _IDEAL_SHARE = 2.0, 0.1
"""Seconds to bound each goal if a front is not finished, and the share of a time limit at most."""
_LAST = 0.25  # seconds after a time limit to compare the designs found


def front(
    problem: Problem,
    objectives: Sequence[str],
    *,
    solver: str = DEFAULT_SOLVER,
    time_limit: float | None = None,
    clock: Clock | None = None,
    report: Report | None = None,
    seconds_a_point: float = 0.0,
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
    clock : Clock, optional
        Of the question that this is part of, in place of a time limit.
    report : callable, optional
        Called with the numbers of points found and designs evaluated (or programs solved).
    seconds_a_point : float
        Time of the limit to keep back for each point, such as for writing it.

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
    clock = Clock.of(time_limit) if clock is None else clock.within()
    scorer = Scorer(problem, goals)
    name, counted = solver, problem.counted
    if solver == "auto":
        name = "exhaustive" if counted.pairs <= ENUMERATED else "bound"
    searched = clock.ahead(_kept_back(clock, goals))
    if name in WITHOUT_ENGINE:
        way: type[Scan] = Enumeration if name == "exhaustive" else Bounding
        search = way(Archive(scorer, searched), searched, report, seconds_a_point)
        archive, stop, zones = search.archive, search.run(), search.unexplored
        statistics: dict[str, Number] = {"looked_at": search.looked_at}
        if name == "exhaustive" and stop == "proven" and len(problem.layouts) == 1:
            statistics["feasible"] = archive.feasible
    else:
        program = EpsilonConstraint(scorer, name, searched, report)
        stop, archive = _by_program(program, clock)
        zones, statistics = program.unexplored, {"solves": program.solves}
    statistics["designs"] = counted.designs
    last = clock.left.seconds
    finish = Clock(Limits(None if last is None else max(last, _LAST)))
    candidates = archive.front(finish)
    found = None if candidates is None else finished(scorer, candidates, finish)
    left: list[Zone] = []
    if finish.out_of_time:  # some of the points found may be left out
        stop, left = (finish.stop if stop == "proven" else stop), [everything(goals)]
    elif stop != "proven":
        left = coarser(zones(), goals) or [everything(goals)]
    unexplored = _bounded(problem, goals, left, clock)
    return _front(problem, tuple(goals), name, clock, stop, found, unexplored, statistics)


def _kept_back(clock: Clock, goals: Sequence[Goal]) -> float:
    """Seconds of a time limit in which to bound the goals, if the front is not finished."""
    return min(_IDEAL_SECONDS * len(goals), _IDEAL_SHARE * (clock.left.seconds or 0.0))


def _by_program(program: EpsilonConstraint, clock: Clock) -> tuple[Stop, Archive]:
    """Why the search of a mixed-integer solver ended, and the designs of the points found."""
    ending = Ending(program.run())
    archive = archive_of(program.scorer, program.found)
    if ending.complete:
        with ending:
            archive = archived(program.scorer, program.found, clock)
    return ending.stop, archive


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
        layout, options = next(iter(problem.options()))
        none, empty = np.zeros(0), np.zeros(0, dtype=np.int64)
        table = frame((layout,), options.take(empty))
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


def _bounded(
    problem: Problem, goals: Sequence[Goal], zones: Sequence[Zone], clock: Clock
) -> tuple[Zone, ...]:
    """Zones, with the proven bound of each goal filled in where none is known and time is left."""
    best: list[float | None] = [None for _ in goals]
    with Ending():
        for i, goal in enumerate(goals if zones else ()):
            clock.check()
            best[i] = _ideal(problem, goal, goals, clock)
    return tuple(
        Zone(
            tuple(b if known is None else known for known, b in zip(zone.least, best, strict=True)),
            zone.most,
        )
        for zone in zones
    )


def _ideal(problem: Problem, goal: Goal, goals: Sequence[Goal], clock: Clock) -> float | None:
    """Proven bound on one goal over the feasible designs; None if unknown."""
    row = QUANTITIES[goal.name]
    with_loss = any(g.name == "loss" for g in goals)
    if row.form == "inverse" or (row.of_tokens and (with_loss or goal.sign < 0)):
        return None
    if row.form == "batch" and goal.sign > 0:
        return None
    if goal.sign < 0 and (row.only == "max" or row.form in ("loss", "flops")):
        return None
    tables = problem.bare()
    tables["objective"] = tables.get("objective", {}) | {goal.sense: goal.name}
    asked = Problem.from_tables(tables, like=problem)
    result = Solver(asked, clock=clock).solve(time_limit=_IDEAL_SECONDS, details=False)
    return result.bound
