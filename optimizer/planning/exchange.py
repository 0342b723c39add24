"""Integer plans: round the relaxation, then improve by exchanges until none helps.

Fedorov's exchange (1972, Theory of Optimal Experiments, section 3.3) replaces a run by the
candidate that improves the criterion most within the budget. It stops early if every improving
exchange exceeds the budget. So exchanges are also tried in pairs, one that improves the criterion
and one that saves cost (Cook and Nachtsheim 1980, doi 10.1080/00401706.1980.10486162, compare
such algorithms).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from modelsizer.optimizer.fitting.forms import Array
from modelsizer.optimizer.planning.certificate import Relaxed, Room
from modelsizer.optimizer.planning.information import Question
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.records import dataclass

STARTS = 6
_GAINS = 1e-9  # least decrease of the criterion by an exchange
_MOST = 400  # greatest number of exchanges per start
_SEARCHED = 250  # greatest number of candidates considered for exchanges
_SOME = 1e-2  # candidates with at least this weight in the relaxation are considered
_PAIRS = 6  # unaffordable first exchanges for which a second one is sought


@dataclass(frozen=True)
class Planned:
    """A plan of whole runs.

    Parameters
    ----------
    counts : array of int, shape (candidates,)
        Number of runs of each candidate.
    value : float
        The criterion.
    starts : int
        Number of starts improved.
    """

    counts: Array
    value: float
    starts: int


def exchange(
    question: Question,
    room: Room,
    relaxed: Relaxed,
    *,
    starts: int = STARTS,
    seed: int = 0,
    clock: Clock | None = None,
) -> Planned:
    """Best plan over several starts, or over those that the clock leaves time for.

    Raises
    ------
    ValueError
        If the budget is too small for the number of runs.
    """
    clock = Clock() if clock is None else clock
    kept = _promising(room, relaxed)
    if len(kept) < len(room.costs):
        some = Question(question.criterion, question.rows[:, kept], question.targets, question.have)
        found = exchange(
            some,
            Room(room.costs[kept], room.runs, room.repeats),
            replace(relaxed, weights=relaxed.weights[kept], reduced=relaxed.reduced[kept]),
            starts=starts,
            seed=seed,
            clock=clock,
        )
        counts = np.zeros(len(room.costs))
        counts[kept] = found.counts
        return replace(found, counts=counts)
    generator = np.random.default_rng(seed)
    best: Planned | None = None
    for start in range(starts):
        if best is not None and clock.out_of_time:
            return replace(best, starts=start)
        noise = 0.0 if start == 0 else 0.5 * start / starts
        order = relaxed.weights + noise * generator.random(len(relaxed.weights))
        counts = filled(room, order)
        value = question.value(counts)
        if not np.isfinite(value):
            counts = filled(room, generator.random(len(order)))
            value = question.value(counts)
        if np.isfinite(value):
            counts, value = _improved(question, room, counts, value, relaxed.price, clock)
        if best is None or value < best.value:
            best = Planned(counts, value, starts)
    assert best is not None
    return best


def _promising(room: Room, relaxed: Relaxed) -> Array:
    """Candidates that the relaxation favours, and the cheapest, which complete a plan."""
    if len(room.costs) <= _SEARCHED:
        return np.arange(len(room.costs))
    found = relaxed.weights > _SOME
    found[np.argsort(relaxed.reduced, kind="stable")[:_SEARCHED]] = True
    found[np.argsort(room.costs, kind="stable")[: room.runs]] = True
    return np.flatnonzero(found)


def filled(room: Room, order: Array) -> Array:
    """Select candidates in order, as long as the cheapest fit into the rest of the budget.

    Raises
    ------
    ValueError
        If the budget is too small for the number of runs.
    """
    cheapest = cheapest_of(room.costs, room.runs, room.repeats)
    if len(cheapest) < room.runs or cheapest.sum() > 1:
        raise ValueError("the budget does not pay for so many runs")
    counts, left, spent = np.zeros(len(order)), room.runs, 0.0
    wanted = np.minimum(np.ceil(order), room.repeats)
    for i in np.argsort(-order, kind="stable"):
        for _ in range(int(max(wanted[i], 1))):
            if left and spent + room.costs[i] + cheapest[: left - 1].sum() <= 1:
                counts[i], left, spent = counts[i] + 1, left - 1, spent + room.costs[i]
    for i in np.argsort(room.costs, kind="stable"):
        while left and counts[i] < room.repeats:
            counts[i], left = counts[i] + 1, left - 1
    return counts if room.allows(counts) else _cheapest(room)


def cheapest_of(costs: Array, runs: int, repeats: int) -> Array:
    """The least costs of so many runs, ascending; fewer if there are no more."""
    each = min(repeats, runs)
    found: Array = np.repeat(np.sort(costs)[: -(-runs // each)], each)[:runs]
    return found


def _cheapest(room: Room) -> Array:
    """The cheapest runs."""
    counts, left = np.zeros(len(room.costs)), room.runs
    for i in np.argsort(room.costs, kind="stable"):
        counts[i] = min(room.repeats, left)
        left -= int(counts[i])
    return counts


def _improved(
    question: Question, room: Room, counts: Array, value: float, price: float, clock: Clock
) -> tuple[Array, float]:
    """Apply exchanges, one or two at a time, until none improves the plan or the clock stops."""
    for _ in range(_MOST):
        if clock.out_of_time:
            break
        found = _once(question, room, counts, price)
        if found is None:
            return counts, value
        fresh = question.value(found)
        if not fresh < value - _GAINS / 2:
            return counts, value
        counts, value = found, fresh
    return counts, value


def _moved(counts: Array, out: int, into: int) -> Array:
    fresh = counts.copy()
    fresh[out] -= 1
    fresh[into] += 1
    return fresh


def _table(question: Question, room: Room, counts: Array) -> tuple[Array, Array, Array]:
    """Runs that may be replaced, and the change of criterion and cost by each exchange."""
    out = np.flatnonzero(counts)
    change = question.exchanges(counts, out)
    change[:, counts >= room.repeats] = np.inf
    change[np.arange(len(out)), out] = np.inf
    return out, change, room.costs[None, :] - room.costs[out][:, None]


def _once(question: Question, room: Room, counts: Array, price: float) -> Array | None:
    """The best exchange or pair of exchanges within the budget; None if none improves."""
    out, change, dearer = _table(question, room, counts)
    free = 1 - float(room.costs @ counts)
    within = np.where(dearer <= free, change, np.inf)
    i, j = np.unravel_index(int(within.argmin()), within.shape)
    if within[i, j] < -_GAINS:
        return _moved(counts, int(out[i]), int(j))
    priced = np.where((dearer > free) & (change < -_GAINS), change + price * dearer, np.inf)
    best, found = -_GAINS, None
    for at in np.argsort(priced, axis=None, kind="stable")[:_PAIRS]:
        i, j = np.unravel_index(int(at), priced.shape)
        if not np.isfinite(priced[i, j]):
            break
        first = _moved(counts, int(out[i]), int(j))
        other, after, saved = _table(question, room, first)
        after = np.where(saved <= free - dearer[i, j], after, np.inf)
        k, m = np.unravel_index(int(after.argmin()), after.shape)
        if change[i, j] + after[k, m] < best:
            best = float(change[i, j] + after[k, m])
            found = _moved(first, int(other[k]), int(m))
    return found
