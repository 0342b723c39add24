"""A problem as tables, with a row per width option and quantities affine in its depths.

Rows are from `modelsizer.problems.space.options`; depths of row w are indices ``j[a]`` along its
depth axes, in which the layers of each kind are also affine
(`modelsizer.problems.architecture.depths`). Each quantity is
``base[w] + sum over a of unit[w, a] * j[a]``, in exact integers.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace
from functools import cache, partial
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.stack_features import stack_feature, stack_range
from modelsizer.optimizer.tables.stacks import choice_of, stacks_of, ties_of
from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choices import ZERO_APART
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.architecture.structures import Structure
from modelsizer.problems.columns import LARGEST_INT64, Columns
from modelsizer.problems.designs.costs import ALWAYS, architecture_of, costs, design_parts
from modelsizer.problems.laws.features import (
    Features,
    Seen,
    features_of,
    grows_with_depth,
    is_of_stack,
    ranges_of,
)
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import (
    ACCELERATORS,
    SERVED_FLOPS_PER_TOKEN,
    TRAINING_FLOPS_EACH,
)
from modelsizer.problems.quantities.rows import QUANTITIES, cost_of
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.layouts import Layout, columns
from modelsizer.problems.space.widths import Options

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
    def join(cls, parts: Sequence[Self]) -> Self:
        """Concatenate quantities over a common denominator."""
        denominator = math.lcm(*(part.denominator for part in parts))
        return super(Linear, cls).join([part.over(denominator) for part in parts])  # noqa: UP008

    def over(self, denominator: int) -> Self:
        """Return the quantity over a multiple of its denominator."""
        by = denominator // self.denominator
        if by == 1:
            return self
        # Python integers, as the common denominator may make them overflow int64.
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


def over_depths(affine: Affine, depths: Depths, of: Ints | None = None) -> Linear:
    """Return a cost over depths of shape (W,), from that of each row or of the row `of` it."""
    rows = len(depths)
    parts = [affine.base, *affine.per_layer]
    if of is not None:
        parts = [part[of] if isinstance(part, np.ndarray) else part for part in parts]
    own, *each = (np.broadcast_to(part, (rows,)) for part in parts)
    per = np.stack(each, axis=1)
    base = own + (per * depths.start).sum(axis=1)
    return Linear(base, (per[:, :, None] * depths.step).sum(axis=1), affine.denominator)


def largest(
    problem: Problem, layouts: Sequence[Layout], options: Options, names: Collection[str]
) -> int:
    """Bound all numbers in the arithmetic of a table, in Python integers.

    The bound is `LARGEST_INT64` if a cost does not bound its intermediate results.
    """
    if any(cost_of(name).within is None for name in names):
        return LARGEST_INT64
    depth = int((options.depths.first + (options.depths.each * options.depths.count).sum(1)).max())
    peaks, settings, found = _peaks(options.widths), problem.settings, 0
    same, many, apart = by_layouts(names, layouts)
    asked = [(same, layouts[:1]), (many, layouts), *((apart, [layout]) for layout in layouts)]
    for some, of in asked:
        if not some:
            continue
        widths = {name: np.tile(column, len(of)) for name, column in peaks.items()}
        trunk, kinds = design_parts(problem, options.structure, widths)
        each = np.repeat(np.arange(len(of)), len(peaks["d_model"]))
        layout = of[0] if len(of) == 1 else columns(of, each)
        for name, affine in costs(problem, trunk, kinds, layout, some).items():
            within = cost_of(name.partition(".")[0]).within
            assert within is not None
            size = int(np.max(affine.base + depth * sum(affine.per_layer)))
            # A coefficient is rounded, at worst from half a unit to none.
            found = max(found, (size + 1) * max(within(settings, one) for one in of))
    return found


def by_layouts(
    names: Iterable[str], layouts: Sequence[Layout]
) -> tuple[list[str], list[str], list[str]]:
    """Separate costs by how they see layouts.

    Returns
    -------
    same : list of str
        Those of the first layout are those of all.
    many : list of str
        Their formulas take many layouts.
    each : list of str
        They are computed for one layout after another.
    """
    same: list[str] = []
    many: list[str] = []
    each: list[str] = []
    alike = len({layout.accelerators for layout in layouts}) == 1
    for name in names:
        cost = cost_of(name)
        if len(layouts) == 1 or not cost.by_layout or (alike and name == TRAINING_FLOPS_EACH):
            same.append(name)
        else:
            (many if cost.many_layouts else each).append(name)
    return same, many, each


def _peaks(widths: Mapping[str, Ints]) -> dict[str, NDArray[Any]]:
    """Return the largest widths, untied; and these with each 0 that is another kind of layer."""
    peak = {name: int(column.max()) for name, column in widths.items()} | {"tied_embeddings": 0}
    zeros = [name for name in ZERO_APART if name in widths and not widths[name].all()]
    rows = [peak, *(peak | {name: 0} for name in zeros)]
    return {name: np.array([row[name] for row in rows], dtype=object) for name in peak}


def needed(problem: Problem) -> tuple[str, ...]:
    """Return the affine quantities that are needed to solve a problem."""
    names = set(ALWAYS)
    for name in (*problem.budgets.limits, problem.objective.quantity):
        names |= {QUANTITIES[name].base} - {""}
    row, limits = QUANTITIES[problem.objective.quantity], problem.token_limits
    if limits.charges or row.form == "lifetime":
        names.add(SERVED_FLOPS_PER_TOKEN)
    if limits.most_flops_each is not None:
        names |= {TRAINING_FLOPS_EACH} if limits.least else set()
        names |= {ACCELERATORS} if limits.least_flops else set()
    return tuple(sorted(names))


def to_floats(values: object) -> Floats:
    """Convert integers, including Python's, to doubles."""
    return np.asarray(values).astype(np.float64)


