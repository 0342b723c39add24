"""Turn candidates into a front: exact values, counts of ties, one design per point."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.fronts.archive import Candidates, nondominated
from modelsizer.optimizer.fronts.front import Points
from modelsizer.optimizer.fronts.scores import Scorer, as_points
from modelsizer.optimizer.search.compare import by_tie_rule
from modelsizer.optimizer.tables.table import Floats, Ints
from modelsizer.problems.designs.costs import inverse_numerator
from modelsizer.problems.designs.token_choice import TokenChoice
from modelsizer.problems.quantities.auxiliary import LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.tables.menus import Interval
from modelsizer.problems.units import Number, plain


def finished(scorer: Scorer, found: Candidates) -> Points:
    """Points of candidates, with every noisy value replaced by the exact one.

    Parameters
    ----------
    scorer : Scorer
    found : Candidates
        No feasible design outside them dominates or equals one of them.
    """
    tokens, loss = _evaluated(scorer, found)
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
    columns += [table.block_id[row], *table.depths.counts(row, found.j[order]).T]
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


def _evaluated(scorer: Scorer, found: Candidates) -> tuple[Floats, Floats]:
    """Tokens and loss as `evaluate` computes them; makes noisy columns exact in place."""
    table = found.table
    if scorer.fewest or scorer.problem.token_limits.charges:
        return _one_by_one(scorer, found)
    n = table.linear[LAW_PARAMETERS].at(found.row, found.j)
    flops = table.linear[TRAINING_FLOPS_PER_TOKEN].at(found.row, found.j)
    problem, quality = scorer.problem, scorer.model.quality
    limits, features = problem.token_limits, table.features(found.row, found.j, quality.features)
    target = problem.budgets.loss or Interval()
    tokens, loss = np.empty(len(found)), np.empty(len(found))
    for i in range(len(found)):
        row = found.row[i]
        choice = TokenChoice(
            quality.of({name: float(values[i]) for name, values in features.items()}),
            limits,
            target,
            n=int(n[i]),
            flops=int(flops[i]),
            accelerators=table.layout[table.layout_id[row]].accelerators,
        )
        tokens[i] = choice.high
        loss[i] = choice.loss_at(choice.high)
    for i in scorer.noisy:
        found.columns[i] = scorer.goals[i].sign * loss
    return tokens, loss


def _one_by_one(scorer: Scorer, found: Candidates) -> tuple[Floats, Floats]:
    """The same by evaluating each design, for tokens that are found from a loss."""
    tokens, loss = np.empty(len(found)), np.empty(len(found))
    columns = {i: np.empty(len(found)) for i in scorer.noisy}
    for at in range(len(found)):
        depths = [int(n) for n in found.j[at]]
        design = scorer.model.exactly(found.table, int(found.row[at]), depths)
        tokens[at], loss[at] = design.tokens, design.loss
        for i, column in columns.items():
            column[at] = scorer.goals[i].sign * float(design.exact[scorer.goals[i].name])
    for i, column in columns.items():
        found.columns[i] = column
    return tokens, loss
