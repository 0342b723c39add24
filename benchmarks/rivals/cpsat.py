"""CP-SAT of OR-tools on tabulated objectives, in whole units of 1e-12 nats.

As `benchmarks.rivals.scip_table`, with integers throughout, so that its proof is exact to the unit;
numbers of parameters or bytes keep their own unit, others have 1e15 to the largest. `FORMULATIONS`
are those that were tried; one more, a table constraint over (width option, depth, objective), took
19 s on one-h100-1e24.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.rivals.answer import RivalAnswer, Skipped, Stopwatch, answered, without_design
from benchmarks.rivals.tabulated import Ints, Tabulation, lower_hull, tabulate
from modelsizer.problems.problem import Problem

UNITS = 1e12  # in a nat
LARGEST = 1e15  # whole number; times a difference of depths it is far below 2^63
WORKERS = 1

Choice = Callable[[Any], tuple[int, int]]


def solve(problem: Problem, seconds: float, formulation: str = "least") -> RivalAnswer:
    """Tabulate, and solve with CP-SAT.

    Parameters
    ----------
    problem : Problem
    seconds : float
        Time limit, including tabulation.
    formulation : str
        A key of `FORMULATIONS`.

    Raises
    ------
    Skipped
        If OR-tools is not installed, or there are too many designs.
    """
    try:
        from ortools.sat.python import cp_model
    except ImportError:
        raise Skipped("OR-tools is not installed") from None
    clock = Stopwatch()
    table = tabulate(problem)
    if not len(table):
        return without_design(clock)
    units = _units(problem, table)
    model = cp_model.CpModel()
    chosen = FORMULATIONS[formulation](model, table, np.rint(table.value * units).astype(np.int64))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = WORKERS
    solver.parameters.max_time_in_seconds = max(seconds - clock.elapsed, 1e-3)
    clock.start()
    status = solver.solve(model)
    clock.stop()
    words = f"{solver.status_name(status).lower()}, {len(model.proto.variables)} variables"
    bound = solver.best_objective_bound / units
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return answered(problem, None, clock, words, bound=bound)
    design, claimed = table.design(*chosen(solver)), solver.objective_value / units
    proof = status == cp_model.OPTIMAL
    return answered(problem, design, clock, words, bound=bound, proof=proof, claimed=claimed)


def _units(problem: Problem, table: Tabulation) -> float:
    """Units in which the objective is a whole number."""
    if problem.objective.quantity == "loss":
        return UNITS
    largest = float(np.abs(table.value).max())
    whole = largest <= LARGEST and bool((table.value == np.rint(table.value)).all())
    return 1.0 if whole else LARGEST / largest


def _least(model: Any, table: Tabulation, value: Ints) -> Choice:
    """A literal for each width option, at the cost of its best depth."""
    best = [o.start + int(value[o].argmin()) for o in table.options()]
    return _one_hot(model, table, np.array(best), value[best])


def _designs(model: Any, table: Tabulation, value: Ints) -> Choice:
    """A literal for each design."""
    return _one_hot(model, table, np.arange(len(table)), value)


def _element(model: Any, table: Tabulation, value: Ints) -> Choice:
    """An element constraint: the objective at an index of all designs."""
    at = model.new_int_var(0, len(value) - 1, "")
    cost = model.new_int_var(int(value.min()), int(value.max()), "")
    model.add_element(at, value.tolist(), cost)
    model.minimize(cost)

    def chosen(solver: Any) -> tuple[int, int]:
        return int(table.row[solver.value(at)]), int(table.j[solver.value(at)])

    return chosen


def _hull(model: Any, table: Tabulation, value: Ints) -> Choice:
    """A literal for each width option that enforces the facets of its hull and its depths."""
    options = list(table.options())
    columns = [model.new_bool_var("") for _ in options]
    model.add_exactly_one(columns)
    cost = model.new_int_var(int(value.min()), int(value.max()), "")
    depth = model.new_int_var(0, int(table.j.max()), "")
    for z, o in zip(columns, options, strict=True):
        x, y = table.j[o], value[o]
        at = lower_hull(x, y)
        xs, ys = x[at].tolist(), y[at].tolist()
        model.add_linear_constraint(depth, xs[0], xs[-1]).only_enforce_if(z)
        if len(xs) == 1:
            model.add(cost >= ys[0]).only_enforce_if(z)
        for x0, x1, y0, y1 in zip(xs, xs[1:], ys, ys[1:], strict=False):
            run, rise = x1 - x0, y1 - y0
            model.add(run * cost - rise * depth >= run * y0 - rise * x0).only_enforce_if(z)
    model.minimize(cost)

    def chosen(solver: Any) -> tuple[int, int]:
        at = next(k for k, z in enumerate(columns) if solver.value(z))
        return int(table.row[options[at].start]), solver.value(depth)

    return chosen


FORMULATIONS: dict[str, Callable[[Any, Tabulation, Ints], Choice]] = {
    "least": _least,
    "designs": _designs,
    "element": _element,
    "hull": _hull,
}


def _one_hot(model: Any, table: Tabulation, at: Ints, cost: Ints) -> Choice:
    from ortools.sat.python import cp_model

    columns = [model.new_bool_var("") for _ in at]
    model.add_exactly_one(columns)
    model.minimize(cp_model.LinearExpr.weighted_sum(columns, cost.tolist()))

    def chosen(solver: Any) -> tuple[int, int]:
        k = at[next(k for k, z in enumerate(columns) if solver.value(z))]
        return int(table.row[k]), int(table.j[k])

    return chosen
