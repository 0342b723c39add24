"""The menus of a space as an integer grid, for searches that do not enumerate width options.

Within a root (`modelsizer.optimizer.tables.roots`) a point is an index into each of the menus that
its designs choose from, with those of the numbers of layers among them; a box is a range of each.
Menus run in the order in which costs rise, and no product of two of them is ever laid out.

Parallel layouts are not part of the grid: they only determine which points are designs, and some
costs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.roots import (
    DENSE_LAYERS,
    HIDDEN,
    KV,
    KV_GROUP,
    LAYERS,
    PATTERN,
    Root,
    roots_of,
)
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.architecture.choices import BY_NAME
from modelsizer.problems.architecture.depths import Depths
from modelsizer.problems.architecture.structures import SHARED_BY, counts_of, structure_of
from modelsizer.problems.columns import Columns
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.options import aspect_limits, in_aspect, most_options
from modelsizer.problems.space.widths import Options
from modelsizer.problems.tables.menus import integers

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Range = tuple[Ints, Ints]

IN_PRODUCTS = {"heads": "heads in products", KV: "kv_heads in products"}
"""Ends of heads in `Ends.products`."""
SHARE = "expert_d_ff over d_model"
"""Ends of a ratio, where experts' widths follow from d_model."""


def menu_size(problem: Problem) -> int:
    """Return a fast upper bound on the number of width options, ignoring divisibility."""
    return len(problem.layouts) * most_options(problem.space)


@dataclass(frozen=True, slots=True)
class Ends(Columns):
    """The least and the greatest of each width and number of layers in some boxes.

    Of numbers of layers there are all layers, `PATTERN` and `DENSE_LAYERS`.
    """

    low: dict[str, NDArray[Any]]
    high: dict[str, NDArray[Any]]

    def products(self) -> Ends:
        """Return ends with heads whose products with head_dim are the least and the most.

        Where heads or head_dim follow from d_model, their product does not vary by itself. These
        ends bound whatever sees heads and kv_heads only times head_dim, but not what rises with
        their numbers, such as the memory of training.
        """
        if IN_PRODUCTS[KV] not in self.low:
            return self
        sides = (self.low, self.high)
        return Ends(*(side | {name: side[n] for name, n in IN_PRODUCTS.items()} for side in sides))


