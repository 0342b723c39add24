"""Sort designs: close values by exact evaluation, ties by the tie rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.optimizer.fronts.scores import Scorer
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, NEAR
from modelsizer.optimizer.surveys.kept_designs import KeptDesigns, keep_designs, table_of
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.sorted_order import sorted_order
from modelsizer.optimizer.tables.table import Floats, Ints, Mask, Table
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


def among_lowest(value: Floats, top: int, distance: float) -> Mask:
    """Mask of the `top` least values, and of others within a relative distance of the last."""
    if len(value) <= top:
        return np.ones(len(value), dtype=bool)
    last = float(np.partition(value, top - 1)[top - 1])
    found: Mask = value <= last + distance * abs(last)
    return found


def lowest(held: KeptDesigns, top: int, scorer: Scorer) -> KeptDesigns:
    """The `top` designs of least value, and others that rounding may confuse with the last."""
    return held.take(among_lowest(held.value, top, noise(scorer)))


def one_layout_each(held: KeptDesigns) -> KeptDesigns:
    """Keep the best layout of each design; of equals, the preferred one."""
    keys = held.identity
    order = sorted_order([*keys, held.value, held.layout])
    sorted_ = np.stack([key[order] for key in keys])
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (sorted_[:, 1:] != sorted_[:, :-1]).any(axis=0)
    return held.take(order[fresh])


def by_value(held: KeptDesigns) -> KeptDesigns:
    """Sort by value as it is, whatever its rounding."""
    return held.take(np.argsort(held.value, kind="stable"))


def ordered(scorer: Scorer, held: KeptDesigns, clock: Clock | None = None) -> KeptDesigns:
    """Sort by value: close values by exact evaluation, ties by the tie rule.

    Returns
    -------
    KeptDesigns
        With exact values where they were needed.

    Raises
    ------
    StoppedError
        At a limit of the clock.
    """
    order, value = exact_order(scorer, held, clock)
    return replace(held.take(order), value=value)


def exact_order(
    scorer: Scorer, held: KeptDesigns, clock: Clock | None = None
) -> tuple[Ints, Floats]:
    """Return what `ordered` sorts by: positions in order, and the values of these designs.

    Raises
    ------
    StoppedError
        At a limit of the clock.
    """
    order = np.argsort(held.value, kind="stable")
    value = held.value[order]
    with np.errstate(invalid="ignore"):
        apart = ~(np.diff(value) <= noise(scorer) * np.abs(value[1:]))
    starts = np.flatnonzero(np.concatenate([[True], apart])) if len(value) else order
    sizes = np.diff(np.append(starts, len(value)))
    cluster = np.repeat(np.arange(len(starts)), sizes)
    doubtful = np.flatnonzero((sizes > 1)[cluster])
    if scorer.noisy:
        # Designs equal in value and parameters are equal in what a value depends on.
        size = held.parameters[order]
        unlike = np.zeros(len(starts), dtype=bool)
        for column in (value, size) if len(starts) else ():
            unlike |= np.minimum.reduceat(column, starts) != np.maximum.reduceat(column, starts)
        at = np.flatnonzero(unlike[cluster])
        for part in _whole(at, cluster):
            value[part] = _settled(scorer, held.take(order[part]), value[part], clock)
    for part in _whole(doubtful, cluster):
        if clock is not None:
            clock.check()
        ties = held.take(order[part]).ties()
        inner = part[sorted_order([cluster[part], value[part], *ties])]
        order[part], value[part] = order[inner], value[inner]
    return order, value


def _whole(at: Ints, cluster: Ints) -> Iterator[Ints]:
    """Parts of positions of bounded size, or of one cluster."""
    begin = 0
    while begin < len(at):
        end = min(begin + DESIGNS_AT_ONCE, len(at))
        end = int(np.searchsorted(cluster[at], cluster[at[end - 1]], "right"))
        yield at[begin:end]
        begin = end


def _settled(scorer: Scorer, held: KeptDesigns, value: Floats, clock: Clock | None) -> Floats:
    """Values of designs, exact where others are too close."""
    table = table_of(scorer.problem, held, scorer.names)
    row, j = np.arange(len(held)), np.zeros((len(held), 1), dtype=np.int64)
    columns: list[NDArray[Any]] = [value.copy()]
    scorer.settle(table, row, j, columns, np.zeros(len(held), dtype=bool), clock=clock)
    return columns[0]


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
