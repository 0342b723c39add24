"""Many designs in little memory: what tells one from another, and its value."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields

import numpy as np
from modelsizer.optimizer.tables.table import Floats, Ints, Mask, Table, build_table, join
from modelsizer.problems.problem import Problem
from modelsizer.problems.space.widths import WIDTHS, Options
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Held:
    """Designs under a layout each, some 50 bytes for one; every array has shape (B,).

    Parameters
    ----------
    blocks : tuple of str
        Names that `block` points into.
    value : array of float
        To minimise.
    layers, d_model, heads, kv_heads, head_dim, d_ff, vocab_size : array of int32
    tied, block, layout : array of int16
        `layout` points into the problem's layouts.
    """

    blocks: tuple[str, ...]
    value: Floats
    layers: NDArray[np.int32]
    d_model: NDArray[np.int32]
    heads: NDArray[np.int32]
    kv_heads: NDArray[np.int32]
    head_dim: NDArray[np.int32]
    d_ff: NDArray[np.int32]
    vocab_size: NDArray[np.int32]
    tied: NDArray[np.int16]
    block: NDArray[np.int16]
    layout: NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.value)

    def take(self, where: Mask | Ints | slice) -> Held:
        """The designs at these positions, or where this mask holds."""
        return Held(self.blocks, *(getattr(self, name)[where] for name in _ARRAYS))


_ARRAYS = tuple(f.name for f in fields(Held) if f.name != "blocks")
_SMALL = ("tied", "block", "layout")
IDENTITY = ("layers", *WIDTHS, "block")


def hold(
    blocks: tuple[str, ...], problem: Problem, table: Table, row: Ints, j: Ints, value: Floats
) -> Held:
    """Designs of a table.

    Parameters
    ----------
    blocks : tuple of str
        All blocks of the space.
    """
    block = np.array([blocks.index(name) for name in table.block])[table.block_id[row]]
    layouts = [problem.layouts.index(layout) for layout in table.layout]
    columns = {name: getattr(table, name)[row] for name in WIDTHS}
    columns |= {"layers": table.layers(row, j), "block": block}
    columns["layout"] = np.array(layouts)[table.layout_id[row]]
    narrow = {k: v.astype(np.int16 if k in _SMALL else np.int32) for k, v in columns.items()}
    return Held(blocks, value, **narrow)


def together(parts: Sequence[Held]) -> Held:
    """Designs one below another."""
    columns = [np.concatenate([getattr(p, name) for p in parts]) for name in _ARRAYS]
    return Held(parts[0].blocks, *columns)


def table_of(problem: Problem, held: Held, names: Collection[str]) -> Table:
    """Designs as a table of one row each, in their order, with quantities.

    Parameters
    ----------
    problem : Problem
    held : Held
        Not empty.
    names : collection of str
        Affine quantities.
    """
    kinds = held.block.astype(np.int64) * len(problem.layouts) + held.layout
    parts, places = [], []
    for kind in np.unique(kinds):
        at = np.flatnonzero(kinds == kind)
        block, layout = divmod(int(kind), len(problem.layouts))
        columns = {name: getattr(held, name)[at].astype(np.int64) for name in WIDTHS}
        ones = np.ones(len(at), dtype=np.int64)
        layers = held.layers[at].astype(np.int64)
        options = Options(held.blocks[block], **columns, start=layers, step=ones, count=ones)
        parts.append(build_table(problem, problem.layouts[layout], options, names))
        places.append(at)
    place = np.concatenate(places)
    order = np.empty(len(place), dtype=np.int64)
    order[place] = np.arange(len(place))
    return join(parts).take(order)
