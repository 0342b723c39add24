"""Every design that a search compares, computed again by plain NumPy while it searches."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.rivals.counts import WIDTH_NAMES, Counts, Stacks
from benchmarks.rivals.menus import Ints, Mask, Widths
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.tables.table import Table
from modelsizer.problems.architecture.structures import Structure

SAME = 1e-11
"""Relative distance of two doubles that mean the same loss: the program rounds what a layer of
experts is worth to 1/1024 of a parameter, which is 2e-12 of the loss of a model of 4e8."""
BORDER = 1e-9  # relative distance from a limit within which doubles do not decide


@dataclass
class Checked:
    """What was computed again so far."""

    designs: int = 0
    feasible: int = 0
    furthest: float = 0.0
    """Largest relative difference between the two values of a feasible design."""
    differ: int = 0
    """Designs whose feasibility differs."""


@contextmanager
def rechecked() -> Iterator[Checked]:
    """Compute again what `Model.evaluate` is asked for, of any problem, while this lasts."""
    found, ours = Checked(), Model.evaluate
    known: dict[int, tuple[Any, Counts]] = {}

    def evaluate(model: Model, table: Table, row: Ints, j: Ints) -> tuple[Any, Mask]:
        value, keeps = ours(model, table, row, j)
        problem = model.problem
        if id(problem) not in known:
            known[id(problem)] = problem, Counts(problem)
        _compare(known[id(problem)][1], table, row, j, value, keeps, found)
        return value, keeps

    Model.evaluate = evaluate  # type: ignore[method-assign]
    try:
        yield found
    finally:
        Model.evaluate = ours  # type: ignore[method-assign]


def _compare(
    counts: Counts, table: Table, row: Ints, j: Ints, value: Any, keeps: Mask, found: Checked
) -> None:
    layers = table.depths.counts(row, j)
    for number in np.unique(table.structure_id[row]):
        at = np.flatnonzero(table.structure_id[row] == number)
        structure = table.structure[number]
        totals = structure.totals(layers[at, : structure.kinds_of_layer].T)
        stacks = Stacks(_widths(table, structure, row[at]), totals[0], totals[1:])
        mine, excess = counts.of(stacks)
        feasible = excess <= 0
        found.designs += len(at)
        found.feasible += int(keeps[at].sum())
        differ = (feasible != keeps[at]) & ~((excess > 0) & (excess < BORDER))
        found.differ += int(differ.sum())
        both = feasible & keeps[at]
        if both.any():
            off = np.abs(mine[both] - value[at][both]) / np.abs(mine[both])
            found.furthest = max(found.furthest, float(off.max()))


def _widths(table: Table, structure: Structure, row: Ints) -> Widths:
    names = {own: name for name, own in WIDTH_NAMES.items() if name in structure.widths}
    zero = np.zeros(len(row), dtype=np.int64)
    columns = {
        own: table[names[own]][row] if own in names else zero
        for own in Widths.__slots__
        if own not in ("exists", "first")
    }
    columns["full_every"] = zero + (2 if structure.between else 1)  # its counts are given
    true = np.ones(len(row), dtype=bool)
    return Widths(**columns, exists=true, first=true)
