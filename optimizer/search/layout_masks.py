"""Layouts under which blocks may have a feasible design: masks over layouts, computed by factors.

A cost differs by layout in the degrees of parallelism, in the settings that the cost reads, and in
its limits. It is computed once for each class of layouts that are equal in these, and the mask of a
block is the intersection of those of all costs. So costs of training and costs of serving are two
factors of the layouts, whose classes add up where their layouts multiply.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.bounds.limits import Limit, limits_key, limits_of
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.search.corners import Corners, by_layout
from modelsizer.optimizer.tables.grid import Bools
from modelsizer.optimizer.tables.roots import LAYERS
from modelsizer.optimizer.tables.table import Ints
from modelsizer.problems.columns import numbered
from modelsizer.problems.designs.costs import alike
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import AUXILIARY
from modelsizer.problems.quantities.needs import costs_limited
from modelsizer.problems.quantities.rows import cost_of
from modelsizer.problems.records import dataclass
from modelsizer.problems.space.layouts import Layout, columns

Floats = NDArray[np.float64]

PAIRS_AT_ONCE = 50_000  # of a block and a layout, some 50 MB of costs


@dataclass(frozen=True, slots=True)
class _Factor:
    """Costs that differ by the same classes of layouts.

    Parameters
    ----------
    names : tuple of str
    of : array of shape (layouts,)
        Class of each layout.
    layouts : tuple of Layout
        One of each class.
    groups : list of array
        Classes that differ by the degrees alone, which are computed together.
    """

    names: tuple[str, ...]
    of: Ints
    layouts: tuple[Layout, ...]
    groups: list[Ints]

    def any_of(self, able: Bools) -> Bools:
        """Return, for each class, whether some of its layouts is able; shape (B, classes)."""
        if len(self.layouts) == able.shape[1]:
            return able
        order = np.argsort(self.of, kind="stable")
        first = np.searchsorted(self.of[order], np.arange(len(self.layouts)))
        found: Bools = np.logical_or.reduceat(able[:, order], first, axis=1)
        return found


@dataclass(frozen=True, slots=True)
class Under:
    """What the costs that differ by layout leave of blocks.

    Parameters
    ----------
    able : array of bool, shape (B, layouts)
    least : array of shape (B,)
        Minimum of the objective under any layout, where it differs by layout; infinite where none
        is able, and minus infinity where it does not differ.
    layers : array of shape (B,)
        Maximum layers under any layout; 0 where none is able.
    """

    able: Bools
    least: Floats
    layers: Ints


class LayoutMasks:
    """Finds the layouts under which blocks may have a feasible design.

    Parameters
    ----------
    model : Model
    layouts : sequence of Layout
    names : sequence of str
        Costs that the problem needs.
    """

    def __init__(self, model: Model, layouts: Sequence[Layout], names: Sequence[str]) -> None:
        self._model, self._names = model, tuple(names)
        self.layouts = tuple(layouts)
        self._rules: dict[tuple[object, ...], list[Limit]] = {}
        self.varying = [name for name in names if varies(model.problem, self.layouts, name)]
        self._factors = [*self._found()]
        self.sought_varies = model.name in self.varying

    def fixed(self, rules: Sequence[Limit]) -> list[Limit]:
        """Return the limits that no layout changes."""
        same = self._one_limit_of_tokens
        return [
            rule
            for rule in rules
            if (name := rule.quantity.partition(".")[0]) not in self.varying
            and (same or name not in AUXILIARY)
        ]

    @property
    def _one_limit_of_tokens(self) -> bool:
        """Whether limits on tokens, and the FLOPs that they are of, are those of all layouts."""
        setups = [self._model.problem.setup_of(one) for one in self.layouts]
        problem = self._model.problem
        flops = {number for name in AUXILIARY for number in alike(problem, name, self.layouts)}
        return len({one.token_limits for one in setups}) == 1 and flops == {0}

    def _found(self) -> Iterator[_Factor]:
        """Yield the factors of the layouts."""
        problem = self._model.problem
        if not problem.several:
            if self.varying:
                number = np.arange(len(self.layouts))
                many = all(cost_of(name).many_layouts for name in self.varying)
                groups = [number] if many else [number[[i]] for i in number]
                yield _Factor(tuple(self.varying), number, self.layouts, groups)
            return
        together: dict[tuple[int, ...], tuple[list[str], tuple[int, ...], bool]] = {}
        for name in self.varying:
            cost = cost_of(name)
            settings = alike(problem, name, self.layouts)
            keys = _numbered({one.setup: None for one in self.layouts}, problem, name)
            setups = [
                (number, keys[one.setup])
                for number, one in zip(settings, self.layouts, strict=True)
            ]
            degrees = [
                tuple(one.degrees.values()) if cost.by_layout else () for one in self.layouts
            ]
            of, same = _numbers(zip(setups, degrees, strict=True)), _numbers(setups)
            names, _, many = together.setdefault(of, ([], same, True))
            names.append(name)
            together[of] = names, same, many and cost.by_layout and cost.many_layouts
        for of, (names, same, many) in together.items():
            number = np.array(of)
            first = np.unique(number, return_index=True)[1]
            layouts = tuple(self.layouts[i] for i in first)
            mine, every = np.array(same)[first], np.arange(len(layouts))
            alone = [every[[i]] for i in every]
            groups = [np.flatnonzero(mine == each) for each in np.unique(mine)] if many else alone
            yield _Factor(tuple(names), number, layouts, groups)

    def under(self, index: int, corners: Corners, able: Bools) -> Under:
        """Return what the costs that differ by layout leave of the blocks of a root.

        Parameters
        ----------
        index : int
            Index of the root.
        corners : Corners
        able : array of bool, shape (B, layouts)
        """
        able = able.copy()
        deep: NDArray[Any] | None = None
        most = int(corners.ends.high[LAYERS].max(initial=0))
        small = np.int32 if most < 2**31 else np.int64  # there may be many layouts
        values: list[tuple[_Factor, Floats]] = []
        for factor in self._factors:
            kept, layers, value = self._by_class(index, factor, corners, factor.any_of(able))
            able &= kept[:, factor.of]
            mine = layers.astype(small)[:, factor.of]
            deep = mine if deep is None else np.minimum(deep, mine, out=deep)
            if self._model.name in factor.names:
                values.append((factor, value))
        least = np.full(len(able), -np.inf)
        for factor, value in values:
            least = np.where(factor.any_of(able), value, np.inf).min(axis=1)
        layers = corners.ends.high[LAYERS] if deep is None else (deep * able).max(axis=1)
        return Under(able, least, np.where(able.any(axis=1), layers, 0))

    def _by_class(
        self, index: int, factor: _Factor, corners: Corners, able: Bools
    ) -> tuple[Bools, Ints, Floats]:
        """Return which classes of layouts are able, their most layers, and the objective."""
        kept = np.zeros_like(able)
        layers = np.zeros(able.shape, dtype=np.int64)
        value = np.full(able.shape if self._model.name in factor.names else (0, 0), np.inf)
        for group in factor.groups:
            blocks, place = np.nonzero(able[:, group])
            for begin in range(0, len(blocks), PAIRS_AT_ONCE):
                at = blocks[begin : begin + PAIRS_AT_ONCE]
                number = group[place[begin : begin + PAIRS_AT_ONCE]]
                here = self._pairs(factor, corners, at, number)
                rules = self._rules_under(index, factor, int(number[0]), here)
                here, still = here.tightened(rules)
                at, number = at[still], number[still]
                kept[at, number] = True
                layers[at, number] = here.ends.high[LAYERS]
                if len(value):
                    value[at, number] = self.affine(here)
        return kept, layers, value

    def _pairs(self, factor: _Factor, corners: Corners, at: Ints, number: Ints) -> Corners:
        """Return the costs of pairs of a block and a class of layouts."""
        first = factor.layouts[number[0]]
        layout = first
        if (number != number[0]).any():
            layout = columns(factor.layouts, number, object if corners.wide else np.int64)
            layout = replace(layout, setup=first.setup)
        here = corners.take(at).under(layout, factor.names)
        here.compute(factor.names)
        if self._model.sign < 0:
            here.compute(factor.names, high=True)
        return here

    def _rules_under(
        self, index: int, factor: _Factor, number: int, corners: Corners
    ) -> list[Limit]:
        """Return the limits on the costs of a factor under a class of layouts."""
        setup = factor.layouts[number].setup
        key = (index, factor.names, setup)
        if key not in self._rules:
            table = corners.take(slice(0, 1)).table(factor.names)
            self._rules[key] = limits_of(self._model.problem, setup, table, factor.names)
        return self._rules[key]

    def affine(self, corners: Corners) -> Floats:
        """Return a lower bound on an affine objective."""
        rising = self._model.sign > 0
        table = corners.table((self._model.name,), high=not rising)
        row, none = np.arange(len(corners)), np.zeros((len(corners), 1), dtype=np.int64)
        found: Floats = self._model.sign * self._model.affine(table, row, none)
        return found


def _numbers(keys: Iterable[Hashable]) -> tuple[int, ...]:
    """Number keys in the order of their first appearance, equal ones by equal numbers."""
    return tuple(numbered(keys)[0].tolist())


def varies(problem: Problem, layouts: Sequence[Layout], name: str) -> bool:
    """Whether an affine cost, or a limit on it, differs by layout."""
    if by_layout(name):
        return True
    if not problem.several or name in AUXILIARY:
        return False
    ends = {_ends(problem, name, setup) for setup in {layout.setup for layout in layouts}}
    return len(ends) > 1 or len(set(alike(problem, name, layouts))) > 1


def _ends(problem: Problem, name: str, number: int) -> tuple[object, ...]:
    """What the limits on a cost follow from, under a setup of a number."""
    setup = problem.setups[number]
    return limits_key(setup, [n for n in setup.limits if name in costs_limited(setup.settings, n)])


def _numbered(setups: Iterable[int], problem: Problem, name: str) -> dict[int, int]:
    """Number setups by what the limits on a cost follow from."""
    of = tuple(setups)
    return dict(zip(of, _numbers(_ends(problem, name, one) for one in of), strict=True))
