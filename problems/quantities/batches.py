"""Costs as functions of the serving batch, and the largest batch at which they keep their limits.

No cost falls as the batch grows: the cache and the states are proportional to it, and a decode step
reads more experts, and more cache, for more sequences. So a batch is possible if and only if all
smaller ones are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.accounting import Affine
from modelsizer.problems.quantities.quantity import Candidate, Cost, Quantity, Settings
from modelsizer.problems.space.layouts import Layout

BATCH = "serving.batch_size"
AT_REQUESTS = "@requests"
"""Suffix of the name of a cost at the batch that a budget asks for (`Settings.requests`)."""
_GUESSES = 3
"""Of so many probes of a search one doubles or halves, so that every search ends soon."""
Ints = NDArray[np.int64]


def raised_by_batch(quantities: Mapping[str, Quantity]) -> tuple[str, ...]:
    """Return the names of the costs that the batch raises."""
    return tuple(
        name for name, row in quantities.items() if isinstance(row.how, Cost) and row.how.by_batch
    )


def at_batch(settings: Settings, batch: Any) -> Settings:
    """Return the settings with another batch; an array of shape (W,) has one for each row."""
    return replace(settings, serving=settings.serving.model_copy(update={"batch_size": batch}))


@lru_cache(maxsize=32)
def at_requests(cost: Cost) -> Cost:
    """Return a cost at the batch that a budget asks for."""
    within = cost.within

    def formula(of: Candidate) -> Affine | tuple[Affine, ...]:
        return cost.formula(replace(of, settings=at_batch(of.settings, of.settings.requests)))

    def within_batch(settings: Settings, layout: Layout) -> int:
        assert within is not None
        return within(at_batch(settings, settings.requests), layout)

    reads = None
    if cost.reads is not None:
        reads = (*(key for key in cost.reads if key != BATCH), "requests")
    return replace(
        cost, formula=formula, reads=reads, within=None if within is None else within_batch
    )


Used = Callable[[Ints], Sequence[tuple[NDArray[Any], int]]]
"""From batches of shape (W,) to what each part of a cost uses, shape (W,), and at most may use."""


def used_by(
    cost: Cost, limit: Fraction, of: Candidate, total: Callable[[Affine], NDArray[Any]]
) -> Used:
    """Return what a cost uses of its limit as a function of the batch.

    Parameters
    ----------
    cost : Cost
    limit : Fraction
    of : Candidate
        At any batch.
    total : callable
        From a cost to its numerators, shape (W,), for the layers that there are.
    """
    # Costs of one design may exceed 64 bits, as those of weights of many decimals do.
    alone = isinstance(of.trunk.d_model, int)

    def used(batch: Ints) -> list[tuple[NDArray[Any], int]]:
        at: Any = int(batch[0]) if alone and len(batch) == 1 else batch
        values = cost.formula(replace(of, settings=at_batch(of.settings, at)))
        several = values if isinstance(values, tuple) else (values,)
        return [(np.atleast_1d(total(one)), math.floor(limit * one.denominator)) for one in several]

    return used


def in_layers(counts: Sequence[Any]) -> Callable[[Affine], NDArray[Any]]:
    """Return the function from a cost to its numerators for some layers of each kind."""

    def total(cost: Affine) -> NDArray[Any]:
        found = cost.base + sum(a * n for a, n in zip(cost.per_layer, counts, strict=True))
        return np.asarray(found)

    return total


def largest_batches(costs: Sequence[Used], rows: int, most: int) -> Ints:
    """Return the largest batches at which all costs keep their limits, 0 where not even 1 does.

    Parameters
    ----------
    costs : sequence of callable
        None of them falls as the batch grows. They are asked for batches that are at most 2, or
        whose costs are at most about twice their limits.
    rows : int
        Number of designs W.
    most : int
        The largest batch looked at.

    Returns
    -------
    array of int64, shape (W,)
    """
    found = np.full(rows, most, dtype=np.int64)
    for used in costs:
        found = _largest(used, found)
    return found


def _largest(used: Used, most: Ints) -> Ints:
    """Return the largest batches, at most `most`, at which a cost keeps its limit.

    A probe lies where a straight line through the last two meets the limit. A cost that is concave
    in the batch, as one that reads experts, lies below that line: few probes are needed.
    """
    low = np.minimum(most, 1)
    before, keeps = _slack(used(low))
    low = np.where(keeps, low, 0)
    high = np.where(keeps, most + 1, low + 1)
    probe, number = np.minimum(low + 1, high - 1), 0
    while (high - low > 1).any():
        number += 1
        slack, keeps = _slack(used(np.maximum(probe, 1)))
        with np.errstate(divide="ignore", invalid="ignore"):
            per_request = (before - slack) / np.maximum(probe - low, 1).astype(float)
            left = np.where(keeps, slack, before) / per_request
        room = np.where(per_request > 0, left, np.inf).min(axis=0)
        before = np.where(keeps, slack, before)
        low = np.where(keeps, probe, low)
        high = np.where(keeps, high, probe)
        doubled = np.minimum(low, (high - low) // 2).astype(float)
        step = np.where(np.isfinite(room) & (number % _GUESSES > 0), np.floor(room), doubled)
        step = np.clip(step, 1, np.maximum(high - 1 - low, 1).astype(float))
        probe = np.minimum(low + step.astype(np.int64), high - 1)
    return low


def _slack(
    parts: Sequence[tuple[NDArray[Any], int]],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return what is left of the limit by part, shape (P, W), and whether all keep it exactly."""
    keeps = np.logical_and.reduce([np.asarray(value <= limit, bool) for value, limit in parts])
    return np.array([limit - np.asarray(value, float) for value, limit in parts]), keeps
