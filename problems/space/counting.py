"""Count the designs of a space: by factors where its choices are independent, else by listing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.blocks import BLOCKS, Block
from modelsizer.problems.architecture.choices import ORDERED, UNORDERED
from modelsizer.problems.architecture.patterns import Pattern
from modelsizer.problems.columns import LARGEST_INT64
from modelsizer.problems.space.options import (
    aspect_limits,
    distinct_columns,
    head_menus,
    head_pairs,
    kv_heads_of,
    listed,
    menu_of,
    options,
)
from modelsizer.problems.space.rounding import depths_of
from modelsizer.problems.space.splits import (
    Split,
    attention_divides,
    divided,
    divides,
    whole_divides,
)
from modelsizer.problems.space.widths import Options
from modelsizer.problems.tables.menus import Menu, arithmetic_runs, integers
from modelsizer.problems.tables.space import Space
from modelsizer.problems.units import exact

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ENTRIES_AT_ONCE = 4_000_000
"""Combinations of interdependent widths examined at once: some 200 MB."""
FEW_COLUMNS = 12
"""Requirements whose combinations are numbered; those of more are sorted."""


@dataclass(frozen=True, slots=True)
class Counted:
    """Size of a space.

    Parameters
    ----------
    designs : int
        Distinct architectures that at least one layout can split.
    pairs : int
        Pairs of an architecture and a layout that can split it.
    options : int
        Width options, once for each layout and each run of evenly spaced depths.
    """

    designs: int
    pairs: int
    options: int

    def __add__(self, other: Counted) -> Counted:
        """Return the size of two disjoint spaces together."""
        return Counted(
            self.designs + other.designs, self.pairs + other.pairs, self.options + other.options
        )


NOTHING = Counted(0, 0, 0)


def count_designs(space: Space, splits: Sequence[Split]) -> Counted:
    """Count the designs of a space.

    Heads, hidden widths, vocabularies and depths are independent of each other once d_model is
    given, and a split asks something of each by itself. So they are counted apart, in classes that
    the same splits can divide, and multiplied. Blocks of several kinds of layer are listed.

    Parameters
    ----------
    space : Space
    splits : sequence of Split
        Divisibility required by each parallel layout.
    """
    return sum(_parts(space, splits), NOTHING)


def has_design(space: Space, splits: Sequence[Split]) -> bool:
    """Whether some split can divide some design of a space."""
    return any(part.designs for part in _parts(space, splits))


def _parts(space: Space, splits: Sequence[Split]) -> Iterator[Counted]:
    """Yield the sizes of disjoint parts of a space."""
    for name in listed(space.block):
        block = BLOCKS[name]
        if block.pattern.kinds == 1 and type(block).kinds is Block.kinds:
            # Of a block only its pattern and whether it is gated matter.
            alike = space.model_copy(update={"block": "llama"})
            yield _by_factors(alike, block.gated, block.pattern, tuple(splits))
        else:
            yield from _listed(space.model_copy(update={"block": name}), splits)


# By factors


@lru_cache(maxsize=32)
def _by_factors(space: Space, gated: bool, pattern: Pattern, splits: tuple[Split, ...]) -> Counted:
    """Count the designs of blocks with one kind of layer; kept, as it is asked for many times."""
    return sum(_Factors(space, gated, pattern, splits).parts(), NOTHING)


@dataclass(frozen=True, slots=True)
class _Classes:
    """Entries of a choice per d_model, grouped by the splits that divide them.

    Parameters
    ----------
    able : array of bool, shape (C, R)
        Which of R requirements each class satisfies.
    times : array of shape (D, C)
        Entries of each class for each d_model.
    """

    able: Bools
    times: NDArray[np.int64]

    @classmethod
    def of(cls, row: Ints, able: Bools, rows: int) -> _Classes:
        """Group entries, of shape (n,) and (n, R), that belong to rows of d_model."""
        kinds, at = _distinct(able)
        flat = np.bincount(row * len(kinds) + at, minlength=rows * len(kinds))
        return cls(kinds, flat.reshape(rows, len(kinds)))


def _distinct(able: Bools) -> tuple[Bools, Ints]:
    """Return the distinct rows of a table of R columns, and the index of each row among them."""
    columns = able.shape[1]
    if columns > FEW_COLUMNS:
        kinds, at = np.unique(able, axis=0, return_inverse=True)
        return kinds, at.ravel()
    code = able @ (1 << np.arange(columns))
    used = np.flatnonzero(np.bincount(code, minlength=1 << columns))
    number = np.zeros(1 << columns, dtype=np.int64)
    number[used] = np.arange(len(used))
    return (used[:, None] >> np.arange(columns)) & 1 == 1, number[code]


class _Factors:
    """Count designs of one block with one kind of layer."""

    def __init__(
        self, space: Space, gated: bool, pattern: Pattern, splits: Sequence[Split]
    ) -> None:
        self.space, self.gated, self.pattern, self.splits = space, gated, pattern, splits
        self.ways = sorted({split.ways for split in splits})
        self.stages = sorted({split.stages for split in splits})
        self.free = self._independent()

    def parts(self) -> Iterator[Counted]:
        """Yield the sizes of parts of the space."""
        free = prod(len(menu_of(self.space, choice)) for choice in UNORDERED)
        for d_model in self._chunks():
            part = self._of(d_model)
            yield Counted(free * part.designs, free * part.pairs, free * part.options)

    def _chunks(self) -> Iterator[Ints]:
        """Yield ranges of d_model whose combinations of widths are not too many."""
        widths = integers(self.space.d_model)
        ratios = (self.space.ffn_ratio, self.space.ffn_multiple)
        columns = prod(menu.size for menu in ratios if menu is not None)
        at_once = max(1, ENTRIES_AT_ONCE // max(len(head_menus(self.space)[0]), columns))
        for begin in range(0, len(widths), at_once):
            yield widths[begin : begin + at_once]

    def _of(self, d_model: Ints) -> Counted:
        """Count the designs of some d_model."""
        times = np.broadcast_to(self.free.times, (len(d_model), len(self.free.times)))
        free = _Classes(self.free.able, times)
        parts = (self._attention(d_model), self._feed_forward(d_model), free)
        return _product(parts, *self._depths(d_model), self._requirements())

    def _requirements(self) -> list[tuple[int, int]]:
        """Return the index of its ways and of its stages for each split."""
        return [(self.ways.index(s.ways), self.stages.index(s.stages)) for s in self.splits]

    def _attention(self, d_model: Ints) -> _Classes:
        both = self.space.heads is not None and self.space.head_dim is not None
        row, heads, _ = head_pairs(self.space, d_model[:1] if both else d_model)
        distinct, at = np.unique(heads, return_inverse=True)
        of, kv_heads = kv_heads_of(self.space, distinct)
        able = np.stack(
            [attention_divides(distinct[of], kv_heads, ways) for ways in self.ways], axis=1
        )
        of_heads = _Classes.of(of, able, len(distinct))
        times = np.zeros((len(d_model), len(of_heads.able)), dtype=np.int64)
        if both:
            assert self.space.head_dim is not None
            times += of_heads.times.sum(axis=0) * self.space.head_dim.size
        else:
            np.add.at(times, row, of_heads.times[at])
        return _Classes(of_heads.able, times)

    def _feed_forward(self, d_model: Ints) -> _Classes:
        fixed = self.space.d_ff is not None
        widths = d_model[:1] if fixed else d_model
        row, d_ff = distinct_columns(self.space, widths, self.gated)
        able = np.stack([whole_divides(d_ff, ways) for ways in self.ways], axis=1)
        found = _Classes.of(row, able, len(widths))
        return _Classes(found.able, np.broadcast_to(found.times, (len(d_model), len(found.able))))

    def _independent(self) -> _Classes:
        """Return the classes of the choices that are independent of all others, d_model too."""
        able = np.ones((1, len(self.ways)), dtype=bool)
        times = np.ones(1, dtype=np.int64)
        for choice in ORDERED:
            menu = menu_of(self.space, choice)
            if choice.name == "vocab_size":
                mine = np.stack([whole_divides(menu, ways) for ways in self.ways], axis=1)
            else:
                mine = np.ones((len(menu), len(self.ways)), dtype=bool)
            kinds, at = _distinct(mine)
            many = np.bincount(at)
            able = (able[:, None] & kinds[None]).reshape(-1, len(self.ways))
            times = (times[:, None] * many[None]).ravel()
        return _Classes(able, times)

    def _depths(self, d_model: Ints) -> tuple[_Classes, Ints]:
        """Return the classes of depths by the stages that divide them, and how many runs have any.

        Returns
        -------
        classes : _Classes
        runs : array of shape (D, stages)
        """
        layers, run = self._layers
        able = np.stack([layers % stages == 0 for stages in self.stages], axis=1)
        kinds, at = _distinct(able)
        stacks = np.zeros((len(layers), len(kinds)), dtype=np.int64)
        one = np.ones_like(layers)
        for of, depths in self.pattern.rows(layers, one, one):
            np.add.at(stacks, (of, at[of]), depths.count.prod(axis=1))
        times = np.zeros((len(d_model), len(kinds)), dtype=np.int64)
        runs = np.zeros((len(d_model), len(self.stages)), dtype=np.int64)
        aspect = self.space.aspect_ratio
        if isinstance(aspect, Menu):
            for ratio in aspect.numbers:
                wanted = depths_of(d_model, exact(ratio))
                where = np.minimum(np.searchsorted(layers, wanted), len(layers) - 1)
                found = (layers[where] == wanted)[:, None]
                times += np.where(found, stacks[where], 0)
                runs += found & able[where]
            return _Classes(kinds, times), runs
        least, most = aspect_limits(aspect, d_model)
        first, end = np.searchsorted(layers, least), np.searchsorted(layers, most, "right")
        end = np.maximum(first, end)
        upto = np.concatenate([np.zeros((1, len(kinds)), np.int64), np.cumsum(stacks, axis=0)])
        some = stacks.sum(axis=1) > 0
        for stage in range(len(self.stages)):
            fits = np.flatnonzero(able[:, stage] & some)
            changes = np.cumsum(np.diff(run[fits], prepend=-1) != 0)
            begin, stop = np.searchsorted(fits, first), np.searchsorted(fits, end)
            any_ = begin < stop
            ends = begin[any_], stop[any_] - 1
            runs[any_, stage] = changes[ends[1]] - changes[ends[0]] + 1
        return _Classes(kinds, upto[end] - upto[first]), runs

    @cached_property
    def _layers(self) -> tuple[Ints, Ints]:
        """Return all depths, ascending, and the arithmetic run of each."""
        counts = [count for _, _, count in arithmetic_runs(self.space.layers.numbers)]
        return integers(self.space.layers), np.repeat(np.arange(len(counts)), counts)


def _product(
    parts: Sequence[_Classes],
    depth: _Classes,
    runs: Ints,
    requirements: Sequence[tuple[int, int]],
) -> Counted:
    """Count combinations of classes: `parts` by ways, depths by stages."""
    attention, feed_forward, free = parts
    needs = np.array(requirements)
    pairs = designs = options = 0
    for a, f, v in np.ndindex(*(len(part.able) for part in parts)):
        ways = attention.able[a] & feed_forward.able[f] & free.able[v]
        fits = ways[needs[:, 0]]
        if not fits.any():
            continue
        columns = attention.times[:, a], feed_forward.times[:, f], free.times[:, v]
        # Python integers where int64 could overflow.
        most = prod(int(column.max()) for column in columns) * len(columns[0]) * len(needs)
        deepest = int(depth.times.sum(axis=1).max())
        exact_type: type = np.int64 if most * deepest < LARGEST_INT64 else object
        widths = columns[0].astype(exact_type) * columns[1] * columns[2]
        held = depth.able[:, needs[:, 1]] & fits  # classes of depth x splits
        reached: NDArray[Any] = depth.times.astype(exact_type)
        pairs += int((widths * (reached * held.sum(axis=1)).sum(axis=1)).sum())
        designs += int((widths * reached[:, held.any(axis=1)].sum(axis=1)).sum())
        options += int((widths * runs[:, needs[fits, 1]].sum(axis=1)).sum())
    return Counted(designs, pairs, options)


# By listing


def _listed(space: Space, splits: Sequence[Split]) -> Iterator[Counted]:
    """Yield the sizes of parts of a space, by its width options."""
    for table in options(space):
        of_each = [divided(table, split) for split in splits]
        yield Counted(
            of_each[0].designs if len(splits) == 1 else _union(table, splits),
            sum(each.designs for each in of_each),
            sum(len(each) for each in of_each),
        )


def _union(table: Options, splits: Sequence[Split]) -> int:
    """Count the designs of a table that at least one split can divide."""
    # For each row the splits that its widths allow; among these only the stages differ.
    stages = sorted({split.stages for split in splits})
    allowed = np.zeros((len(table), len(stages)), dtype=bool)
    for split in splits:
        allowed[:, stages.index(split.stages)] |= divides(split, table)
    depths = table.depths
    axes = depths.count.shape[1]
    runs = np.column_stack([depths.first, depths.each, depths.count, allowed])
    distinct, times = np.unique(runs, axis=0, return_counts=True)
    total = 0
    for run, repeats in zip(distinct, times, strict=True):
        each, count, able = np.split(run[1:], [axes, 2 * axes])
        layers = run[0] + np.tensordot(each, np.indices(count.tolist()), axes=1)
        fits = np.zeros(layers.shape, dtype=bool)
        for divisor, ok in zip(stages, able, strict=True):
            if ok:
                fits |= layers % divisor == 0
        total += int(repeats) * int(fits.sum())
    return total
