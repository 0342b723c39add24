"""Sort designs: close values by exact evaluation, ties by the tie rule."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, NEAR, by_tie_rule
from modelsizer.optimizer.surveys.kept_designs import KeptDesigns, keep_designs, table_of
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.table import Ints, Table
from modelsizer.problems.designs.evaluation import Evaluation, evaluate

AT_LEAST = 100
"""Designs that are evaluated whatever the time: about 0.05 s."""


def noise(scorer: Scorer) -> float:
    """Relative distance within which rounding prevents a comparison of vectorised values."""
    return NEAR[scorer.model.kind] if scorer.noisy else 0.0


def valued(scorer: Scorer, table: Table, row: Ints, j: Ints) -> KeptDesigns:
    """The feasible designs of a list, with their values to minimise."""
    keeps, value = scorer.feasible(table, row, j)
    row, j, value = row[keeps], j[keeps], value[keeps]
    numerators = scorer.columns(table, row, j, value)[0].astype(float)
    column = numerators / scorer.denominators(table)[0]
    return keep_designs(scorer.problem, table, row, j, column)


def lowest(held: KeptDesigns, top: int, scorer: Scorer) -> KeptDesigns:
    """The `top` designs of least value, and others that rounding may confuse with the last."""
    if len(held) <= top:
        return held
    last = float(np.partition(held.value, top - 1)[top - 1])
    return held.take(held.value <= last + noise(scorer) * abs(last))


def one_layout_each(held: KeptDesigns) -> KeptDesigns:
    """Keep the best layout of each design; of equals, the preferred one."""
    keys = held.identity
    rule: list[NDArray[Any]] = [held.layout, held.value, *keys]
    order: Ints = np.lexsort(rule)
    sorted_ = np.stack([key[order] for key in keys])
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (sorted_[:, 1:] != sorted_[:, :-1]).any(axis=0)
    return held.take(order[fresh])


def by_value(held: KeptDesigns) -> KeptDesigns:
    """Sort by value as it is, whatever its rounding."""
    return held.take(np.argsort(held.value, kind="stable"))


def ordered(scorer: Scorer, held: KeptDesigns, clock: Clock | None = None) -> KeptDesigns:
    """Sort by value: close values by exact evaluation, ties by the tie rule.

    Raises
    ------
    StoppedError
        At a limit of the clock.
    """
    held = by_value(held)
    value = held.value.copy()
    order = np.arange(len(held))
    close = noise(scorer)
    with np.errstate(invalid="ignore"):
        apart = ~(np.diff(value) <= close * np.abs(value[1:]))
    cluster = np.concatenate([[0], np.cumsum(apart)])
    alone = np.bincount(cluster)[cluster] == 1
    doubtful = np.flatnonzero(~alone)
    begin = 0
    while begin < len(doubtful):
        end = min(begin + DESIGNS_AT_ONCE, len(doubtful))
        while end < len(doubtful) and cluster[doubtful[end]] == cluster[doubtful[end - 1]]:
            end += 1
        if clock is not None:
            clock.check()
        at = doubtful[begin:end]
        table = table_of(scorer.problem, held.take(at), scorer.names)
        row, j = np.arange(len(at)), np.zeros((len(at), 1), dtype=np.int64)
        if scorer.noisy:
            columns: list[np.ndarray[Any, Any]] = [value[at]]
            scorer.settle(table, row, j, columns, np.zeros(len(at), dtype=bool), clock=clock)
            value[at] = columns[0]
        place = np.empty(len(at), dtype=np.int64)
        place[by_tie_rule(table, row, j)] = row
        inner = np.lexsort((place, value[at], cluster[at]))
        order[at] = at[inner]
        begin = end
    return replace(held, value=value).take(order)


def evaluated(
    scorer: Scorer, held: KeptDesigns, which: Ints, clock: Clock | None = None
) -> list[Evaluation]:
    """Evaluate designs exactly, and check every constraint again.

    The first `AT_LEAST`, and those after them that the clock leaves time for.
    """
    found: list[Evaluation] = []
    if not len(which):
        return found
    some = held.take(which)
    table = table_of(scorer.problem, some, scorer.names)
    for i in range(len(some)):
        if clock is not None and i >= AT_LEAST and clock.out_of_time:
            break
        design = evaluate(scorer.problem, table.architecture(scorer.problem, i, [0]))
        assert design.feasible, design.violated
        found.append(design)
    return found
