"""The program of a problem for other tools."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.milp.formulation import formulate
from modelsizer.optimizer.milp.program import Program
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, box_designs
from modelsizer.optimizer.search.search import Search
from modelsizer.optimizer.tables.boxes import Boxes
from modelsizer.optimizer.tables.clock import Clock, Limits
from modelsizer.optimizer.tables.table import Floats, Table
from modelsizer.problems.problem import Problem

ONE_COLUMN_EACH = 5000
"""Designs up to which each gets a column of its own, so that the program is exact."""


def program_of(problem: Problem) -> Program:
    """The mixed-integer program of what bounds leave of a problem, its objective unscaled.

    Where tightening leaves few designs each is a column with its exact objective, and the
    program's optimum is the problem's; where it leaves many the program is the relaxation over
    their boxes, and its optimum a lower bound. An infeasible problem is written with every width
    option. Objectives in tokens or training FLOPs are written as their natural logarithm, since
    solvers take costs past 1e20 for infinite.

    Returns
    -------
    Program
    """
    model = Model(problem)
    search = Search(model, Clock(Limits()))
    search.open()
    search.tighten()
    if search.table is not None and len(search.boxes):
        table, boxes, least = search.table, search.boxes, search.least
        if boxes.designs <= ONE_COLUMN_EACH:
            boxes, least = _one_each(model, table, boxes)
    else:
        table = Table.join(list(model.tables()))
        row = np.arange(len(table))
        boxes = Boxes(row, np.zeros_like(table.count), table.count - 1)
        least = np.full(len(row), -np.inf)
        boxes = _reachable(model, table, boxes)
    form = formulate(model, table, boxes, least)
    cost = form.program.cost * form.spread
    # Exactly one z is one, so the constant is spread over the z columns.
    cost[: len(boxes)] += form.reference
    return replace(form.program, cost=cost)


def _one_each(model: Model, table: Table, boxes: Boxes) -> tuple[Boxes, Floats]:
    """Every feasible design of some boxes as a box of its own, with its value."""
    (row, j), *_ = box_designs(boxes.row, boxes.low, boxes.high, DESIGNS_AT_ONCE)
    value, keeps = model.evaluate(table, row, j)
    return Boxes(row[keeps], j[keeps], j[keeps]), value[keeps]


def _reachable(model: Model, table: Table, boxes: Boxes) -> Boxes:
    """Boxes on which the objective has a bound; all of them, where none has."""
    constant = model.relax(table, boxes.row, boxes.low, boxes.high).objective.constant
    finite = np.isfinite(constant)
    return boxes.take(finite) if finite.any() else boxes
