"""Turn candidates into a front: exact values, counts of ties, one design per point."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.fronts.archive import Candidates, nondominated
from modelsizer.optimizer.fronts.front import Points
from modelsizer.optimizer.fronts.scores import Scorer, as_points
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.sorted_order import sorted_order
from modelsizer.optimizer.tables.table import Floats, Ints
from modelsizer.problems.designs.costs import inverse_numerator
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.requirements.setups import distinct
from modelsizer.problems.units import Number

TIED_AT_ONCE = 50_000  # designs that share their points with others, compared at once: 20 MB
AT_LEAST = 500
"""Candidates whose exact values are computed whatever the time: about 0.05 s."""


def finished(scorer: Scorer, found: Candidates, clock: Clock | None = None) -> Points:
    """Points of candidates, with every noisy value replaced by the exact one.

    Parameters
    ----------
    scorer : Scorer
    found : Candidates
        No feasible design outside them dominates or equals one of them.
    clock : Clock, optional
        Candidates whose exact values it leaves no time for are left out; never the first
        `AT_LEAST`.
    """
    known = None
    if scorer.noisy and not found.exact.all():
        found, known = _evaluated(scorer, found, clock)
        best = nondominated(as_points(found.columns))
        found, known = found.take(best), known[best]
    keys = [
        _sortable(goal.sign * column)
        for goal, column in zip(scorer.goals, found.columns, strict=True)
    ]
    order = sorted_order(keys)
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = np.any([key[order[1:]] != key[order[:-1]] for key in keys], axis=0)
    group = np.cumsum(fresh) - 1
    shown, designs = order[fresh], np.ones(int(fresh.sum()), dtype=np.int64)
    several = np.flatnonzero((np.bincount(group) > 1)[group])
    for part in _parts(group[several]):
        at = several[part]
        tied, of = found.take(order[at]), group[at]
        ranked = sorted_order([of, *tied.table.ties(tied.row, tied.j)])
        first = ranked[np.diff(of[ranked], prepend=-1) > 0]
        shown[of[first]] = order[at[first]]
        number, count = _distinct(tied, of)
        designs[number] = count
    kept = found.take(shown)
    tokens, loss = _shown(scorer, kept) if known is None else known[shown].T
    return Points(_values(scorer, kept), designs, tokens, loss, kept.table, kept.row, kept.j)


def _sortable(column: NDArray[np.generic]) -> NDArray[np.generic]:
    """A column, or its ranks if it holds Python integers."""
    if column.dtype != object:
        return column
    rank: Ints = np.unique(column, return_inverse=True)[1].reshape(-1)
    return rank


def _parts(group: Ints) -> Iterator[slice]:
    """Yield parts of an ascending list of groups, some `TIED_AT_ONCE` long, between two groups."""
    begin = 0
    while begin < len(group):
        last = group[min(begin + TIED_AT_ONCE, len(group)) - 1]
        end = int(np.searchsorted(group, last, "right"))
        yield slice(begin, end)
        begin = end


def _distinct(tied: Candidates, group: Ints) -> tuple[Ints, Ints]:
    """Groups, and the number of distinct architectures in each; their layouts count once."""
    table, row = tied.table, tied.row
    columns = [column[row] for column in table.widths.values()]
    columns += [table.structure_id[row], *table.depths.counts(row, tied.j).T]
    telling = [column for column in columns if (column != column[0]).any()]
    order = sorted_order([group, *telling])
    changes = [column[order[1:]] != column[order[:-1]] for column in (*telling, group)]
    fresh = np.concatenate([[True], np.any(changes, axis=0)])
    return np.unique(group[order[fresh]], return_counts=True)


def _values(scorer: Scorer, kept: Candidates) -> dict[str, tuple[Number, ...]]:
    """Goals of the designs shown, in their own units and senses."""
    found: dict[str, tuple[Number, ...]] = {}
    denominators = scorer.denominators(kept.table)
    for goal, column, denominator in zip(scorer.goals, kept.columns, denominators, strict=True):
        numbers = (goal.sign * column).tolist()
        if QUANTITIES[goal.name].form == "inverse":
            above = inverse_numerator(scorer.problem, goal.name) * denominator
            over, by = above.numerator, above.denominator
            found[goal.name] = tuple(over / (by * abs(n)) for n in numbers)
        elif column.dtype.kind == "f" or denominator == 1:
            found[goal.name] = tuple(numbers)
        else:
            found[goal.name] = tuple(
                n / denominator if n % denominator else n // denominator for n in numbers
            )
    return found


def _shown(scorer: Scorer, kept: Candidates) -> tuple[Floats, Floats]:
    """Tokens and loss of the designs shown."""
    if scorer.at_once is not None and scorer.at_once.reliable:
        return scorer.at_once.evaluate(kept.table, kept.row, kept.j)
    values = np.array([row[:2] for row in _alone(scorer, kept)])
    return values[:, 0], values[:, 1]


def _evaluated(scorer: Scorer, found: Candidates, clock: Clock | None) -> tuple[Candidates, Floats]:
    """Candidates with exact values, and their tokens and loss; shape (B, 2).

    Of the first candidates only if the clock's time limit passes.
    """
    rows = []
    for row in _alone(scorer, found):
        rows.append(row)
        if clock is not None and len(rows) >= AT_LEAST and clock.out_of_time:
            break
    values, found = np.array(rows), found.take(np.arange(len(rows)))
    columns = list(found.columns)
    for at, i in enumerate(scorer.noisy, start=2):
        columns[i] = values[:, at]
    return replace(found, columns=columns), values[:, :2]


def _alone(scorer: Scorer, found: Candidates) -> Iterator[tuple[float, ...]]:
    """Yield tokens, loss, and the noisy values of each candidate, evaluated by itself."""
    noisy = [scorer.goals[i] for i in scorer.noisy]
    charged = any(limits.charges for limits in distinct(scorer.problem.setups))
    if scorer.at_once is not None and not charged:
        for tokens, loss in scorer.at_once.one_by_one(found.table, found.row, found.j):
            yield tokens, loss, *(goal.sign * loss for goal in noisy)
        return
    for row, j in zip(found.row.tolist(), found.j.tolist(), strict=True):
        design = scorer.model.exactly_under(found.table, row, j)
        values = (goal.sign * float(design.exact[goal.name]) for goal in noisy)
        yield float(design.text), float(design.loss), *values
