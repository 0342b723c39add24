"""Compact storage of many designs: what identifies each, and its value."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.table import Floats, Ints, Table, build_table
from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.columns import Columns
from modelsizer.problems.problem import Problem
from modelsizer.problems.space.widths import Options


@dataclass(frozen=True, slots=True)
class KeptDesigns(Columns):
    """Designs with one layout each, about 50 bytes per design; all arrays have first axis B.

    Parameters
    ----------
    blocks : tuple of str
        Names that `block` indexes.
    value : array of float, shape (B,)
        Value to minimise.
    widths : dict of str to array of uint32, shape (B,)
    counts : array of uint32, shape (B, K)
        Layers of each kind in the block.
    block, layout : array of int16, shape (B,)
        `layout` indexes the problem's layouts.
    """

    blocks: tuple[str, ...]
    value: Floats
    widths: dict[str, NDArray[np.uint32]]
    counts: NDArray[np.uint32]
    block: NDArray[np.int16]
    layout: NDArray[np.int16]

    @property
    def layers(self) -> Ints:
        """Total number of layers."""
        found: Ints = self.counts.sum(axis=1, dtype=np.int64)
        return found

    def column(self, name: str) -> NDArray[Any]:
        """A choice of the designs by name; the block as its position in `blocks`."""
        if name in ("layers", "block"):
            return np.asarray(getattr(self, name))
        return self.widths[name]

    @property
    def identity(self) -> list[NDArray[Any]]:
        """Columns that identify a design."""
        return [*self.counts.T, *self.widths.values(), self.block]


def keep_designs(
    blocks: tuple[str, ...], problem: Problem, table: Table, row: Ints, j: Ints, value: Floats
) -> KeptDesigns:
    """Store designs of a table.

    Parameters
    ----------
    blocks : tuple of str
        All blocks of the space.
    """
    block = np.array([blocks.index(name) for name in table.block])[table.block_id[row]]
    layouts = [problem.layouts.index(layout) for layout in table.layout]
    layout = np.array(layouts)[table.layout_id[row]]
    return KeptDesigns(
        blocks,
        value,
        {name: column[row].astype(np.uint32) for name, column in table.widths.items()},
        table.depths.counts(row, j).astype(np.uint32),
        block.astype(np.int16),
        layout.astype(np.int16),
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
    kinds = held.block.astype(np.int64) * len(problem.layouts) + held.layout
    parts, places = [], []
    for kind in np.unique(kinds):
        at = np.flatnonzero(kinds == kind)
        block, layout = divmod(int(kind), len(problem.layouts))
        widths = {name: column[at].astype(np.int64) for name, column in held.widths.items()}
        name = held.blocks[block]
        counts = held.counts[at, : BLOCKS[name].pattern.kinds].astype(np.int64)
        one = np.ones((len(at), 1), dtype=np.int64)
        options = Options(name, widths, Depths(counts, 0 * counts[:, :, None], one))
        parts.append(build_table(problem, problem.layouts[layout], options, names))
        places.append(at)
    place = np.concatenate(places)
    order = np.empty(len(place), dtype=np.int64)
    order[place] = np.arange(len(place))
    return Table.join(parts).take(order)
