"""Enumeration of every design with NumPy, the reference for the other solvers."""

from __future__ import annotations

import math

import numpy as np

from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.search.blocks import whole_floor
from modelsizer.optimizer.search.compare import at_once, best_of, box_designs
from modelsizer.optimizer.tables.clock import Clock, Ending, Stop
from modelsizer.optimizer.tables.outcome import Counts, Progress, SolverResult
from modelsizer.optimizer.tables.table import Table
from modelsizer.problems.designs.evaluation import Evaluation


def enumerate_designs(model: Model, clock: Clock, progress: Progress | None) -> SolverResult:
    """Evaluate every design of the space, one table at a time, in bounded memory.

    If a limit stops the enumeration, the relaxation bounds the remaining designs.
    """
    counts = Counts()
    best: Evaluation | None = None
    unread = math.inf
    stop: Stop = "proven"
    source = model.tables()
    with Ending() as ending:
        for table in source:
            counts.designs += table.designs
            counts.options += len(table)
            row = np.arange(len(table))
            low, high = np.zeros_like(table.count), table.count - 1
            done = 0
            for part, j in box_designs(row, low, high, at_once(clock)):
                # The first chunk is always evaluated, so that there can be an incumbent.
                if clock.nodes:
                    clock.check()
                    if clock.out_of_nodes:
                        stop = "nodes"
                        unread = min(unread, _bound(model, table, int(part[0])))
                        break
                value, keeps = model.evaluate(table, part, j)
                best = best_of(model, table, part, j, value, keeps, best, clock)
                counts.by_budgets += int((~keeps).sum())
                done += len(part)
                clock.nodes += 1
                if progress is not None:
                    progress(_value(model, best), -math.inf, counts.designs - done)
            counts.compared += done
            if stop != "proven":
                break
        for table in source:  # the remaining tables, after a limit
            clock.check()
            unread = min(unread, _bound(model, table, 0))
            counts.designs += table.designs
            counts.options += len(table)
    if not ending.complete:
        stop = ending.stop
        unread = -math.inf if stop == "interrupted" else whole_floor(model)
    return SolverResult(best, min(_value(model, best), unread), stop, counts)


def _value(model: Model, best: Evaluation | None) -> float:
    return math.inf if best is None else model.value_of(best)


def _bound(model: Model, table: Table, first_row: int) -> float:
    """Return a lower bound on the designs of a table from the given row on."""
    row = np.arange(first_row, len(table))
    high = table.count[first_row:] - 1
    return float(model.relax(table, row, np.zeros_like(high), high).least.min())
