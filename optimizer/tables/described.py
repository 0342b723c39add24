"""Designs of a table as the plain values of JSON, many at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelsizer.optimizer.tables.table import Ints, Table
from modelsizer.problems.architecture.architecture import Architecture, LayerGroup
from modelsizer.problems.architecture.describing_many import design_architectures
from modelsizer.problems.architecture.structures import period_of
from modelsizer.problems.designs.costs import design_parts
from modelsizer.problems.problem import Problem


def described(problem: Problem, table: Table, row: Ints, j: Ints) -> list[dict[str, Any]]:
    """Return `modelsizer.problems.architecture.describing.design_architecture` of designs.

    Parameters
    ----------
    problem : Problem
    table : Table
    row : array of shape (B,)
    j : array of shape (B, A)
    """
    counts = table.depths.counts(row, j)
    # Architectures of arrays have the same groups: the kinds that have layers.
    kinds = np.column_stack([table.structure_id[row], counts > 0])
    _, group = np.unique(kinds, axis=0, return_inverse=True)
    found = np.empty(len(row), dtype=object)
    for number in range(int(group.max(initial=-1)) + 1):
        at = np.flatnonzero(group.reshape(-1) == number)
        found[at] = _alike(problem, table, row[at], j[at], counts[at])
    return list(found)


def _alike(
    problem: Problem, table: Table, row: Ints, j: Ints, counts: Ints
) -> list[dict[str, Any]]:
    """Designs of one structure that have layers of the same kinds."""
    structure = table.structure[table.structure_id[row[0]]]
    widths = {name: table.widths[name][row] for name in structure.widths}
    trunk, kinds = design_parts(problem, structure, widths)
    groups = [LayerGroup(kind, n) for kind, n in zip(kinds, counts.T, strict=False) if n[0]]
    _, first, of = np.unique(counts, axis=0, return_index=True, return_inverse=True)
    periods = [_period(table.architecture(problem, int(row[i]), j[i].tolist())) for i in first]
    designs = Architecture(trunk, tuple(groups), structure.block)
    every = [periods[i] for i in of.reshape(-1).tolist()]
    return list(design_architectures(designs, len(row), every))


def _period(architecture: Architecture) -> int | None:
    """Period of the full layers, which the numbers of layers of each kind decide."""
    stack = architecture.stack()
    return None if stack is None else period_of(stack)
