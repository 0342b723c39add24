"""Layouts that a search has to look at: those whose costs and limits no other one improves on.

Of layouts under which all costs that matter are equal for every design, and which ask the same of
its widths and depth, one leaves others behind if no limit is tighter under it, and training buys no
fewer FLOPs for no more of the objective. No design is then better under the others, so that bounds
and a search need not see them. Which layout a design has in the end is chosen among all
(`modelsizer.problems.designs.machine_choice`).
"""

from __future__ import annotations

import math
from fractions import Fraction

from modelsizer.optimizer.tables.building import needed
from modelsizer.problems.designs.costs import alike, flops_rate, inference_charge
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import (
    ACCELERATORS,
    TRAINING_FLOPS_EACH,
)
from modelsizer.problems.quantities.needs import reads_of
from modelsizer.problems.quantities.quantity import Inverse
from modelsizer.problems.quantities.rows import QUANTITIES, cost_of
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.units import exact

Terms = tuple[Fraction | float, ...]


def searched(problem: Problem) -> tuple[Layout, ...]:
    """Return the layouts that a search for the best design has to look at, in their order."""
    layouts = problem.layouts
    if not problem.several:
        return layouts
    limited = list(dict.fromkeys(name for one in problem.setups for name in one.limits))
    names = [name for name in needed(problem) if name not in (TRAINING_FLOPS_EACH, ACCELERATORS)]
    degrees = any(cost_of(name).by_layout for name in names)
    numbers = [alike(problem, name, layouts) for name in names]
    for name in (*limited, problem.objective.quantity):
        if QUANTITIES[name].form == "batch":
            of = problem.setup_classes(reads_of(name))
            numbers.append([of[layout.setup] for layout in layouts])
    of_setup = zip(*numbers, strict=True)
    terms = _Terms(problem, limited)
    groups: dict[object, dict[Terms, Layout]] = {}
    for layout, classes in zip(layouts, of_setup, strict=True):
        own = tuple(layout.degrees.values()) if degrees else ()
        key = problem.split_of[layout], classes, own
        groups.setdefault(key, {}).setdefault(terms.of(layout), layout)
    kept = {layout for held in groups.values() for layout in _undominated(held)}
    return tuple(layout for layout in layouts if layout in kept)


def _undominated(held: dict[Terms, Layout]) -> list[Layout]:
    """Return the layouts whose terms no others are at least as small in all."""
    found: list[tuple[Terms, Layout]] = []
    for terms, layout in sorted(held.items(), key=lambda pair: pair[0]):
        # Those that are smaller in all are earlier in the order.
        if not any(all(a <= b for a, b in zip(other, terms, strict=True)) for other, _ in found):
            found.append((terms, layout))
    return [layout for _, layout in found]


class _Terms:
    """Numbers of a layout of which less is no worse for any design."""

    def __init__(self, problem: Problem, limited: list[str]) -> None:
        self._problem, self._limited = problem, limited
        self._row = QUANTITIES[problem.objective.quantity]
        self._of_setup: dict[int, tuple[Terms, Fraction, Fraction]] = {}

    def of(self, layout: Layout) -> Terms:
        """Return the terms of a layout."""
        if layout.setup not in self._of_setup:
            self._of_setup[layout.setup] = self._found(layout)
        ends, rate, charge = self._of_setup[layout.setup]
        limits = self._problem.setup_of(layout).token_limits
        most = limits.flops_on(layout.accelerators)
        cap = -math.inf if most is None else -most
        return (*ends, cap, rate / (layout.accelerators if self._row.shared else 1), charge)

    def _found(self, layout: Layout) -> tuple[Terms, Fraction, Fraction]:
        """Return the terms of a setup: ends of limits, and what the objective takes for FLOPs."""
        setup, ends = self._problem.setup_of(layout), list[Fraction | float]()
        for name in self._limited:
            limit, how = setup.limits.get(name), QUANTITIES[name].how
            low, high = (None, None) if limit is None else (limit.min, limit.max)
            over = exact(how.numerator(setup.settings)) if isinstance(how, Inverse) else Fraction(1)
            ends += [
                -math.inf if low is None else exact(low) / over,
                -math.inf if high is None else -exact(high) / over,
            ]
        keys = sorted({c.key for s in self._problem.setups for c in s.token_limits.charges})
        charges = {charge.key: charge for charge in setup.token_limits.charges}
        for key in keys:
            known = charges.get(key)
            ends += (-math.inf, 0.0) if known is None else (-known.limit, known.each)
        rate = charge = Fraction(0)
        if self._row.form in ("flops", "lifetime"):
            rate = flops_rate(self._problem, self._row.name, layout)
            charge = inference_charge(self._problem, self._row.name, layout)
        return tuple(ends), rate, charge
