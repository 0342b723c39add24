"""Heads, kv heads and head_dim of grouped attention that a space offers at each width."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.tables.menus import Choice, Menu, integers
from modelsizer.problems.tables.space import DEFAULT_HEAD_DIM, Space

Ints = NDArray[np.int64]


def head_menus(space: Space) -> tuple[Ints, Ints]:
    """Return the menus of heads and head_dim; if only one is given, its menu and ``[1]``."""
    if space.heads is not None and space.head_dim is not None:
        return integers(space.heads), integers(space.head_dim)
    given = space.heads if space.heads is not None else space.head_dim
    menu = integers(given) if given is not None else np.array([DEFAULT_HEAD_DIM], dtype=np.int64)
    return menu, np.ones(1, dtype=np.int64)


def head_pairs(space: Space, d_model: Ints) -> tuple[Ints, Ints, Ints]:
    """Return row of d_model, heads and head_dim of every valid combination.

    In the order of rows, then heads. With menus of both, which are independent of each other and
    of d_model, head_dim is that of no combination but 0.
    """
    menu, _ = head_menus(space)
    row, entry = (g.ravel() for g in np.meshgrid(np.arange(len(d_model)), menu, indexing="ij"))
    if space.heads is not None and space.head_dim is not None:
        return row, entry, np.zeros_like(entry)
    keep = d_model[row] % entry == 0
    row, entry = row[keep], entry[keep]
    other = d_model[row] // entry
    if space.heads is not None:
        return row, entry, other
    order = np.lexsort((other, row))
    return row[order], other[order], entry[order]


def kv_menu(space: Space, block: str) -> tuple[Literal["kv_heads", "kv_group"], Choice]:
    """Return the key and menu that kv heads are chosen from: those of the space or of a block."""
    if space.kv_heads is not None:
        return "kv_heads", space.kv_heads
    if space.kv_group is not None:
        return "kv_group", space.kv_group
    return "kv_group", Menu(BLOCKS[block].kv_groups)


def kv_heads_of(space: Space, block: str, heads: Ints) -> tuple[Ints, Ints]:
    """Return row of heads, and kv_heads that divide them, ascending for each row."""
    rows = np.arange(len(heads))
    key, given = kv_menu(space, block)
    grouped = key == "kv_group"
    menu = integers(given)
    menu = menu[::-1] if grouped else menu
    row, divisor = (g.ravel() for g in np.meshgrid(rows, menu, indexing="ij"))
    keep = heads[row] % divisor == 0
    row, divisor = row[keep], divisor[keep]
    return row, (heads[row] // divisor if grouped else divisor)


def attention_widths(space: Space, block: str, d_model: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return row of d_model, heads, kv_heads and head_dim of every valid combination, in order."""
    row, heads, head_dim = head_pairs(space, d_model)
    of_heads, kv_heads = kv_heads_of(space, block, heads)
    row, heads, head_dim = row[of_heads], heads[of_heads], head_dim[of_heads]
    if space.heads is not None and space.head_dim is not None:
        menu = integers(space.head_dim)
        row, heads, kv_heads = (np.repeat(a, len(menu)) for a in (row, heads, kv_heads))
        head_dim = np.tile(menu, len(of_heads))
    return row, heads, kv_heads, head_dim
