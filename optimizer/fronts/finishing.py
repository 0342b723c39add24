"""Turn candidates into a front: exact values, counts of ties, one design per point."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.fronts.archive import Candidates, nondominated
from modelsizer.optimizer.fronts.front import Points
from modelsizer.optimizer.fronts.scores import Scorer, as_points
from modelsizer.optimizer.search.compare import by_tie_rule
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.table import Floats, Ints
from modelsizer.problems.designs.costs import inverse_numerator
from modelsizer.problems.designs.token_choice import TokenChoice
from modelsizer.problems.quantities.auxiliary import LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import Number, plain

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
    tokens, loss = _evaluated(scorer, found, clock)
    found = found.take(np.arange(len(tokens)))
    if len(found):
        best = nondominated(as_points(found.columns))
        found, tokens, loss = found.take(best), tokens[best], loss[best]
    columns = [np.asarray(column) for column in found.columns]
    first_by_rule = by_tie_rule(found.table, found.row, found.j)
    place = np.empty(len(found), dtype=np.int64)
    place[first_by_rule] = np.arange(len(found))
    shown_as = [
        _rank(goal.sign * column) for goal, column in zip(scorer.goals, columns, strict=True)
    ]
    order = np.lexsort((place, *reversed(shown_as)))
    keys = np.stack([rank[order] for rank in shown_as], axis=1)
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (keys[1:] != keys[:-1]).any(axis=1)
    group = np.cumsum(fresh) - 1
    shown = order[fresh]
    kept = found.take(shown)
    return Points(
        _values(scorer, kept),
        _distinct(found, order, group, int(fresh.sum())),
        tokens[shown],
        loss[shown],
        kept.table,
        kept.row,
        kept.j,
    )


def _rank(column: NDArray[np.generic]) -> Ints:
    _, rank = np.unique(column, return_inverse=True)
    found: Ints = rank.reshape(-1)
    return found


def _distinct(found: Candidates, order: Ints, group: Ints, groups: int) -> Ints:
    """Number of distinct architectures per group; layouts of one architecture count once."""
    table, row = found.table, found.row[order]
    columns = [column[row] for column in table.widths.values()]
    columns += [table.structure_id[row], *table.depths.counts(row, found.j[order]).T]
    identity = np.unique(np.column_stack([group, *columns]), axis=0)
    counts: Ints = np.bincount(identity[:, 0], minlength=groups)
    return counts


def _values(scorer: Scorer, kept: Candidates) -> dict[str, tuple[Number, ...]]:
    """Goals of the designs shown, in their own units and senses."""
    found: dict[str, tuple[Number, ...]] = {}
    denominators = scorer.denominators(kept.table)
    for goal, column, denominator in zip(scorer.goals, kept.columns, denominators, strict=True):
        if QUANTITIES[goal.name].form == "inverse":
            numerator = inverse_numerator(scorer.problem, goal.name)
            times = [Fraction(abs(int(n)), denominator) for n in column]
            found[goal.name] = tuple(float(numerator / t) for t in times)
        elif column.dtype.kind == "f":
            found[goal.name] = tuple(goal.sign * float(x) for x in column)
        else:
            found[goal.name] = tuple(
                plain(Fraction(goal.sign * int(n), denominator)) for n in column
            )
    return found


def _evaluated(scorer: Scorer, found: Candidates, clock: Clock | None) -> tuple[Floats, Floats]:
    """Tokens and loss as `evaluate` computes them; makes noisy columns exact in place.

    Of the first candidates only if the clock's time limit passes.
    """
    exactly = _one_by_one(scorer, found) if _tokens_sought(scorer) else _of_law(scorer, found)
    rows = []
    for row in exactly:
        rows.append(row)
        if clock is not None and len(rows) >= AT_LEAST and clock.out_of_time:
            break
    values = np.array(rows, dtype=float).reshape(len(rows), 2 + len(scorer.noisy))
    for at, i in enumerate(scorer.noisy, start=2):
        column = found.columns[i].astype(float)
        column[: len(rows)] = values[:, at]
        found.columns[i] = column
    return values[:, 0], values[:, 1]


def _tokens_sought(scorer: Scorer) -> bool:
    """Whether a design's tokens are found from a loss or a charge."""
    return scorer.fewest or bool(scorer.problem.token_limits.charges)


def _of_law(scorer: Scorer, found: Candidates) -> Iterator[tuple[float, ...]]:
    """Yield tokens, loss, and the noisy values of each candidate."""
    table = found.table
    n = table.linear[LAW_PARAMETERS].values(found.row, found.j)
    cost = table.linear[TRAINING_FLOPS_PER_TOKEN]
    flops = cost.at(found.row, found.j)
    problem, quality = scorer.problem, scorer.model.quality
    limits, features = problem.token_limits, table.features(found.row, found.j, quality.features)
    target = problem.budgets.loss or Interval()
    signs = [scorer.goals[i].sign for i in scorer.noisy]
    for i in range(len(found)):
        row = found.row[i]
        choice = TokenChoice(
            quality.of({name: float(values[i]) for name, values in features.items()}),
            limits,
            target,
            n=float(n[i]),
            flops=Fraction(int(flops[i]), cost.denominator),
            accelerators=table.layout[table.layout_id[row]].accelerators,
        )
        loss = float(choice.loss_at(choice.high))
        yield float(choice.high), loss, *(sign * loss for sign in signs)


def _one_by_one(scorer: Scorer, found: Candidates) -> Iterator[tuple[float, ...]]:
    """Yield the same by evaluating each design, for tokens that are found from a loss."""
    noisy = [scorer.goals[i] for i in scorer.noisy]
    for at in range(len(found)):
        depths = [int(n) for n in found.j[at]]
        design = scorer.model.exactly(found.table, int(found.row[at]), depths)
        values = (goal.sign * float(design.exact[goal.name]) for goal in noisy)
        yield float(design.text), float(design.loss), *values
