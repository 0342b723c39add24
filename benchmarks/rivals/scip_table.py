"""SCIP on tabulated objectives: one-hot width options, and facets of each one's lower hull.

All formulations start from `benchmarks.rivals.tabulated`, evaluate nothing nonlinear, and are exact
if the objective of each width option is convex in depth, as it is on the problems here; otherwise
they bound it from below, and the gap is shown. `FORMULATIONS` are those that were tried. Objectives
other than losses are divided by the largest, since SCIP takes 1e20 and above for infinite.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.rivals.answer import RivalAnswer, Skipped, Stopwatch, answered, without_design
from benchmarks.rivals.scip import quiet
from benchmarks.rivals.tabulated import Tabulation, lower_hull, tabulate
from modelsizer.problems.problem import Problem

Choice = Callable[[Any], tuple[int, int]]
"""Reads the width option and the depth of the design that was chosen off a solved model."""


def solve(problem: Problem, seconds: float, formulation: str = "least") -> RivalAnswer:
    """Tabulate, and solve with SCIP.

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
        If PySCIPOpt is not installed, or there are too many designs.
    """
    try:
        import pyscipopt
    except ImportError:
        raise Skipped("PySCIPOpt is not installed") from None
    clock = Stopwatch()
    table = tabulate(problem, everything=formulation == "rows")
    if not len(table):
        return without_design(clock)
    scale = 1.0 if problem.objective.quantity == "loss" else float(np.abs(table.value).max())
    table = replace(table, value=table.value / scale)
    model = pyscipopt.Model()
    model.hideOutput()
    chosen = FORMULATIONS[formulation](model, table)
    model.setParam("limits/gap", 0.0)
    model.setParam("timing/clocktype", 1)  # CPU seconds
    model.setParam("limits/time", max(seconds - clock.elapsed, 1e-3))
    clock.start()
    with quiet():
        model.optimize()
    clock.stop()
    status = model.getStatus()
    words = f"{status}, {model.getNVars(transformed=False)} columns, {model.getNTotalNodes()} nodes"
    dual = model.getDualbound()
    known = math.isfinite(dual) and abs(dual) < model.infinity()
    bound = dual * scale if known else None
    if not model.getNSols():
        return answered(problem, None, clock, words, bound=bound)
    design = table.design(*chosen(model))
    proof, claimed = status in ("optimal", "gaplimit"), model.getObjVal() * scale
    return answered(problem, design, clock, words, bound=bound, proof=proof, claimed=claimed)


def _least(model: Any, table: Tabulation) -> Choice:
    """A binary for each width option, at the cost of its best depth."""
    best = [o.start + int(table.value[o].argmin()) for o in table.options()]
    columns = _one_hot(model, table.value[best].tolist())

    def chosen(model: Any) -> tuple[int, int]:
        at = best[_first(model, columns)]
        return int(table.row[at]), int(table.j[at])

    return chosen


def _designs(model: Any, table: Tabulation) -> Choice:
    """A binary for each design."""
    columns = _one_hot(model, table.value.tolist())

    def chosen(model: Any) -> tuple[int, int]:
        at = _first(model, columns)
        return int(table.row[at]), int(table.j[at])

    return chosen


def _hull(model: Any, table: Tabulation) -> Choice:
    """A binary, a depth and an objective for each width option, above the facets of its hull."""
    from pyscipopt import quicksum

    facets, columns, depth = _depths(model, table)
    costs = []
    for z, l, (slopes, constants) in zip(columns, depth, facets, strict=True):  # noqa: E741
        costs.append(model.addVar(lb=None))
        for slope, constant in zip(slopes, constants, strict=True):
            model.addCons(costs[-1] >= slope * l + constant * z)
    model.setObjective(quicksum(costs))
    return _chosen(table, columns, depth)


def _joined(model: Any, table: Tabulation) -> Choice:
    """The same with one objective: its k-th row joins the k-th facets of all width options."""
    from pyscipopt import quicksum

    facets, columns, depth = _depths(model, table)
    cost = model.addVar(lb=None)
    for k in range(max(len(slopes) for slopes, _ in facets)):
        terms = []
        for z, l, (slopes, constants) in zip(columns, depth, facets, strict=True):  # noqa: E741
            at = min(k, len(slopes) - 1)
            terms.append(slopes[at] * l + constants[at] * z)
        model.addCons(cost >= quicksum(terms))
    model.setObjective(cost)
    return _chosen(table, columns, depth)


def _rows(model: Any, table: Tabulation) -> Choice:
    """The facets of all depths, and the limits as rows: what a modeller writes first.

    Joined facets take 1.6 times as long, and SCIP's own settings four times.
    """
    from pyscipopt import SCIP_PARAMEMPHASIS, quicksum

    model.setEmphasis(SCIP_PARAMEMPHASIS.EASYCIP)

    found = _hull(model, table)
    variables = model.getVars()
    options = [int(table.row[o.start]) for o in table.options()]
    columns, depth = variables[: len(options)], variables[len(options) : 2 * len(options)]
    for base, unit, low, high in table.rows():
        pairs = zip(columns, depth, base[options].tolist(), unit[options].tolist(), strict=True)
        used = quicksum(b * z + u * j for z, j, b, u in pairs)
        if high is not None:
            model.addCons(used <= high)
        if low is not None:
            model.addCons(used >= low)
    return found


FORMULATIONS: dict[str, Callable[[Any, Tabulation], Choice]] = {
    "least": _least,
    "designs": _designs,
    "joined": _joined,
    "hull": _hull,
    "rows": _rows,
}


def _one_hot(model: Any, costs: list[float]) -> list[Any]:
    from pyscipopt import quicksum

    columns = [model.addVar(vtype="B", obj=cost) for cost in costs]
    model.addCons(quicksum(columns) == 1)
    return columns


def _depths(model: Any, table: Tabulation) -> tuple[list[Any], list[Any], list[Any]]:
    """Facets of width options, with a binary and a depth each, zero unless it is chosen."""
    facets, ends = [], []
    for o in table.options():
        x, y = table.j[o].astype(float), table.value[o]
        at = lower_hull(x, y)
        x, y = x[at], y[at]
        slopes = np.diff(y) / np.diff(x) if len(x) > 1 else np.zeros(1)
        facets.append((slopes.tolist(), (y[: len(slopes)] - slopes * x[: len(slopes)]).tolist()))
        ends.append((float(x[0]), float(x[-1])))
    columns = _one_hot(model, [0.0] * len(ends))
    depth = [model.addVar(vtype="I", lb=0, ub=last) for _, last in ends]
    for z, l, (first, last) in zip(columns, depth, ends, strict=True):  # noqa: E741
        model.addCons(l <= last * z)
        model.addCons(l >= first * z)
    return facets, columns, depth


def _first(model: Any, columns: list[Any]) -> int:
    return int(np.argmax([model.getVal(z) for z in columns]))


def _chosen(table: Tabulation, columns: list[Any], depth: list[Any]) -> Choice:
    rows = [int(table.row[o.start]) for o in table.options()]

    def chosen(model: Any) -> tuple[int, int]:
        at = _first(model, columns)
        return rows[at], round(model.getVal(depth[at]))

    return chosen
