"""Count the designs of a space by factors: its choices are independent in each structure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.blocks import BLOCKS
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.columns import LARGEST_INT64
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.heads import head_menus, head_pairs, kv_heads_of
from modelsizer.problems.space.options import (
    aspect_limits,
    distinct_columns,
    expert_columns,
    feed_forward_columns,
    free_choices,
)
from modelsizer.problems.space.rounding import depths_of
from modelsizer.problems.space.splits import Split, attention_divides, whole_divides
from modelsizer.problems.space.stacks import stacks, structures
from modelsizer.problems.tables.menus import Menu, integers
from modelsizer.problems.tables.space import Space
from modelsizer.problems.units import exact

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

ENTRIES_AT_ONCE = 4_000_000
"""Combinations of interdependent widths examined at once: some 200 MB."""
SPLIT = (
    "vocab_size", "heads", "linear_key_heads", "linear_value_heads", "linear_heads",
)  # fmt: skip
"""Choices independent of all others that tensor parallelism must divide."""
ROUTED = "routed_experts"  # which expert parallelism must divide
WITH_WIDTH = "shared_experts"  # whose widths together tensor parallelism must divide
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

    Heads, hidden widths, vocabularies and depths are independent of each other once structure and
    d_model are given, and a split asks something of each by itself. So they are counted apart, in
    classes that the same splits can divide, and multiplied.

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


def possible_widths(
    space: Space, splits: Sequence[Split], asked: Callable[[Structure], bool]
) -> Bools:
    """Whether each d_model of a space, ascending, has a design of some structures; shape (D,)."""
    found = np.zeros(space.d_model.size, dtype=bool)
    for structure in filter(asked, structures(space)):
        if not (taking := _taking(splits, structure)):
            continue
        factors = _Factors(space, structure, taking)
        if len(factors.stacks):
            found |= np.concatenate([factors.possible(some) for some in factors.chunks()])
    return found


def count_by_structure(space: Space, splits: Sequence[Split]) -> dict[Structure, Counted]:
    """Count the designs of each structure that a space offers; see `count_designs`."""
    return {structure: _of(space, structure, tuple(splits)) for structure in structures(space)}


def _parts(space: Space, splits: Sequence[Split]) -> Iterator[Counted]:
    """Yield the sizes of disjoint parts of a space."""
    for structure in structures(space):
        yield _of(space, structure, tuple(splits))


@lru_cache(maxsize=128)
def _of(space: Space, structure: Structure, splits: tuple[Split, ...]) -> Counted:
    """Count the designs of a structure; kept, as it is asked for many times."""
    taking = _taking(splits, structure)
    return sum(_Factors(space, structure, taking).parts(), NOTHING) if taking else NOTHING


def _taking(splits: Sequence[Split], structure: Structure) -> Sequence[Split]:
    """Splits that are meant for designs of a structure."""
    return [split for split in splits if split.takes(mixture=structure.experts)]


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
    """Count designs of one structure."""

    def __init__(self, space: Space, structure: Structure, splits: Sequence[Split]) -> None:
        self.space, self.structure, self.splits = space, structure, splits
        self.asked = list(dict.fromkeys(split.widths for split in splits))
        self.stages = sorted({split.stages for split in splits})
        self.free = self._independent()
        self.stacks = stacks(space, structure)

    def parts(self) -> Iterator[Counted]:
        """Yield the sizes of parts of the space."""
        if len(self.stacks):
            for d_model in self.chunks():
                yield _product(*self._classes(d_model), self._requirements())

    def possible(self, d_model: Ints) -> Bools:
        """Whether some split can divide some design of each d_model."""
        widths, depth, _ = self._classes(d_model)
        found = np.zeros(len(d_model), dtype=bool)
        for ways, stages in self._requirements():
            some = (widths.times[:, widths.able[:, ways]] > 0).any(axis=1)
            found |= some & (depth.times[:, depth.able[:, stages]] > 0).any(axis=1)
        return found

    def chunks(self) -> Iterator[Ints]:
        """Yield ranges of d_model whose combinations of widths are not too many."""
        widths = integers(self.space.d_model)
        keys = ("ffn_ratio", "ffn_multiple", "experts.granularity", "experts.ffn_multiple")
        menus = [menu for key in keys if (menu := self.space.menu(key)) is not None]
        most = max(len(head_menus(self.space)[0]), prod(menu.size for menu in menus))
        at_once = max(1, ENTRIES_AT_ONCE // max(most, len(self.stacks)))
        for begin in range(0, len(widths), at_once):
            yield widths[begin : begin + at_once]

    def _classes(self, d_model: Ints) -> tuple[_Classes, _Classes, Ints]:
        """Return the classes of widths, those of depths, and rows of depths, of some d_model."""
        times = np.broadcast_to(self.free.times, (len(d_model), len(self.free.times)))
        parts = [_Classes(self.free.able, times), *self._feed_forwards(d_model)]
        if self.structure.attention == "grouped":
            parts.append(self._attention(d_model))
        return _together(parts), *self._depths(d_model)

    def _requirements(self) -> list[tuple[int, int]]:
        """Return what each split asks of widths and of depths, as indices."""
        return [(self.asked.index(s.widths), self.stages.index(s.stages)) for s in self.splits]

    def _attention(self, d_model: Ints) -> _Classes:
        both = self.space.heads is not None and self.space.head_dim is not None
        row, heads, _ = head_pairs(self.space, d_model[:1] if both else d_model)
        distinct, at = np.unique(heads, return_inverse=True)
        of, kv_heads = kv_heads_of(self.space, self.structure.block, distinct)
        able = np.stack(
            [attention_divides(distinct[of], kv_heads, each.ways) for each in self.asked], axis=1
        )
        of_heads = _Classes.of(of, able, len(distinct))
        times = np.zeros((len(d_model), len(of_heads.able)), dtype=np.int64)
        if both:
            assert self.space.head_dim is not None
            times += of_heads.times.sum(axis=0) * self.space.head_dim.size
        else:
            np.add.at(times, row, of_heads.times[at])
        return _Classes(of_heads.able, times)

    def _feed_forwards(self, d_model: Ints) -> Iterator[_Classes]:
        """Yield the classes of hidden widths of each kind of feed-forward."""
        if self.structure.dense:
            gated = BLOCKS[self.structure.block].gated
            fixed = self.space.d_ff is not None
            widths = d_model[:1] if fixed else d_model
            row, width = distinct_columns(feed_forward_columns(self.space, widths, gated))
            able = [whole_divides(width, each.ways) for each in self.asked]
            yield self._columns(d_model, row, able, fixed=fixed)
        if self.structure.experts:
            fixed = self.space.menu("experts.d_ff") is not None
            widths = d_model[:1] if fixed else d_model
            row, width = distinct_columns(expert_columns(self.space, widths))
            shared = integers(self.space.menu("experts.shared"))
            row, width = np.repeat(row, len(shared)), np.repeat(width, len(shared))
            together = width * np.tile(shared, len(width) // len(shared))
            able = [
                whole_divides(width, each.of_experts) & whole_divides(together, each.ways)
                for each in self.asked
            ]
            yield self._columns(d_model, row, able, fixed=fixed)

    def _columns(self, d_model: Ints, row: Ints, able: Sequence[Bools], *, fixed: bool) -> _Classes:
        """Return the classes of hidden widths, which are the same for each d_model if `fixed`."""
        found = _Classes.of(row, np.stack(able, axis=1), 1 if fixed else len(d_model))
        return _Classes(found.able, np.broadcast_to(found.times, (len(d_model), len(found.able))))

    def _independent(self) -> _Classes:
        """Return the classes of the choices that are independent of all others, d_model too."""
        able = np.ones((1, len(self.asked)), dtype=bool)
        times = np.ones(1, dtype=np.int64)
        for part in free_choices(self.space, self.structure):
            if part.names == (WITH_WIDTH,):
                continue
            mine = np.ones((len(part.values), len(self.asked)), dtype=bool)
            for name, values in zip(part.names, part.values.T, strict=True):
                if name in (*SPLIT, ROUTED):
                    ways = [each.experts if name == ROUTED else each.ways for each in self.asked]
                    mine &= np.stack([whole_divides(values, some) for some in ways], axis=1)
            kinds, at = _distinct(mine)
            many = np.bincount(at, minlength=len(kinds))
            able = (able[:, None] & kinds[None]).reshape(-1, len(self.asked))
            times = (times[:, None] * many[None]).ravel()
        return _Classes(able, times)

    def _depths(self, d_model: Ints) -> tuple[_Classes, Ints]:
        """Return the classes of depths by the stages that divide them, and how many rows have any.

        Returns
        -------
        classes : _Classes
        rows : array of shape (D, stages)
        """
        layers, rows_of, flat = self._layers
        able = np.stack([layers % stages == 0 for stages in self.stages], axis=1)
        kinds, at = _distinct(able)
        times = np.zeros((len(d_model), len(kinds)), dtype=np.int64)
        rows = np.zeros((len(d_model), len(self.stages)), dtype=np.int64)
        for least, most in self._limits(d_model):
            for begin, end in zip(*_ends(rows_of), strict=True):
                order = begin + np.argsort(layers[begin:end], kind="stable")
                here = _within(layers[order], at[order], len(kinds), least, most)
                times += here
                for stage, stages in enumerate(self.stages):
                    # The aspect rule and pipeline stages leave rows of one axis.
                    free = self.space.aspect_ratio is None and stages == 1
                    pieces = flat[begin:end] * (not free)
                    for first, last in zip(*_ends(pieces - pieces[0]), strict=True):
                        part = order if free else np.arange(begin + first, begin + last)
                        held = _within(layers[part], at[part], len(kinds), least, most)
                        rows[:, stage] += (held @ kinds > 0)[:, stage]
        return _Classes(kinds, times), rows

    def _limits(self, d_model: Ints) -> Iterator[tuple[Ints, Ints]]:
        """Yield the least and most layers of each d_model, for each exact aspect ratio."""
        aspect = self.space.aspect_ratio
        if isinstance(aspect, Menu):
            for ratio in aspect.numbers:
                layers = depths_of(d_model, exact(ratio))
                yield layers, layers
        else:
            yield aspect_limits(aspect, d_model)

    @cached_property
    def _layers(self) -> tuple[Ints, Ints, Ints]:
        """Return total depth, row, and row of one axis of every stack, in order of the rows."""
        rows, depths = self.stacks.one_axis()
        flat = np.repeat(np.arange(len(depths)), depths.count[:, 0])
        first = np.cumsum(depths.count[:, 0]) - depths.count[:, 0]
        j = np.arange(len(flat)) - first[flat]
        layers = depths.layers(flat, j[:, None])
        return layers, rows[flat], flat


def _within(layers: Ints, kind: Ints, kinds: int, least: Ints, most: Ints) -> Ints:
    """Count stacks of each kind with depths between limits of shape (D,); shape (D, kinds).

    Parameters
    ----------
    layers, kind : array of shape (n,)
        Depth of each stack, ascending, and its kind.
    """
    one = np.zeros((len(layers) + 1, kinds), dtype=np.int64)
    one[np.arange(1, len(layers) + 1), kind] = 1
    upto = np.cumsum(one, axis=0)
    first = np.searchsorted(layers, least)
    last = np.maximum(first, np.searchsorted(layers, most, "right"))
    found: Ints = upto[last] - upto[first]
    return found


def _ends(row: Ints) -> tuple[Ints, Ints]:
    """Return where each row begins and ends."""
    begin = np.flatnonzero(np.diff(row, prepend=-1))
    return begin, np.append(begin[1:], len(row))


def _together(parts: Sequence[_Classes]) -> _Classes:
    """Return the classes of combinations of independent choices, by the splits that divide all."""
    found = parts[0]
    for part in parts[1:]:
        able = (found.able[:, None] & part.able[None]).reshape(-1, found.able.shape[1])
        first, second = _fitting(found.times, part.times)
        times = (first[:, :, None] * second[:, None, :]).reshape(len(first), -1)
        kinds, at = _distinct(able)
        merged = np.zeros((len(times), len(kinds)), dtype=times.dtype)
        np.add.at(merged.T, at, times.T)
        found = _Classes(kinds, merged)
    return found


def _fitting(first: NDArray[Any], second: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return factors whose products are exact: Python integers where int64 could overflow."""
    sums = [int(times.sum(axis=1).max(initial=0)) for times in (first, second)]
    if first.dtype == object or second.dtype == object or prod(sums) >= LARGEST_INT64:
        return first.astype(object), second.astype(object)
    return first, second


def _product(
    widths: _Classes, depth: _Classes, rows: Ints, requirements: Sequence[tuple[int, int]]
) -> Counted:
    """Count combinations of classes: widths by ways, depths by stages."""
    needs = np.array(requirements)
    pairs = designs = options = 0
    for ways, of_width in zip(widths.able, widths.times.T, strict=True):
        fits = ways[needs[:, 0]]
        if not fits.any():
            continue
        many, reached = _fitting(of_width[:, None], depth.times * len(needs))
        times, reached = many[:, 0], reached // len(needs)
        held = depth.able[:, needs[:, 1]] & fits  # classes of depth x splits
        of_rows = rows[:, needs[fits, 1]].sum(axis=1).astype(reached.dtype)
        pairs += _total(times * (reached * held.sum(axis=1)).sum(axis=1))
        designs += _total(times * reached[:, held.any(axis=1)].sum(axis=1))
        options += _total(times * of_rows)
    return Counted(designs, pairs, options)


def _total(values: NDArray[Any]) -> int:
    """Exact sum of counts, each of which is exact."""
    return sum(values.tolist())
