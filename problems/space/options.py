"""Enumerate the width options of a space, as tables.

A *width option* is an architecture without its numbers of layers: structure, vocabulary and widths.
Divisibility and the aspect rule are applied during enumeration, so every design satisfies them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.choices import ORDERED, UNORDERED, DesignChoice
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.architecture.structures import (
    BETWEEN_WIDTHS,
    LATENT,
    SHARED_BY,
    Structure,
)
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.heads import attention_widths, kv_menu
from modelsizer.problems.space.rounding import (
    depths_of,
    least_depths,
    most_depths,
    nearest_multiples,
)
from modelsizer.problems.space.splits import Split, divided, whole_divides
from modelsizer.problems.space.stacks import listed, stacks, structures, windows
from modelsizer.problems.space.widths import Options
from modelsizer.problems.tables.menus import Interval, Menu, Written, integers
from modelsizer.problems.tables.space import (
    DEFAULT_EXPERT_MULTIPLE,
    DEFAULT_FFN_MULTIPLE,
    DEFAULT_GATED_RATIO,
    DEFAULT_PLAIN_RATIO,
    Space,
)
from modelsizer.problems.units import exact

Ints = NDArray[np.int64]

FREE = (*ORDERED, *UNORDERED)
"""Choices that multiply the options of every structure."""


def menu_of(space: Space, choice: DesignChoice) -> Ints:
    """Return the values of a choice that is independent of all other choices, ascending."""
    given = getattr(space, choice.name)
    if isinstance(given, bool | tuple):
        return np.array([int(value) for value in listed(given)], dtype=np.int64)
    return integers(given)


def distinct_columns(columns: Ints) -> tuple[Ints, Ints]:
    """Return row of d_model and hidden width of every distinct choice, ascending.

    Parameters
    ----------
    columns : array of shape (entries, D)
    """
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


def expert_columns(space: Space, d_model: Ints) -> Ints:
    """Return the width of an expert for each menu entry and d_model; shape (entries, D)."""
    experts = space.experts
    assert experts is not None
    if experts.d_ff is not None:
        width = integers(experts.d_ff)
        return np.broadcast_to(width[:, None], (len(width), len(d_model)))
    assert experts.granularity is not None
    multiples = (
        experts.ffn_multiple.numbers
        if experts.ffn_multiple is not None
        else [DEFAULT_EXPERT_MULTIPLE]
    )
    return np.stack(
        [
            nearest_multiples(d_model, 2 / exact(granularity), int(multiple))
            for granularity in experts.granularity.numbers
            for multiple in multiples
        ]
    )


@dataclass(frozen=True, slots=True)
class Free:
    """Choices that multiply the options of a structure whatever its other widths.

    Parameters
    ----------
    names : tuple of str
        Width columns.
    values : array of shape (n, len(names))
        Their distinct combinations.
    """

    names: tuple[str, ...]
    values: Ints


def free_choices(space: Space, structure: Structure) -> list[Free]:
    """Return the choices of a structure that depend on no others."""
    found = [Free((choice.name,), menu_of(space, choice)[:, None]) for choice in FREE]
    if structure.attention == "latent":
        found += [_menus(space, "latent", name, name) for name in LATENT]
    if structure.between == "window":
        found.append(Free(("window",), windows(space, structure.block)[:, None]))
    elif structure.between:
        names = SHARED_BY[structure.between]
        few, many = (integers(space.menu(name.replace("_", ".", 1))) for name in names)
        found.append(Free(names, _pairs(few, many, lambda f, m: m % f == 0)))
        others = [name for name in BETWEEN_WIDTHS[structure.between] if name not in names]
        found += [_menus(space, "linear", name.removeprefix("linear_"), name) for name in others]
    if structure.experts:
        assert space.experts is not None
        routed = integers(space.experts.routed)
        pairs = _pairs(
            routed[routed > 0], integers(space.experts.active), lambda r, active: active <= r
        )
        found.append(Free(("routed_experts", "active_experts"), pairs))
        found.append(_menus(space, "experts", "shared", "shared_experts"))
    return found


def _menus(space: Space, table: str, key: str, name: str) -> Free:
    return Free((name,), integers(space.menu(f"{table}.{key}"))[:, None])


def _pairs(first: Ints, second: Ints, fits: Callable[[Ints, Ints], Any]) -> Ints:
    """Return the combinations of two menus that fit; shape (n, 2)."""
    a, b = (g.ravel() for g in np.meshgrid(first, second, indexing="ij"))
    keep = fits(a, b)
    return np.stack([a[keep], b[keep]], axis=1)


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


def in_aspect(space: Space, d_model: Ints, depths: Depths) -> Iterator[tuple[Ints, Depths]]:
    """Yield row and depths of what the aspect rule leaves of some rows.

    Parameters
    ----------
    space : Space
    d_model : array of shape (W,)
    depths : Depths
        W rows.
    """
    aspect = space.aspect_ratio
    if aspect is None:
        yield np.arange(len(d_model)), depths
    elif isinstance(aspect, Menu):
        for ratio in aspect.numbers:
            layers = depths_of(d_model, exact(ratio))
            yield depths.between(layers, layers)
    else:
        yield depths.between(*aspect_limits(aspect, d_model))


def _widths(
    space: Space, structure: Structure, d_model: Ints, rows_at_once: int
) -> Iterator[dict[str, Ints]]:
    """Yield the distinct combinations of interdependent widths, in order, for some d_model."""
    if structure.attention == "latent":
        row = np.arange(len(d_model))
        outer: dict[str, Ints] = {}
    else:
        row, heads, kv_heads, head_dim = attention_widths(space, structure.block, d_model)
        outer = {"heads": heads, "kv_heads": kv_heads, "head_dim": head_dim}
    of_width, inner = _feed_forward_widths(space, structure, d_model)
    first = np.searchsorted(of_width, np.arange(len(d_model)))
    many = np.bincount(of_width, minlength=len(d_model))
    upto = np.cumsum(many[row])
    begin = 0
    while begin < len(row):
        done = int(upto[begin - 1]) if begin else 0
        end = max(begin + 1, int(np.searchsorted(upto, done + rows_at_once, "right")))
        each = np.repeat(np.arange(begin, end), many[row[begin:end]])
        at = first[row[each]] + np.arange(len(each)) - (upto[each] - many[row[each]] - done)
        yield {
            "d_model": d_model[row[each]],
            **{name: column[each] for name, column in outer.items()},
            **{name: column[at] for name, column in inner.items()},
        }
        begin = end


def _feed_forward_widths(
    space: Space, structure: Structure, d_model: Ints
) -> tuple[Ints, dict[str, Ints]]:
    """Return row of d_model and hidden widths of every distinct choice, in order."""
    row = np.arange(len(d_model))
    found: dict[str, Ints] = {}
    tables = {}
    if structure.dense:
        tables["d_ff"] = feed_forward_columns(space, d_model, BLOCKS[structure.block].gated)
    if structure.experts:
        tables["expert_d_ff"] = expert_columns(space, d_model)
    for name, table in tables.items():
        of_width, width = distinct_columns(table)
        first = np.searchsorted(of_width, np.arange(len(d_model)))
        many = np.bincount(of_width, minlength=len(d_model))[row]
        each = np.repeat(np.arange(len(row)), many)
        within = np.arange(len(each)) - np.repeat(np.cumsum(many) - many, many)
        found = {key: column[each] for key, column in found.items()}
        row = row[each]
        found[name] = width[first[row] + within]
    return row, found


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
        Approximate rows per table; a table has at least all interdependent widths of one d_model.

    Yields
    ------
    Options
        Non-empty tables, in which no design appears twice.
    """
    split = split or Split()
    all_widths = integers(space.d_model)
    for structure in structures(space):
        depths, free = stacks(space, structure), free_choices(space, structure)
        free = [
            Free(part.names, part.values[whole_divides(part.values[:, 0], split.ways)])
            if part.names == ("vocab_size",)
            else part
            for part in free
        ]
        at_once = max(1, rows_at_once // _options_of_a_width(space, structure))
        for begin in range(0, len(all_widths), at_once):
            some = all_widths[begin : begin + at_once]
            for columns in _widths(space, structure, some, rows_at_once):
                yield from _with_depths(
                    space, structure, columns, depths, free, split, rows_at_once
                )


def _with_depths(
    space: Space,
    structure: Structure,
    columns: dict[str, Ints],
    depths: Depths,
    free: Sequence[Free],
    split: Split,
    rows_at_once: int,
) -> Iterator[Options]:
    """Yield width options with their depths and the choices independent of all others."""
    options, at_once = len(columns["d_model"]), max(1, rows_at_once // max(len(depths), 1))
    for begin in range(0, options, at_once):
        of_option = np.arange(begin, min(begin + at_once, options))
        of_option = np.repeat(of_option, len(depths))
        every = depths.take(np.tile(np.arange(len(depths)), len(of_option) // max(len(depths), 1)))
        for row, left in in_aspect(space, columns["d_model"][of_option], every):
            rows = len(row)
            kept = {name: column[of_option[row]] for name, column in columns.items()}
            values = product(*(part.values for part in free))
            # Values of the independent choices one below another, as many as fit a table.
            while rows and (some := list(islice(values, max(1, rows_at_once // rows)))):
                widths = {name: np.tile(column, len(some)) for name, column in kept.items()}
                for part, chosen in zip(free, zip(*some, strict=True), strict=True):
                    for name, value in zip(part.names, np.array(chosen).T, strict=True):
                        widths[name] = np.repeat(value, rows)
                each = left.take(np.tile(np.arange(rows), len(some)))
                table = divided(Options(structure, widths, each), split)
                if len(table):
                    yield table


def _options_of_a_width(space: Space, structure: Structure) -> int:
    """Bound the interdependent width options per d_model, without divisibility."""
    keys = ["d_ff", "ffn_ratio", "ffn_multiple"] if structure.dense else []
    if structure.attention == "grouped":
        keys += ["heads", "head_dim"]
    if structure.experts:
        keys += [f"experts.{name}" for name in ("granularity", "d_ff", "ffn_multiple")]
    found = [menu.size for key in keys if (menu := space.menu(key)) is not None]
    if structure.attention == "grouped":
        found.append(kv_menu(space, structure.block)[1].size)
    return math.prod(found)


def most_options(space: Space) -> int:
    """Bound the width options of a space, in rows of tables, without divisibility."""
    return sum(
        space.d_model.size
        * _options_of_a_width(space, structure)
        * len(stacks(space, structure))
        * math.prod(len(part.values) for part in free_choices(space, structure))
        for structure in structures(space)
    )
