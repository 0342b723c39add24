"""Export the mixed-integer program of a problem."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.milp.formulation import formulate
from modelsizer.optimizer.milp.program import Program
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, box_designs
from modelsizer.optimizer.search.search import Search
from modelsizer.optimizer.tables.boxes import Boxes
from modelsizer.optimizer.tables.clock import Clock, StoppedError
from modelsizer.optimizer.tables.table import Floats, Table
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.problem import Problem

ONE_COLUMN_EACH = 5000
"""Designs up to which each gets a column of its own, so that the program is exact."""


def program_of(problem: Problem, clock: Clock | None = None) -> Program:
    """Return the mixed-integer program of a problem after tightening, with unscaled objective.

    If tightening leaves few designs, each is a column with its exact objective, and the program has
    the optimum of the problem. If it leaves many, the program is the relaxation over their boxes,
    whose optimum is a lower bound. An infeasible problem is exported with every width option.
    Objectives in tokens or training FLOPs are exported as natural logarithms, since solvers treat
    costs above 1e20 as infinite.

    Parameters
    ----------
    problem : Problem
    clock : Clock, optional

    Returns
    -------
    Program

    Raises
    ------
    ProblemError
        If no finite bound on the objective is known, as the numbers of the law overflow.
    StoppedError
        If a limit of time or memory came before the program was formulated.
    """
    clock = Clock() if clock is None else clock
    model = Model(problem)
    search = Search(model, clock)
    search.open()
    if search.stopped is not None:
        raise StoppedError(search.stopped)
    search.tighten()
    clock.check()
    if search.table is not None and len(search.boxes):
        table, boxes, least = search.table, search.boxes, search.least
        if boxes.designs <= ONE_COLUMN_EACH:
            boxes, least = _one_each(model, table, boxes)
    else:
        tables = []
        for table in model.tables():
            tables.append(table)
            clock.check()
        table = Table.join(tables)
        row = np.arange(len(table))
        boxes = Boxes(row, np.zeros_like(table.count), table.count - 1)
        least = np.full(len(row), -np.inf)
        boxes = _reachable(model, table, boxes)
    form = formulate(model, table, boxes, least)
    if form is None:
        message = "gives some designs no finite bound, so the problem is no linear program"
        raise ProblemError.of("objective.law", message)
    cost = form.program.cost * form.spread
    # Exactly one z equals one, so the constant is added to every z column.
    cost[: len(boxes)] += form.reference
    return replace(form.program, cost=cost)


def _one_each(model: Model, table: Table, boxes: Boxes) -> tuple[Boxes, Floats]:
    """Return a single-design box for every feasible design of some boxes, with its value."""
    (row, j), *_ = box_designs(boxes.row, boxes.low, boxes.high, DESIGNS_AT_ONCE)
    value, keeps = model.evaluate(table, row, j)
    return Boxes(row[keeps], j[keeps], j[keeps]), value[keeps]


def _reachable(model: Model, table: Table, boxes: Boxes) -> Boxes:
    """Return the boxes with a finite bound on the objective; all boxes if there are none."""
    constant = model.relax(table, boxes.row, boxes.low, boxes.high).objective.constant
    finite = np.isfinite(constant)
    return boxes.take(finite) if finite.any() else boxes