class Grid:
    """The grid of a problem's space.

    Attributes
    ----------
    roots : list of Root
    names : tuple of str
        Choices of the indices of a point: those of which some root has a menu.
    layers : int
        Position of the layers among them.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.roots = list(roots_of(problem))
        names = dict.fromkeys(name for root in self.roots for name in root.axes)
        self.names = tuple(
            name for name in names
            if name == LAYERS or any(len(r.axes.get(name, ())) > 1 for r in self.roots)
        )  # fmt: skip
        self.position = {name: at for at, name in enumerate(self.names)}
        self.layers = self.position[LAYERS]
        longest = max(len(axis) for root in self.roots for axis in root.axes.values())
        self.dtype = np.dtype(np.int16 if longest < np.iinfo(np.int16).max else np.int32)
        aspect, d_model = problem.space.aspect_ratio, integers(problem.space.d_model)
        self._depths = None if aspect is None else aspect_limits(aspect, d_model)

    def sizes(self, root: Root) -> Ints:
        """Return the menu lengths of a root; shape (D,), 1 for menus that it does not have."""
        return np.array([len(root.axes.get(name, "1")) for name in self.names], dtype=self.dtype)

    def _index(self, root: Root, name: str, point: Ints) -> Ints:
        """Return the indices of points, shape (n, D), in a menu."""
        at = self.position.get(name)
        if at is None or name not in root.axes:
            return np.zeros(len(point), dtype=np.int64)
        found: Ints = point[:, at].astype(np.int64)
        return found

    def _entry(self, root: Root, name: str, point: Ints) -> Ints:
        """Return the entries of a menu at points."""
        found: Ints = root.axes[name].values[self._index(root, name, point)]
        return found

    def locate(self, architecture: Architecture) -> tuple[int, Ints] | None:
        """Return root and point of a design of the space; None if it is none."""
        structure = structure_of(architecture)
        counts = counts_of(structure, architecture)
        value = {name: int(BY_NAME[name].of(architecture)) for name in structure.widths}
        if value.get(KV):
            value[KV_GROUP] = value["heads"] // value[KV]
        value[LAYERS] = architecture.layers
        for index, root in enumerate(self.roots):
            known = all(value[name] == fixed for name, fixed in root.fixed.items())
            if root.structure == structure and known:
                at = self._place(root, value, np.array(counts, dtype=np.int64))
                if at is not None:
                    return index, np.array([at[name] for name in self.names], dtype=np.int64)
        return None

    def _place(self, root: Root, value: dict[str, int], counts: Ints) -> dict[str, int] | None:
        """Return the index of a design in each menu of a root; None if one lacks it."""
        at = dict.fromkeys(self.names, 0)
        for name, hidden in root.hidden.items():
            found = hidden.locate(value[name], value["d_model"])
            if found is None:
                return None
            at |= dict(zip(HIDDEN[name], found, strict=True))
        pattern = root.pattern_of(counts)
        if pattern is None:
            return None
        at |= {PATTERN: pattern[0], DENSE_LAYERS: pattern[1]}
        for name, axis in root.axes.items():
            if name in value:
                same = np.flatnonzero(axis.values == value[name])
                if not len(same):
                    return None
                at[name] = int(same[0])
        return at

    # Ranges of boxes

    def ends(self, root: Root, low: Ints, high: Ints) -> tuple[Ends, Bools]:
        """Return the ranges of widths and layers in boxes, and whether a box may have a design.

        The ends bound the designs of a box, but need not be designs of the space.

        Parameters
        ----------
        root : Root
        low, high : array of shape (B, D)
        """
        menus = {
            name: (self._entry(root, name, low), self._entry(root, name, high))
            for name in root.axes
        }
        found: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {
            name: ends for name, ends in menus.items() if name in root.structure.widths
        }
        found |= {name: menus[name] for name in (LAYERS, PATTERN, DENSE_LAYERS)}
        found |= {name: (np.full(len(low), n),) * 2 for name, n in root.fixed.items()}
        if root.structure.attention == "grouped":
            found |= _attention(menus)
        for name, hidden in root.hidden.items():
            ratio, multiple = (
                (self._index(root, part, low), self._index(root, part, high))
                for part in HIDDEN[name]
            )
            least, most = hidden.ends(ratio, multiple, menus["d_model"])
            found[name] = np.maximum(least, 1), most
            if name == "expert_d_ff":
                found[SHARE] = hidden.share(ratio, multiple, menus["d_model"][0])
        if root.structure.experts:
            found |= _experts(found)
        if root.structure.between == "gated-deltanet":
            found |= _delta_net(found)
        found[LAYERS] = self._layers(root, low, high, found)
        some = np.ones(len(low), dtype=bool)
        for name, (first, last) in found.items():
            if name not in (SHARE, *IN_PRODUCTS.values()):
                some &= first <= last
        return Ends({n: e[0] for n, e in found.items()}, {n: e[1] for n, e in found.items()}), some

    def _layers(self, root: Root, low: Ints, high: Ints, found: dict[str, Range]) -> Range:
        """Return the range of all layers, within the aspect rule and what the pattern takes."""
        first, last = found[LAYERS]
        first = np.maximum(first, found[DENSE_LAYERS][0] + 1)
        if root.structure.between:
            first = np.maximum(first, found[PATTERN][0])
        if self._depths is not None:
            least, most = self._depths
            first = np.maximum(first, least[self._index(root, "d_model", low)])
            last = np.minimum(last, most[self._index(root, "d_model", high)])
        return first, last

    # Points

    def options(
        self, root: Root, low: Ints, high: Ints, point: Ints, box: Ints
    ) -> tuple[Options, Ints]:
        """Return width options at points of boxes, with the depths that satisfy the rules.

        They include options that no parallel layout divides, which
        `modelsizer.problems.space.splits.divided` removes.

        Parameters
        ----------
        root : Root
        low, high : array of shape (B, D)
            Boxes.
        point : array of shape (n, D)
            Indices of the points; those of layers are ignored.
        box : array of shape (n,)
            Index of each point's box.

        Returns
        -------
        options : Options
        box : array of shape (W,)
            Index of each option's box.
        """
        widths, keep = self._widths(root, point)
        of, row = root.rows(
            self._index(root, PATTERN, point), self._index(root, DENSE_LAYERS, point), keep
        )
        layers = root.axes[LAYERS].values
        each = box[of]
        kept, depths = root.stacks.take(row).between(
            layers[low[each, self.layers]], layers[high[each, self.layers]]
        )
        of, parts = of[kept], []
        for left, deep in in_aspect(self.problem.space, widths["d_model"][of], depths):
            parts.append((of[left], deep))
        of = np.concatenate([at for at, _ in parts])
        taken = {name: widths[name][of] for name in root.structure.widths}
        return Options(root.structure, taken, Depths.join([deep for _, deep in parts])), box[of]

    def _widths(self, root: Root, point: Ints) -> tuple[dict[str, Ints], Bools]:
        """Return the widths at points, and whether they are distinct options: all divides."""
        names = (name for name in root.axes if name != LAYERS)
        value = {name: self._entry(root, name, point) for name in names}
        value |= {name: np.full(len(point), fixed) for name, fixed in root.fixed.items()}
        keep, d_model = np.ones(len(point), dtype=bool), value["d_model"]
        if root.structure.attention == "grouped":
            for given, other in (("heads", "head_dim"), ("head_dim", "heads")):
                if other not in value:
                    keep &= d_model % value[given] == 0
                    value[other] = np.maximum(d_model // value[given], 1)
            if KV_GROUP in value:
                keep &= value["heads"] % value[KV_GROUP] == 0
                value[KV] = np.maximum(value["heads"] // value[KV_GROUP], 1)
            else:
                keep &= value["heads"] % value[KV] == 0
        for name, hidden in root.hidden.items():
            ratio, multiple = (self._index(root, part, point) for part in HIDDEN[name])
            value[name] = hidden.at(ratio, multiple, d_model)
            keep &= (value[name] > 0) & hidden.fresh(ratio, multiple, d_model)
        if root.structure.experts:
            keep &= value["active_experts"] <= value["routed_experts"]
        if root.structure.between in SHARED_BY:
            few, many = (value[name] for name in SHARED_BY[root.structure.between])
            keep &= many % few == 0
        return value, keep


def _attention(menus: dict[str, Range]) -> Iterator[tuple[str, Range]]:
    """Yield the ranges of heads, kv_heads and head_dim."""
    if "heads" in menus and "head_dim" in menus:
        heads, dims = menus["heads"], menus["head_dim"]
    else:
        d = menus["d_model"]
        given = menus["heads"] if "heads" in menus else menus["head_dim"]
        # Both divide d_model, so that the other is a whole number.
        other = np.maximum(-(-d[0] // given[1]), 1), d[1] // given[0]
        heads, dims = (given, other) if "heads" in menus else (other, given)
        times = np.maximum(d[0] // dims[0], 1), -(-d[1] // np.maximum(dims[1], 1))
        yield IN_PRODUCTS["heads"], times
        yield IN_PRODUCTS[KV], _kv_heads(menus, times)
    yield "heads", heads
    yield "head_dim", dims
    kv = _kv_heads(menus, heads)
    yield KV, (kv[0], np.minimum(kv[1], heads[1]))


def _kv_heads(menus: dict[str, Range], heads: Range) -> Range:
    """Return the range of kv_heads that goes with one of heads."""
    if KV_GROUP in menus:
        larger, smaller = menus[KV_GROUP]  # costs fall with the groups
        return np.maximum(heads[0] // larger, 1), -(-heads[1] // smaller)
    return menus[KV]


def _experts(found: dict[str, Range]) -> Iterator[tuple[str, Range]]:
    """Yield the ranges of routed and active experts, of which there are no more active ones."""
    routed, active = found["routed_experts"], found["active_experts"]
    yield "routed_experts", (np.maximum(routed[0], active[0]), routed[1])
    yield "active_experts", (active[0], np.minimum(active[1], routed[1]))


def _delta_net(found: dict[str, Range]) -> Iterator[tuple[str, Range]]:
    """Yield the ranges of key and value heads; at either end the first divide the second."""
    keys, values = found["linear_key_heads"], found["linear_value_heads"]
    most = np.maximum(np.minimum(keys[1], values[1]), keys[0])
    yield "linear_key_heads", (keys[0], most)
    low = np.maximum(values[0] // keys[0], 1) * keys[0]
    yield "linear_value_heads", (low, -(-values[1] // most) * most)
