"""Exact comparison of designs, the last step of every proof, with one tie-breaking rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.sorted_order import sorted_order
from modelsizer.optimizer.tables.table import Floats, Ints, Mask, Table
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.quantities.auxiliary import (
    SERVED_FLOPS_PER_TOKEN,
    TRAINING_FLOPS_EACH,
    TRAINING_FLOPS_PER_TOKEN,
)

DESIGNS_AT_ONCE = 200_000  # about 50 MB of columns
TIMED_AT_ONCE = 20_000  # where the time is limited: a tenth of a second at most

OF_TOKENS = (TRAINING_FLOPS_PER_TOKEN, TRAINING_FLOPS_EACH, SERVED_FLOPS_PER_TOKEN)
"""Costs that matter only by the tokens that they leave."""
CLEARLY = 1e-9  # a relative distance far above rounding
FEW_TIES = 32  # designs near the best that are evaluated one by one

NEAR = {
    "loss": 1e-12,
    "affine": 0.0,
    "batch": 0.0,
    "most_tokens": 0.0,
    "least_tokens": 1e-10,
    "least_flops": 1e-10,
}
"""Relative distance from the best within which designs are evaluated alone before they are ranked.
Vectorised doubles are accurate to about 1e-15 (1e-12 if a loss is inverted); integers are exact."""


def better(model: Model, first: Evaluation, second: Evaluation | None) -> bool:
    """Whether a design precedes another, by objective, then by the tie rule."""
    if second is None:
        return True
    mine, theirs = model.value_of(first), model.value_of(second)
    return (mine, first.tie_key, first.architecture.block) < (
        theirs,
        second.tie_key,
        second.architecture.block,
    )


def box_designs(row: Ints, low: Ints, high: Ints, at_once: int) -> Iterator[tuple[Ints, Ints]]:
    """Yield every design of some boxes, in chunks of bounded size.

    Yields
    ------
    row : array of shape (n,)
    j : array of shape (n, A)
    """
    sizes = (high - low + 1).prod(axis=1)
    begin = 0
    while begin < len(row):
        # As many whole boxes as fit, or a part of one.
        end = begin + max(1, int(np.searchsorted(np.cumsum(sizes[begin:]), at_once, "right")))
        part = slice(begin, end)
        total = int(sizes[part].sum())
        first = np.repeat(np.cumsum(sizes[part]) - sizes[part], sizes[part])
        for lead in range(0, total, at_once):
            window = slice(lead, min(lead + at_once, total))
            index = np.arange(window.start, window.stop) - first[window]
            box = np.repeat(np.arange(begin, end), sizes[part])[window]
            j = np.empty((len(index), low.shape[1]), dtype=np.int64)
            for k in range(low.shape[1] - 1, -1, -1):
                extent = high[box, k] - low[box, k] + 1
                j[:, k] = low[box, k] + index % extent
                index = index // extent
            yield row[box], j
        begin = end


def at_once(clock: Clock, most: int = DESIGNS_AT_ONCE) -> int:
    """Return how many designs to evaluate between two looks at a clock: fewer if it has a limit.

    A design whose tokens are found from a loss takes some 5 microseconds, others a tenth of it.
    """
    return most if clock.limits.seconds is None else min(most, TIMED_AT_ONCE)


def every_design(tables: Iterable[Table], clock: Clock) -> Iterator[tuple[Table, Ints, Ints]]:
    """Yield every design of some tables, in chunks of bounded size, until the time limit passes.

    Yields
    ------
    table : Table
    row : array of shape (n,)
    j : array of shape (n, A)

    Raises
    ------
    StoppedError
        At a limit of the clock.
    """
    clock.check()
    for table in tables:
        whole = np.arange(len(table)), np.zeros_like(table.count), table.count - 1
        for row, j in box_designs(*whole, at_once(clock)):
            clock.check()
            yield table, row, j


def best_of(
    model: Model,
    table: Table,
    row: Ints,
    j: Ints,
    value: Floats,
    keeps: Mask,
    so_far: Evaluation | None,
    clock: Clock,
) -> Evaluation | None:
    """Return the best feasible design of a list, or the incumbent if none is better.

    Parameters
    ----------
    value, keeps
        As returned by `Model.evaluate` for `row` and `j`.
    clock : Clock
        Looked at where many designs are so near to the best that each is evaluated alone.

    Raises
    ------
    StoppedError
        If the time does not suffice for them.
    """
    if not keeps.any():
        return so_far
    least = float(value[keeps].min())
    if so_far is not None:
        least = min(least, model.value_of(so_far))
    near = np.flatnonzero(keeps & (value <= least + NEAR[model.kind] * abs(least)))
    if model.exact and len(near) > 1:
        near = near[by_tie_rule(table, row[near], j[near])[:1]]
    best = so_far
    if model.floor is not None:
        # Under one layout no value is below its floor, so the tie rule decides among designs at it.
        floors = model.floors(table, row[near])
        at_it = value[near] == floors
        for floor in np.unique(floors[at_it]):
            tied = near[at_it & (floors == floor)]
            for i in tied[by_tie_rule(table, row[tied], j[tied])]:
                candidate = model.exactly(table, row[i], j[i])
                if candidate.feasible and model.value_of(candidate) <= floor:
                    best = candidate if better(model, candidate, best) else best
                    break
        near = near[~at_it]
    if len(near) > FEW_TIES:
        near = near[_first_of_equals(model, table, row[near], j[near])]
    for number, i in enumerate(near):
        if number % FEW_TIES == FEW_TIES - 1:
            clock.check()
        candidate = model.exactly(table, row[i], j[i])
        if candidate.feasible and better(model, candidate, best):
            best = candidate
    return best


def _first_of_equals(model: Model, table: Table, row: Ints, j: Ints) -> Ints:
    """Return the indices of the feasible designs that precede all others of the same value.

    A value follows from the parameters that the law counts, the FLOPs and what the law sees of the
    shape. Of designs that are equal in these, such as two vocabularies where neither the law nor
    the tokens depend on the embedding, the tie rule picks one without evaluating them.
    """
    paid = _pays(model, table, row, j)
    columns = [table.linear[part.counts].at(row, j) for part in model.models]
    known = [table.linear[name] for name in OF_TOKENS if name in table.linear]
    columns += [np.where(paid, cost.at(row, j), 0) for cost in known]
    seen = dict.fromkeys(name for part in model.models for name in part.quality.features)
    features = table.features(row, j, seen)
    columns += [*features.values(), table.layout_id[row], table.structure_id[row]]
    order = by_tie_rule(table, row, j)
    codes = [np.unique(column[order], return_inverse=True)[1].ravel() for column in columns]
    _, first = np.unique(np.stack(codes, axis=1), axis=0, return_index=True)
    found: Ints = np.sort(order[first])
    return found


def _pays(model: Model, table: Table, row: Ints, j: Ints) -> Mask:
    """Whether the tokens of designs, or their value, may depend on their FLOPs."""
    if model.kind != "loss" or model.least_flops:
        return np.ones(len(row), dtype=bool)
    flops = table.linear[TRAINING_FLOPS_PER_TOKEN].values(row, j)
    caps = model.caps(table, row, j)
    # Tokens that more FLOPs would not lessen are those of another limit.
    return np.asarray(caps.tokens(flops) != caps.tokens(flops * (1 + CLEARLY)), dtype=bool)


def by_tie_rule(table: Table, row: Ints, j: Ints) -> Ints:
    """Return indices that sort designs by `Evaluation.tie_key`."""
    return sorted_order(table.ties(row, j))
