"""A problem as tables, with a row per width option and quantities affine in its depths.

Rows are from `modelsizer.problems.space.options`; depths of row w are indices ``j[a]`` along its
depth axes, in which the layers of each kind are also affine
(`modelsizer.problems.architecture.depths`). Each quantity is
``base[w] + sum over a of unit[w, a] * j[a]``, in exact integers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field, replace
from functools import cache, partial
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.stack_features import stack_feature, stack_range
from modelsizer.optimizer.tables.stacks import choice_of, stacks_of, ties_of
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.columns import LARGEST_INT64, Columns
from modelsizer.problems.designs.costs import architecture_of
from modelsizer.problems.laws.features import (
    Features,
    Seen,
    features_of,
    grows_with_depth,
    is_of_stack,
    ranges_of,
)
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.layouts import Layout

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Linear(Columns):
    """An exact affine quantity of a table.

    Parameters
    ----------
    base : array of shape (W,)
    unit : array of shape (W, A)
        int64, or Python integers (dtype object) if int64 could overflow.
    denominator : int
    """

    base: NDArray[Any]
    unit: NDArray[Any]
    denominator: int

    def at(self, row: Ints, j: Ints) -> NDArray[Any]:
        """Return numerators for rows of shape (B,) at depths of shape (B, A)."""
        value: NDArray[Any] = self.base[row] + (self.unit[row] * j).sum(axis=1)
        return value

    def values(self, row: Ints, j: Ints) -> Floats:
        """Return values as doubles for rows of shape (B,) at depths of shape (B, A)."""
        return to_floats(self.at(row, j)) / self.denominator

    @classmethod
    def join(cls, parts: Sequence[Self], deepest: int | None = None) -> Self:
        """Concatenate quantities over a common denominator; see `over`."""
        denominator = math.lcm(*(part.denominator for part in parts))
        return super(Linear, cls).join(  # noqa: UP008
            [part.over(denominator, deepest) for part in parts]
        )

    def over(self, denominator: int, deepest: int | None = None) -> Self:
        """Return the quantity over a multiple of its denominator.

        Parameters
        ----------
        denominator : int
        deepest : int, optional
            Number of depths along any axis at most. Without it the numbers are Python integers, as
            the common denominator may make them overflow int64.
        """
        by = denominator // self.denominator
        if by == 1:
            return self
        if deepest is not None and self.base.dtype != object:
            sizes = [int(np.abs(part).max(initial=0)) for part in (self.base, self.unit)]
            if (sizes[0] + self.unit.shape[1] * sizes[1] * deepest) * by < LARGEST_INT64:
                return replace(
                    self, base=self.base * by, unit=self.unit * by, denominator=denominator
                )
        base, unit = self.base.astype(object) * by, self.unit.astype(object) * by
        return replace(self, base=base, unit=unit, denominator=denominator)


@dataclass(frozen=True, slots=True)
class Table(Columns):
    """Width options of a problem with their exact quantities; W rows, A depth axes.

    Parameters
    ----------
    structure : tuple of Structure
        Structures that `structure_id` points into.
    layout : tuple of Layout
        Parallel layouts that `layout_id` points into.
    structure_id, layout_id : array of shape (W,)
    widths : dict of str to array of shape (W,)
        Widths of all structures; 0 where the structure of a row has none.
    depths : Depths
    linear : dict of str to Linear
        The requested affine quantities, and ``layers``.
    known : dict of array of shape (W,)
        Features of stacks that are the same at every depth; see `with_features`.
    """

    structure: tuple[Structure, ...]
    layout: tuple[Layout, ...]
    structure_id: Ints
    layout_id: Ints
    widths: dict[str, Ints]
    depths: Depths
    linear: dict[str, Linear]
    known: dict[Seen, Floats] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Ints:
        """Return a width of each row."""
        return self.widths[name]

    @classmethod
    def join(cls, parts: Sequence[Self]) -> Self:
        """Concatenate tables."""
        if len(parts) == 1:
            return parts[0]
        structure, of = _pooled([(part.structure, part.structure_id) for part in parts])
        layout, layout_id = _pooled([(part.layout, part.layout_id) for part in parts])
        names = dict.fromkeys(name for part in parts for name in part.widths)
        known = [name for name in parts[0].known if all(name in part.known for part in parts)]
        parts = [
            replace(part, widths=part._all(names), known={name: part.known[name] for name in known})
            for part in parts
        ]
        found = super(Table, cls).join(parts)  # noqa: UP008
        return replace(
            found, structure=structure, structure_id=of, layout=layout, layout_id=layout_id
        )

    def _all(self, names: Iterable[str]) -> dict[str, Ints]:
        """Return these widths, 0 where the table has none."""
        none = np.zeros(len(self), dtype=np.int64)
        return {name: self.widths.get(name, none) for name in names}

    def column(self, name: str) -> Ints:
        """Return a width of each row, 0 where its structure has none."""
        found = self.widths.get(name)
        return np.zeros(len(self), dtype=np.int64) if found is None else found

    @property
    def count(self) -> Ints:
        """Return the number of depths along each axis; shape (W, A)."""
        return self.depths.count

    @property
    def designs(self) -> int:
        """Return the number of designs in all rows."""
        return self.depths.designs

    def layers(self, row: Ints, j: Ints) -> Ints:
        """Return the layers of designs, summed over kinds; shape (B,)."""
        total: Ints = self.linear["layers"].at(row, j)
        return total

    def features(self, row: Ints, j: Ints, names: Iterable[Seen]) -> Features:
        """Return features of designs, shape (B,) each; see `modelsizer.problems.laws.features`."""
        return features_of(names, lambda name: self.width(name, row, j))

    def with_features(self, names: Iterable[Seen]) -> Self:
        """Return the table with features of stacks of one kind of layer, which no depth changes."""
        asked = [name for name in names if is_of_stack(name) and not grows_with_depth(name)]
        if not asked or any(structure.kinds_of_layer > 1 for structure in self.structure):
            return self
        row = np.arange(len(self))
        found = {name: self.width(name, row, np.zeros_like(self.count)) for name in asked}
        return replace(self, known=found)

    def ranges(
        self, row: Ints, low: Ints, high: Ints, names: Iterable[Seen]
    ) -> tuple[Features, Features]:
        """Return the minima and maxima of the features of laws over boxes of depths."""
        ends = cache(lambda name: self._ends(name, row, low, high))
        return ranges_of(names, lambda name: ends(name)[0], lambda name: ends(name)[1])

    def width(self, name: Seen, row: Ints, j: Ints) -> NDArray[Any]:
        """Return a width of designs, their layers or a feature of their stacks; shape (B,)."""
        if name == "layers":
            return self.layers(row, j)
        if name in self.known:
            return self.known[name][row]
        if is_of_stack(name):
            return stack_feature(name, self.stacks(row, j), len(row))
        return self.column(str(name))[row]

    def _ends(
        self, name: Seen, row: Ints, low: Ints, high: Ints
    ) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return the minimum and maximum of a width or feature over boxes of depths."""
        if not is_of_stack(name) or name in self.known:
            return self.width(name, row, low), self.width(name, row, high)
        # One kind of layer has the same share of all at every depth.
        several = grows_with_depth(name) or any(s.kinds_of_layer > 1 for s in self.structure)
        return stack_range(name, partial(self.stacks, row), low, high if several else low)

    def ties(self, row: Ints, j: Ints) -> list[NDArray[Any]]:
        """`modelsizer.problems.architecture.choices.tie_key` of designs, then the block name.

        Returns
        -------
        list of arrays of shape (B,)
        """
        return ties_of(*self._held(row, j), self.linear["parameters"].at(row, j))

    def stacks(self, row: Ints, j: Ints) -> Iterator[tuple[Ints, Architecture]]:
        """Yield designs as architectures of arrays, by structure; groups may have no layers.

        Yields
        ------
        at : array of shape (n,)
            Positions among the designs.
        stacks : Architecture
        """
        yield from stacks_of(*self._held(row, j))

    def choice(self, name: str, row: Ints, j: Ints) -> NDArray[Any]:
        """Return a choice of designs; see `modelsizer.optimizer.tables.stacks.choice_of`."""
        return choice_of(name, *self._held(row, j))

    def _held(
        self, row: Ints, j: Ints
    ) -> tuple[tuple[Structure, ...], Ints, dict[str, Ints], Ints]:
        """Return what identifies designs: structures, widths and numbers of layers."""
        widths = {name: column[row] for name, column in self.widths.items()}
        return self.structure, self.structure_id[row], widths, self.depths.counts(row, j)

    def architecture(self, problem: Problem, row: int, j: Sequence[int]) -> Architecture:
        """Return the design of a row at given depths."""
        structure = self.structure[self.structure_id[row]]
        widths = {name: int(self.widths[name][row]) for name in structure.widths}
        counts = self.depths.counts(np.array([row]), np.asarray([j], dtype=np.int64))[0]
        return architecture_of(problem, structure, widths, counts[: structure.kinds_of_layer])


def to_floats(values: object) -> Floats:
    """Convert integers, including Python's, to doubles."""
    return np.asarray(values).astype(np.float64)


def _pooled(parts: Sequence[tuple[tuple[T, ...], Ints]]) -> tuple[tuple[T, ...], Ints]:
    """Return the distinct names, and the index of every row's name in them."""
    pool: dict[T, int] = {}
    found = [
        np.array([pool.setdefault(name, len(pool)) for name in names])[ids] for names, ids in parts
    ]
    return tuple(pool), np.concatenate(found)
