"""Enumerate the width options of a space, as tables.

A *width option* is an architecture without its numbers of layers: block, vocabulary, widths and
heads. Divisibility and the aspect rule are applied during enumeration, so every design satisfies
them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.choices import CHOICES, ORDERED, UNORDERED, DesignChoice
from modelsizer.problems.space.rounding import (
    depths_of,
    least_depths,
    most_depths,
    nearest_multiples,
)
from modelsizer.problems.space.splits import Split, divided, whole_divides
from modelsizer.problems.space.widths import Options
from modelsizer.problems.tables.menus import Interval, Menu, Written, arithmetic_runs, integers
from modelsizer.problems.tables.space import (
    DEFAULT_FFN_MULTIPLE,
    DEFAULT_GATED_RATIO,
    DEFAULT_HEAD_DIM,
    DEFAULT_PLAIN_RATIO,
    Space,
)
from modelsizer.problems.units import exact

Ints = NDArray[np.int64]


def listed(value: Any) -> list[Any]:
    """Return the distinct entries of a menu that is not a range, in order."""
    return sorted(set(value)) if isinstance(value, tuple) else [value]


def menu_of(space: Space, choice: DesignChoice) -> Ints:
    """Return the values of a choice that is independent of all other choices, ascending."""
    given = getattr(space, choice.name)
    if isinstance(given, bool | tuple):
        return np.array([int(value) for value in listed(given)], dtype=np.int64)
    return integers(given)


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


def kv_heads_of(space: Space, heads: Ints) -> tuple[Ints, Ints]:
    """Return row of heads, and kv_heads that divide them, ascending for each row."""
    rows = np.arange(len(heads))
    if space.kv_heads is None and space.kv_group is None:
        return rows, heads
    grouped = space.kv_group is not None
    given = space.kv_group if space.kv_group is not None else space.kv_heads
    assert given is not None
    menu = integers(given)
    menu = menu[::-1] if grouped else menu
    row, divisor = (g.ravel() for g in np.meshgrid(rows, menu, indexing="ij"))
    keep = heads[row] % divisor == 0
    row, divisor = row[keep], divisor[keep]
    return row, (heads[row] // divisor if grouped else divisor)


def _attention_widths(space: Space, d_model: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Return row of d_model, heads, kv_heads and head_dim of every valid combination, in order."""
    row, heads, head_dim = head_pairs(space, d_model)
    of_heads, kv_heads = kv_heads_of(space, heads)
    row, heads, head_dim = row[of_heads], heads[of_heads], head_dim[of_heads]
    if space.heads is not None and space.head_dim is not None:
        menu = integers(space.head_dim)
        row, heads, kv_heads = (np.repeat(a, len(menu)) for a in (row, heads, kv_heads))
        head_dim = np.tile(menu, len(of_heads))
    return row, heads, kv_heads, head_dim


def distinct_columns(space: Space, d_model: Ints, gated: bool) -> tuple[Ints, Ints]:
    """Return row of d_model and hidden width of every distinct choice, ascending."""
    columns = feed_forward_columns(space, d_model, gated)
    if (columns[1:] < columns[:-1]).any():
        columns = np.sort(columns, axis=0)
    fresh = columns > 0
    fresh[1:] &= columns[1:] != columns[:-1]  # two ratios may round to one width
    row, at = np.nonzero(fresh.T)
    return row, columns[at, row]


def feed_forward_columns(space: Space, d_model: Ints, gated: bool) -> Ints:
    """Return the hidden width for each menu entry and d_model; shape (entries, D)."""
    if space.d_ff is not None:
        width = integers(space.d_ff)
        return np.broadcast_to(width[:, None], (len(width), len(d_model)))
    ratios = (
        [exact(r) for r in space.ffn_ratio.numbers]
        if space.ffn_ratio is not None
        else [DEFAULT_GATED_RATIO if gated else DEFAULT_PLAIN_RATIO]
    )
    multiples = (
        space.ffn_multiple.numbers if space.ffn_multiple is not None else [DEFAULT_FFN_MULTIPLE]
    )
    return np.stack(
        [
            nearest_multiples(d_model, ratio, int(multiple))
            for ratio in ratios
            for multiple in multiples
        ]
    )


