"""Layouts that a search has to look at: those whose costs and limits no other one improves on.

Of layouts under which all costs that matter are equal for every design, and which ask the same of
its widths and depth, one leaves others behind if no limit is tighter under it, and training buys no
fewer FLOPs for no more of the objective. No design is then better under the others, so that bounds
and a search need not see them. Which layout a design has in the end is chosen among all
(`modelsizer.problems.designs.machine_choice`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.tables.building import needed
from modelsizer.problems.columns import coded, first_alike, numbered, packed
from modelsizer.problems.designs.costs import flops_rate, inference_charge
from modelsizer.problems.problem import Problem
from modelsizer.problems.quantities.auxiliary import (
    ACCELERATORS,
    TRAINING_FLOPS_EACH,
)
from modelsizer.problems.quantities.needs import reads_of
from modelsizer.problems.quantities.quantity import Inverse
from modelsizer.problems.quantities.rows import QUANTITIES, cost_of
from modelsizer.problems.requirements.setups import Setup
from modelsizer.problems.space.layouts import Layout
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import exact

Ints = NDArray[np.int64]


def searched(problem: Problem) -> tuple[Layout, ...]:
    """Return the layouts that a search for the best design has to look at, in their order."""
    layouts = problem.layouts
    if not problem.several:
        return layouts
    limited = list(dict.fromkeys(name for one in problem.setups for name in one.limits))
    names = [name for name in needed(problem) if name not in (TRAINING_FLOPS_EACH, ACCELERATORS)]
    reads = [cost_of(name).reads for name in names]
    batches = (*limited, problem.objective.quantity)
    reads += [reads_of(name) for name in batches if QUANTITIES[name].form == "batch"]
    classes = [np.array(problem.setup_classes(each)) for each in dict.fromkeys(reads)]
    arrays = problem.layout_arrays
    own = arrays.degrees if any(cost_of(name).by_layout for name in names) else ()
    key = packed(packed(*classes)[arrays.setup], numbered(problem.splits)[0], *own)
    terms = np.stack([*_terms(problem, limited)], axis=1)
    return tuple(layouts[i] for i in _undominated(key, terms))


def _undominated(key: Ints, terms: Ints) -> Ints:
    """Return the rows whose terms no others of their key are at least as small in all.

    Parameters
    ----------
    key : array of shape (n,)
    terms : array of shape (n, T)
        Of equal rows the first is returned.
    """
    # Those that are smaller in all are earlier in the order: the first of each key is one.
    left = np.lexsort((*terms.T[::-1], key))
    found = []
    while len(left):
        first = np.concatenate([[True], np.diff(key[left]) != 0])
        found.append(left[first])
        of = left[first][np.cumsum(first) - 1]
        left = left[(terms[left] < terms[of]).any(axis=1)]
    return np.sort(np.concatenate(found))


def _ranks(code: Ints, values: Sequence[Fraction | float]) -> Ints:
    """Rank numbers, from 0 for the least; each has a code, by which `values` lists it."""
    rank = {value: i for i, value in enumerate(sorted(set(values)))}
    return np.array([rank[value] for value in values])[code]


def _terms(problem: Problem, limited: list[str]) -> Iterator[Ints]:
    """Yield ranks of numbers of all layouts of which less is no worse for any design."""
    setups, arrays = problem.setups, problem.layout_arrays
    row, of = QUANTITIES[problem.objective.quantity], arrays.setup
    for name in limited:
        code, ends = numbered(_ends(setup, name) for setup in setups)
        for side in (0, 1):
            yield _ranks(code, [each[side] for each in ends])[of]
    limits, tokens = numbered(setup.token_limits for setup in setups)
    for key in sorted({charge.key for each in tokens for charge in each.charges}):
        charges = [next((c for c in each.charges if c.key == key), None) for each in tokens]
        yield _ranks(limits, [-math.inf if c is None else -c.limit for c in charges])[of]
        yield _ranks(limits, [0.0 if c is None else c.each for c in charges])[of]
    code, pairs = coded(limits[of], arrays.accelerators)
    most = [tokens[limit].flops_on(accelerators) for limit, accelerators in pairs]
    yield _ranks(code, [-math.inf if flops is None else -flops for flops in most])
    if row.form in ("flops", "lifetime"):
        classes = problem.setup_classes(reads_of(row.name))
        shares = arrays.accelerators if row.shared else np.ones_like(of)
        code, pairs = coded(first_alike(classes)[of], shares)
        under = [(Layout(setup=setup), share) for setup, share in pairs]
        yield _ranks(code, [flops_rate(problem, row.name, one) / share for one, share in under])
        yield _ranks(code, [inference_charge(problem, row.name, one) for one, _ in under])


def _ends(setup: Setup, name: str) -> tuple[Fraction | float, Fraction | float]:
    """Return the ends of a limit such that less is looser, on the cost that a quotient is of."""
    limit, how = setup.limits.get(name, Interval()), QUANTITIES[name].how
    over = exact(how.numerator(setup.settings)) if isinstance(how, Inverse) else Fraction(1)
    return (
        -math.inf if limit.min is None else exact(limit.min) / over,
        -math.inf if limit.max is None else -exact(limit.max) / over,
    )
