"""The layouts of a design of which one is the best, chosen before any is evaluated exactly.

A layout changes two things: the affine costs that depend on it, such as the memory of training,
and the number of accelerators, which limits the tokens and divides the time. Of layouts with as
many accelerators only these costs tell one from another, so that one of each number is enough; and
with fewer accelerators no design has more tokens or takes less time.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.quantities.amounts import affine_costs
from modelsizer.problems.quantities.quantity import Cost, Inverse, Settings
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.space.layouts import Layout, columns
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import exact


class LayoutChoice:
    """Chooses among layouts by the costs that depend on them, in exact integers.

    Parameters
    ----------
    settings : Settings
    limits : mapping of str to Interval
        Budgets.
    sought : str
        The objective, minimised if `sign` is 1 and maximised if it is -1.
    sign : int

    Attributes
    ----------
    matters : bool
        Whether a budget or the objective depends on the layout.
    falls : bool
        Whether the objective does not improve with fewer accelerators.
    """

    def __init__(
        self, settings: Settings, limits: Mapping[str, Interval], sought: str, sign: int
    ) -> None:
        self._settings, self._limits, self._sought, self._sign = settings, limits, sought, sign
        asked = dict.fromkeys((*limits, sought))
        self.matters = any(QUANTITIES[name].by_layout for name in asked)
        self._names = [name for name in asked if _by_degrees(name)]
        self.falls = sought not in self._names
        quotients = (how.of for name in asked if isinstance(how := QUANTITIES[name].how, Inverse))
        self._each = any(map(_by_degrees, quotients))

    def of(
        self, architecture: Architecture, layouts: Sequence[Layout]
    ) -> tuple[list[Layout], list[Layout]]:
        """Return the few layouts, in their order, among which the first of the best is.

        Returns
        -------
        able : list of Layout
            Those among which a design is feasible if it is under any; empty if it is under none.
        others : list of Layout
            If there are none of these: the one nearest to the limits that depend on the layout.
        """
        if not self.matters:
            return [], list(layouts[:1])
        if len(layouts) == 1 or self._each:
            return [], list(layouts)
        broken = np.zeros(len(layouts), dtype=bool)
        limited = []
        value: Iterable[Any] = broken
        for name in self._names:
            used, denominator = self._used(architecture, layouts, name)
            if (limit := self._limits.get(name)) is not None:
                broken = broken | _breaks(limit, used, denominator)
                limited.append((limit, used, denominator))
            if name == self._sought:
                value = self._sign * used
        keys = list(zip(value, range(len(layouts)), strict=True))
        able = [key for key, breaks in zip(keys, broken, strict=True) if not breaks]
        if able:
            return _of_each_number(layouts, able), []
        over = sum((_excess(*each) for each in limited), np.zeros(len(layouts)))
        return [], [layouts[min(zip(over, *zip(*keys, strict=True), strict=True))[-1]]]

    def _used(
        self, architecture: Architecture, layouts: Sequence[Layout], name: str
    ) -> tuple[NDArray[Any], int]:
        """Return a cost under each layout, as integers over a denominator."""
        how = QUANTITIES[name].how
        assert isinstance(how, Cost)
        kinds = architecture.kinds
        counts = architecture.counts
        each = [columns(layouts)] if how.many_layouts else layouts
        found = [
            list(affine_costs(self._settings, architecture.trunk, kinds, one, [name]).values())
            for one in each
        ]
        over = math.lcm(*(part.denominator for parts in found for part in parts))
        used = [
            np.max([np.broadcast_to(
                (part.base + sum(a * n for a, n in zip(part.per_layer, counts, strict=True)))
                * (over // part.denominator), len(layouts) // len(each)) for part in parts], axis=0)
            for parts in found
        ]  # fmt: skip
        return np.concatenate(used), over


def _of_each_number(layouts: Sequence[Layout], keys: Iterable[tuple[Any, int]]) -> list[Layout]:
    """Return the layout of least key for each number of accelerators, in order of the indices."""
    best: dict[int, tuple[Any, int]] = {}
    for key in keys:
        number = layouts[key[1]].accelerators
        if number not in best or key < best[number]:
            best[number] = key
    return [layouts[at] for at in sorted(at for _, at in best.values())]


def _by_degrees(name: str) -> bool:
    """Whether a quantity is affine and depends on the degrees of parallelism."""
    return QUANTITIES[name].affine and QUANTITIES[name].by_layout


def _breaks(limit: Interval, used: NDArray[Any], denominator: int) -> NDArray[np.bool_]:
    broken = np.zeros(len(used), dtype=bool)
    if limit.max is not None:
        broken |= np.asarray(used > math.floor(exact(limit.max) * denominator), dtype=bool)
    if limit.min is not None:
        broken |= np.asarray(used < math.ceil(exact(limit.min) * denominator), dtype=bool)
    return broken


def _excess(limit: Interval, used: NDArray[Any], denominator: int) -> NDArray[np.float64]:
    """How far costs are outside of a limit, relative to it."""
    ratio = np.array([float(Fraction(int(value), denominator)) for value in used])
    over = np.zeros(len(used))
    if limit.max is not None:
        over += np.maximum(ratio / float(limit.max) - 1, 0)
    if limit.min is not None:
        over += np.maximum(1 - ratio / float(limit.min), 0)
    return over