def aspect_limits(aspect: Written | None, d_model: Ints) -> tuple[Ints, Ints]:
    """Return the least and most layers that an aspect rule allows each d_model; shape (D,)."""
    least = np.ones(len(d_model), dtype=np.int64)
    most = np.full(len(d_model), np.iinfo(np.int64).max // 2)
    if isinstance(aspect, Menu):
        aspect = Interval(min(aspect.numbers), max(aspect.numbers))
    if isinstance(aspect, Interval):
        if aspect.max is not None:  # layers >= d_model / max
            least = least_depths(d_model, exact(aspect.max))
        if aspect.min is not None:  # layers <= d_model / min
            most = most_depths(d_model, exact(aspect.min))
    return least, most


def _depth_ranges(
    space: Space, d_model: Ints, run: tuple[int, int, int]
) -> Iterator[tuple[Ints, Ints]]:
    """Yield the first and last index of the depths of a run that the aspect rule allows.

    Parameters
    ----------
    space : Space
    d_model : array of shape (D,)
    run : tuple of int
        Depths are ``start + step * j`` for j = 0 ... count - 1.

    Yields
    ------
    first, last : array of shape (D,)
        Of a d_model without such a depth the first exceeds the last.
    """
    aspect = space.aspect_ratio
    start, step, count = run
    if isinstance(aspect, Menu):
        for ratio in aspect.numbers:
            layers = depths_of(d_model, exact(ratio))
            at, apart = np.divmod(layers - start, step)
            fits = (layers > 0) & (apart == 0) & (at >= 0) & (at < count)
            yield np.where(fits, at, 1), np.where(fits, at, 0)
        return
    least, most = aspect_limits(aspect, d_model)
    first = np.maximum(0, -(-(least - start) // step))
    yield first, np.minimum(count - 1, (most - start) // step)


def _depths(space: Space, d_model: Ints) -> Iterator[tuple[Ints, Ints, Ints, Ints]]:
    """Yield row of d_model, start, step and count of each arithmetic run of depths."""
    for start, step, count in arithmetic_runs(space.layers.numbers):
        for first, last in _depth_ranges(space, d_model, (start, step, count)):
            keep = np.flatnonzero(first <= last)
            if len(keep):
                steps = np.full(len(keep), step, dtype=np.int64)
                yield keep, start + step * first[keep], steps, (last - first + 1)[keep]


def _width_tables(
    space: Space, block: str, d_model: Ints, rows_at_once: int
) -> Iterator[dict[str, Ints]]:
    """Yield the distinct combinations of interdependent widths, in order, for the given d_model."""
    row, heads, kv_heads, head_dim = _attention_widths(space, d_model)
    of_width, d_ff = distinct_columns(space, d_model, BLOCKS[block].gated)
    first = np.searchsorted(of_width, np.arange(len(d_model)))
    many = np.bincount(of_width, minlength=len(d_model))
    upto = np.cumsum(many[row])
    begin = 0
    while begin < len(row):
        done = int(upto[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(upto, done + rows_at_once, "right")))
        part = row[begin:end]
        each = np.repeat(np.arange(begin, end), many[part])
        within = np.arange(len(each)) - (upto[each] - many[row[each]] - done)
        yield {
            "d_model": d_model[row[each]],
            "heads": heads[each],
            "kv_heads": kv_heads[each],
            "head_dim": head_dim[each],
            "d_ff": d_ff[first[row[each]] + within],
        }
        begin = end


def options(
    space: Space, split: Split | None = None, rows_at_once: int = 200_000
) -> Iterator[Options]:
    """Yield all width options, in tables of bounded size.

    Parameters
    ----------
    space : Space
    split : Split, optional
        Divisibility required by a parallel layout.
    rows_at_once : int
        Approximate rows per table; a table has at least all d_ff of one d_model and its heads.

    Yields
    ------
    Options
        Non-empty tables, in which no design appears twice.
    """
    split = split or Split()
    all_widths = integers(space.d_model)
    free = [(choice.name, menu_of(space, choice)) for choice in (*ORDERED, *UNORDERED)]
    free = [
        (name, menu[whole_divides(menu, split.ways)] if name == "vocab_size" else menu)
        for name, menu in free
    ]
    at_once = max(1, rows_at_once // _options_of_a_width(space))
    for block in listed(space.block):
        for begin in range(0, len(all_widths), at_once):
            some = all_widths[begin : begin + at_once]
            for columns in _width_tables(space, block, some, rows_at_once):
                yield from _with_depths(space, block, columns, free, split, rows_at_once)


def _with_depths(
    space: Space,
    block: str,
    columns: dict[str, Ints],
    free: list[tuple[str, Ints]],
    split: Split,
    rows_at_once: int,
) -> Iterator[Options]:
    """Yield width options with their depths and the choices independent of all others."""
    for of_width, *run in _depths(space, columns["d_model"]):
        for of_run, depths in BLOCKS[block].pattern.rows(*run):
            rows = len(depths)
            kept = {name: column[of_width[of_run]] for name, column in columns.items()}
            values = product(*(menu for _, menu in free))
            # Values of the independent choices one below another, as many as fit a table.
            while rows and (some := list(islice(values, max(1, rows_at_once // rows)))):
                widths = {name: np.tile(column, len(some)) for name, column in kept.items()}
                for (name, _), chosen in zip(free, zip(*some, strict=True), strict=True):
                    widths[name] = np.repeat(np.array(chosen, dtype=np.int64), rows)
                each = depths.take(np.tile(np.arange(rows), len(some)))
                table = divided(Options(block, widths, each), split)
                if len(table):
                    yield table


def _options_of_a_width(space: Space) -> int:
    """Bound the width options per d_model, without independent choices and divisibility."""
    found = 1
    for choice in CHOICES:
        if choice.width and not choice.free and choice.name != "d_model":
            for key in choice.menus:
                menu = getattr(space, key)
                found *= menu.size if menu is not None else 1
    return found
