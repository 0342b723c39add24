"""The largest batch of each design of a table."""

from __future__ import annotations

import numpy as np

from modelsizer.optimizer.tables.table import Ints, Table
from modelsizer.problems.designs.costs import design_parts
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.amounts import batches
from modelsizer.problems.quantities.batches import AT_REQUESTS, in_layers
from modelsizer.problems.quantities.needs import reads_of
from modelsizer.problems.quantities.quantity import Candidate, LargestBatch
from modelsizer.problems.quantities.rows import QUANTITIES


def largest_of(problem: Problem, name: str, table: Table, row: Ints, j: Ints) -> Ints:
    """Return a `LargestBatch` of designs, exactly; shape (B,).

    Parameters
    ----------
    problem : Problem
    name : str
        Name of the quantity.
    table : Table
        With the costs that bound it (`modelsizer.problems.quantities.quantity.Settings.ceilings`),
        or with these at the batch that a budget asks for.
    row : array of shape (B,)
    j : array of shape (B, A)
    """
    how, reads = QUANTITIES[name].how, reads_of(name)
    assert isinstance(how, LargestBatch)
    found = np.zeros(len(row), dtype=np.int64)
    counts = table.depths.counts(row, j)
    classes = np.array(problem.setup_classes(reads))
    setup = np.array([layout.setup for layout in table.layout])[table.layout_id[row]]
    bounding = {cost for one in problem.setups for cost, _ in one.settings.ceilings}
    wide = any(
        cost.base.dtype == object
        for part, cost in table.linear.items()
        if part.partition(".")[0].removesuffix(AT_REQUESTS) in bounding
    )
    of = np.stack([table.structure_id[row], classes[setup]], axis=1)
    for number, cls in np.unique(of, axis=0):
        at = np.flatnonzero((of == (number, cls)).all(axis=1))
        structure = table.structure[number]
        layout = table.layout[table.layout_id[row[at[0]]]]
        settings = problem.setup_of(layout).settings
        widths = {width: table.widths[width][row[at]] for width in structure.widths}
        if wide:
            widths = {width: column.astype(object) for width, column in widths.items()}
        trunk, kinds = design_parts(problem, structure, widths)
        layers = in_layers(list(counts[at, : structure.kinds_of_layer].T))
        found[at] = batches(Candidate(settings, trunk, kinds, layout), how, layers, len(at))
    return found
