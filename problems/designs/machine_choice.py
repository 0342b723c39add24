"""The setups and layouts of a design of which one is the best, chosen before exact evaluation.

Where settings offer several values a design has many pairs of a setup and a parallel layout. What
they cost is computed once for each distinct value of what a cost reads, in exact integers. Pairs
that leave a design the same tokens at the same cost of a training FLOP differ by affine costs
alone, so that one pair of each such group is enough: the first of those that keep the limits and
have the best objective. Groups come in the order of what can be reached under them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.columns import coded, first_alike, numbered, packed
from modelsizer.problems.designs.costs import flops_rate, inference_charge
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.amounts import affine_costs, amount
from modelsizer.problems.quantities.auxiliary import (
    SERVED_FLOPS_PER_TOKEN,
    TRAINING_FLOPS_PER_TOKEN,
)
from modelsizer.problems.quantities.needs import reads_of
from modelsizer.problems.quantities.quantity import Inverse
from modelsizer.problems.quantities.rows import QUANTITIES, cost_of
from modelsizer.problems.requirements.token_limits import TokenLimits
from modelsizer.problems.space.layouts import Layout, columns
from modelsizer.problems.space.splits import fitting
from modelsizer.problems.units import exact

Numbers = NDArray[np.int64]

_NONE = Fraction(0)


class _ByClass:
    """An affine cost of a design under each layout, computed once for each class of them."""

    def __init__(self, problem: Problem, name: str) -> None:
        self._problem, self._name = problem, name
        layouts, cost, arrays = problem.layouts, cost_of(name), problem.layout_arrays
        settings = np.array(problem.setup_classes(cost.reads))[arrays.setup]
        self.of = packed(settings, *(arrays.degrees if cost.by_layout else ()))
        _, first, self.of = np.unique(self.of, return_index=True, return_inverse=True)
        self._each: list[NDArray[Any]] = []
        by_settings = settings[first]
        for number in np.unique(by_settings):
            at = np.flatnonzero(by_settings == number)
            self._each += (
                [at] if cost.many_layouts and len(at) > 1 else [at[[i]] for i in range(len(at))]
            )
        self._layouts = [layouts[i] for i in first]

    def values(self, architecture: Architecture) -> list[Fraction]:
        """Return the exact cost of a design under each class."""
        kinds = architecture.kinds
        counts = architecture.counts
        found: list[Fraction] = [Fraction(0)] * len(self._layouts)
        for at in self._each:
            some = [self._layouts[i] for i in at]
            one = columns(some) if len(some) > 1 else some[0]
            settings = self._problem.setup_of(some[0]).settings
            parts = affine_costs(settings, architecture.trunk, kinds, one, [self._name]).values()
            used = [
                np.broadcast_to(np.asarray(part.base + sum(
                    a * n for a, n in zip(part.per_layer, counts, strict=True)
                ), dtype=object), len(some))
                for part in parts
            ]  # fmt: skip
            for place, i in enumerate(at):
                found[i] = max(
                    Fraction(int(value[place]), part.denominator)
                    for value, part in zip(used, parts, strict=True)
                )
        return found


class _BatchByClass:
    """A `LargestBatch` of a design under each layout, computed once for each class of them."""

    def __init__(self, problem: Problem, name: str) -> None:
        self._name = name
        setups, reads = problem.setups, reads_of(name)
        of_setup = np.array(problem.setup_classes(reads))
        _, first, self.of = np.unique(
            of_setup[problem.layout_arrays.setup], return_index=True, return_inverse=True
        )
        self._layouts = [problem.layouts[i] for i in first]
        self._settings = [setups[one.setup].settings for one in self._layouts]

    def values(self, architecture: Architecture) -> list[Fraction]:
        """Return the largest batch of a design under each class."""
        return [
            amount(settings, architecture, layout, self._name)
            for settings, layout in zip(self._settings, self._layouts, strict=True)
        ]


class MachineChoice:
    """Chooses among the layouts of several setups; see the module.

    Parameters
    ----------
    problem : Problem
    """

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._layouts, setups = problem.layouts, problem.setups
        objective = problem.objective
        self._sought = objective.quantity
        self._sign = -1 if objective.sense == "maximize" else 1
        self._row = QUANTITIES[self._sought]
        arrays = problem.layout_arrays
        self._setup = arrays.setup
        self._split, self._splits = numbered(problem.splits)
        self._limited = dict.fromkeys(name for one in setups for name in one.limits)
        self._costs: dict[str, _ByClass] = {}
        for name in (*self._limited, self._sought):
            if base := QUANTITIES[name].base:
                self._costs.setdefault(base, _ByClass(problem, base))
        self._batches: dict[str, _BatchByClass] = {}
        for name in (*self._limited, self._sought):
            if QUANTITIES[name].form == "batch":
                self._batches.setdefault(name, _BatchByClass(problem, name))
        self._flops = _ByClass(problem, TRAINING_FLOPS_PER_TOKEN)
        self._ends = {
            name: numbered(one.limits.get(name) for one in setups) for name in self._limited
        }
        self._numerators = {
            name: numbered(how.numerator(one.settings) for one in setups)
            for name in self._limited
            if isinstance(how := QUANTITIES[name].how, Inverse)
        }
        charged = any(one.token_limits.charges for one in setups)
        self._served: _ByClass | None = None
        if charged or self._row.form == "lifetime":
            self._served = _ByClass(problem, SERVED_FLOPS_PER_TOKEN)
        limits, distinct = numbered(one.token_limits for one in setups)
        shared = np.array([any_shared(each) for each in distinct])[limits][self._setup]
        self._tokens, pairs = coded(limits[self._setup], np.where(shared, arrays.accelerators, 1))
        self._token_limits = [(distinct[limit], accelerators) for limit, accelerators in pairs]
        classes = first_alike(problem.setup_classes(reads_of(self._sought)))[self._setup]
        shares = arrays.accelerators if self._row.shared else np.ones_like(classes)
        code, pairs = coded(classes, shares)
        number, self._rates = numbered(itertools.starmap(self._priced, pairs))
        self._rate = number[code]

    def _priced(self, setup: int, shares: int) -> tuple[Fraction, Fraction]:
        """What the objective takes for a training FLOP, and for an inference FLOP a token."""
        if self._row.form not in ("flops", "lifetime"):
            return Fraction(0), Fraction(0)
        layout = Layout(setup=setup)
        each = flops_rate(self._problem, self._sought, layout)
        charge = inference_charge(self._problem, self._sought, layout)
        return each / shares, charge

    def fitting(self, architecture: Architecture) -> Numbers:
        """Return the layouts that can split a design, in the order of preference."""
        able = np.array(fitting(self._splits, architecture))
        return np.flatnonzero(able[self._split])

    def of(self, architecture: Architecture, some: Numbers, need: float = 0.0) -> Iterator[int]:
        """Yield layouts among which the best is, in the order of their objective.

        A layout whose objective is clearly more than that of a feasible one is followed by none
        that is better.

        Parameters
        ----------
        architecture : Architecture
        some : array of int
            Numbers of the layouts to choose from, ascending.
        need : float
            Tokens that a limit on the loss asks for, where the fewest are taken.
        """
        costs: dict[str, _ByClass | _BatchByClass] = {**self._costs, **self._batches}
        values = {name: cost.values(architecture) for name, cost in costs.items()}
        able = np.ones(len(some), dtype=bool)
        for name in self._limited:
            if (base := QUANTITIES[name].base or name) in costs:
                able &= ~self._broken(name, values[base], costs[base].of[some], some)
        chosen = some[able] if able.any() else some
        flops = self._flops.values(architecture)
        codes = [self._tokens[chosen], self._flops.of[chosen], self._rate[chosen]]
        served = None if self._served is None else self._served.values(architecture)
        if self._served is not None:
            codes.append(self._served.of[chosen])
        if self._sought in costs:
            codes.append(costs[self._sought].of[chosen])
        _, first = np.unique(np.stack(codes, axis=1), axis=0, return_index=True)
        groups = []
        for place in first:
            number = int(chosen[place])
            limits, accelerators = self._token_limits[self._tokens[number]]
            each = flops[self._flops.of[number]]
            spent = _NONE
            if self._served is not None and served is not None:
                spent = served[self._served.of[number]]
            high = _most(limits, accelerators, each, spent)
            low = max(limits.least, limits.least_flops / each, Fraction(need))
            rate, charge = self._rates[self._rate[number]]
            value: Fraction | float = -high
            if self._sought in costs:
                value = self._sign * values[self._sought][costs[self._sought].of[number]]
            elif self._row.form in ("flops", "lifetime"):
                value = low * each * rate + charge * spent
            elif self._row.form == "tokens" and self._sign > 0:
                value = low
            groups.append((value, -high, number))
        groups.sort()
        yield from (number for _, _, number in self._undominated(groups))

    def _undominated(self, groups: list[tuple[Any, Any, int]]) -> list[tuple[Any, Any, int]]:
        """Leave out groups that are after others of the same value and tokens."""
        seen: set[tuple[Any, Any]] = set()
        found = []
        for value, high, number in groups:
            if (value, high) not in seen:
                seen.add((value, high))
                found.append((value, high, number))
        return found

    def _broken(
        self, name: str, values: list[Fraction], of: Numbers, some: Numbers
    ) -> NDArray[np.bool_]:
        """Whether a limit is broken under each of some layouts."""
        code, ends = self._ends[name]
        numerator, numerators = self._numerators.get(name, (code * 0, [None]))
        setup = self._setup[some]
        keys = np.stack([of, code[setup], numerator[setup]], axis=1)
        distinct, back = np.unique(keys, axis=0, return_inverse=True)
        broken = np.zeros(len(distinct), dtype=bool)
        for i, (cls, end, over) in enumerate(distinct.tolist()):
            limit = ends[end]
            if limit is None:
                continue
            value = values[cls]
            if numerators[over] is not None:
                value = exact(numerators[over]) / value
            broken[i] = (limit.max is not None and value > exact(limit.max)) or (
                limit.min is not None and value < exact(limit.min)
            )
        return broken[back.reshape(-1)]


def any_shared(limits: TokenLimits) -> bool:
    """Whether limits on tokens depend on the number of accelerators."""
    return limits.most_flops_each is not None


def _most(
    limits: TokenLimits, accelerators: int, flops: Fraction, served: Fraction
) -> Fraction | float:
    """The most tokens of a design of some FLOPs per token."""
    ends = [limits.most] if limits.most is not None else []
    if (most := limits.flops_on(accelerators)) is not None:
        ends.append(most / flops)
    ends += [charge.left(served) / flops for charge in limits.charges]
    return min(ends) if ends else math.inf
