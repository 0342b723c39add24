"""Compact storage of many designs: what identifies each, and its value."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.building import build_table
from modelsizer.optimizer.tables.stacks import choice_of, ties_of
from modelsizer.optimizer.tables.table import Floats, Ints, Table
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.columns import Columns
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.stacks import structures
from modelsizer.problems.space.widths import Options


@dataclass(frozen=True, slots=True)
class KeptDesigns(Columns):
    """Designs with one layout each, about 50 bytes per design; all arrays have first axis B.

    Parameters
    ----------
    structures : tuple of Structure
        Those of the space, which `structure` indexes.
    value : array of float, shape (B,)
        Value to minimise.
    widths : dict of str to array of uint32, shape (B,)
    counts : array of uint32, shape (B, K)
        Layers of each kind of the structure.
    structure : array of int16, shape (B,)
    layout : array of int32, shape (B,)
        Index of one of the problem's layouts.
    parameters : array of int, shape (B,)
    """

    structures: tuple[Structure, ...]
    value: Floats
    widths: dict[str, NDArray[np.uint32]]
    counts: NDArray[np.uint32]
    structure: NDArray[np.int16]
    layout: NDArray[np.int32]
    parameters: NDArray[Any]

    @property
    def layers(self) -> Ints:
        """Total number of layers."""
        found: Ints = self.counts.sum(axis=1, dtype=np.int64)
        return found

    def column(self, name: str) -> NDArray[Any]:
        """A choice of the designs; see `modelsizer.optimizer.tables.stacks.choice_of`."""
        if name in self.widths:
            return self.widths[name].astype(np.int64)
        return choice_of(name, *self._stacks())

    def ties(self) -> list[NDArray[Any]]:
        """Keys of the tie rule; see `modelsizer.optimizer.tables.stacks.ties_of`."""
        return ties_of(*self._stacks(), self.parameters)

    def _stacks(self) -> tuple[tuple[Structure, ...], Ints, dict[str, Ints], Ints]:
        widths = {key: column.astype(np.int64) for key, column in self.widths.items()}
        of, counts = self.structure.astype(np.int64), self.counts.astype(np.int64)
        return self.structures, of, widths, counts

    @property
    def identity(self) -> list[NDArray[Any]]:
        """Columns that identify a design."""
        return [*self.counts.T, *self.widths.values(), self.structure]


def keep_designs(problem: Problem, table: Table, row: Ints, j: Ints, value: Floats) -> KeptDesigns:
    """Store designs of a table."""
    offered = structures(problem.space)
    structure = np.array([offered.index(s) for s in table.structure])[table.structure_id[row]]
    names = dict.fromkeys(name for each in offered for name in each.widths)
    kinds = max(each.kinds_of_layer for each in offered)
    counts = np.zeros((len(row), kinds), dtype=np.uint32)
    held = table.depths.counts(row, j)
    counts[:, : held.shape[1]] = held
    number = {layout: i for i, layout in enumerate(problem.layouts)}
    layout = np.array([number[layout] for layout in table.layout])[table.layout_id[row]]
    return KeptDesigns(
        offered,
        value,
        {name: table.column(name)[row].astype(np.uint32) for name in names},
        counts,
        structure.astype(np.int16),
        layout.astype(np.int32),
        table.linear["parameters"].at(row, j),
    )


def table_of(problem: Problem, held: KeptDesigns, names: Collection[str]) -> Table:
    """Convert designs to a table with one row each, in order, with quantities.

    Parameters
    ----------
    problem : Problem
    held : KeptDesigns
        At least one design.
    names : collection of str
        Affine quantities to compute.
    """
    kinds = held.structure.astype(np.int64) * len(problem.layouts) + held.layout
    numbers = np.unique(kinds)
    if len(numbers) == 1:
        return _table_of_one(problem, held, int(numbers[0]), names)
    parts, places = [], []
    for kind in numbers:
        at = np.flatnonzero(kinds == kind)
        parts.append(_table_of_one(problem, held.take(at), int(kind), names))
        places.append(at)
    place = np.concatenate(places)
    order = np.empty(len(place), dtype=np.int64)
    order[place] = np.arange(len(place))
    return Table.join(parts).take(order)


def _table_of_one(problem: Problem, held: KeptDesigns, kind: int, names: Collection[str]) -> Table:
    """Table of designs of one structure under one layout."""
    number, layout = divmod(kind, len(problem.layouts))
    structure = held.structures[number]
    widths = {name: held.widths[name].astype(np.int64) for name in structure.widths}
    counts = held.counts[:, : structure.kinds_of_layer].astype(np.int64)
    one = np.ones((len(held), 1), dtype=np.int64)
    options = Options(structure, widths, Depths(counts, 0 * counts[:, :, None], one))
    return build_table(problem, problem.layouts[layout], options, names)