def frame(layout: Layout, options: Options) -> Table:
    """Return a table of options under a layout, with the layers as its only quantity."""
    depths, none = options.depths, np.zeros(len(options), dtype=np.int64)
    linear = {"layers": Linear(depths.first, depths.each, 1)}
    return Table((options.structure,), (layout,), none, none, options.widths, depths, linear)


def quantities(
    problem: Problem,
    layout: Layout,
    options: Options,
    names: Collection[str],
    *,
    wide: bool | None = None,
) -> dict[str, Linear]:
    """Compute exact quantities of options under a layout.

    Of a row whose depths include none of a kind of layer, as those of a box may, costs that are not
    sums over layers are those without this kind, and so at most those of its designs.

    Parameters
    ----------
    problem : Problem
    layout : Layout
    options : Options
    names : collection of str
        Affine quantities to compute.
    wide : bool, optional
        Whether numbers may overflow int64; determined if not given.
    """
    if wide is None:
        wide = largest(problem, [layout], options, names) >= LARGEST_INT64
    widths = options.widths
    if wide:
        widths = {name: column.astype(object) for name, column in widths.items()}
    trunk, kinds = design_parts(problem, options.structure, widths)
    present = tuple(options.depths.start.T > 0)
    return {
        name: over_depths(affine, options.depths)
        for name, affine in costs(problem, trunk, kinds, layout, names, present).items()
    }


def build_table(
    problem: Problem,
    layout: Layout,
    options: Options,
    names: Collection[str] | None = None,
    *,
    wide: bool | None = None,
) -> Table:
    """Build a table of options under a layout with exact quantities; see `quantities`."""
    names = needed(problem) if names is None else names
    table = frame(layout, options)
    found = quantities(problem, layout, options, names, wide=wide)
    return replace(table, linear=table.linear | found)


def _pooled(parts: Sequence[tuple[tuple[T, ...], Ints]]) -> tuple[tuple[T, ...], Ints]:
    """Return the distinct names, and the index of every row's name in them."""
    pool = tuple(dict.fromkeys(name for names, _ in parts for name in names))
    found = [np.array([pool.index(name) for name in names])[ids] for names, ids in parts]
    return pool, np.concatenate(found)
