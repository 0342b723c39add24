"""What a parallel layout asks of an architecture: widths and depths that divide."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from modelsizer.problems.space.widths import Options
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Split:
    """What a parallel layout asks of an architecture.

    Parameters
    ----------
    ways : tuple of int
        Tensor parallelism that heads, kv_heads (or their replicas), d_ff and vocabulary divide by.
    stages : int
        Pipeline stages that the layers divide into.
    """

    ways: tuple[int, ...] = ()
    stages: int = 1


def _parallel(kv_heads: Ints, heads: Ints, d_ff: Ints, ways: int) -> NDArray[np.bool_]:
    """Whether tensor parallelism divides everything; kv heads may be replicated instead."""
    kv = (kv_heads % ways == 0) | (ways % kv_heads == 0)
    divides: NDArray[np.bool_] = (heads % ways == 0) & kv & (d_ff % ways == 0)
    return divides


def _every(stages: int, start: Ints, step: Ints, count: Ints) -> tuple[Ints, Ints, Ints]:
    """Of the depths ``start + step * j`` those that divide into stages; count 0 where none does."""
    common = np.gcd(step, stages)
    period = stages // common  # every so manieth depth, if one does at all
    first = np.full(len(start), -1, dtype=np.int64)
    most = min(int(period.max(initial=1)), int(count.max(initial=0)))
    for j in range(most):
        fits = (first < 0) & ((start + step * j) % stages == 0)
        first[fits] = j
    left = np.where(first >= 0, -(-(count - first) // period), 0)
    return start + step * np.maximum(first, 0), step * period, np.maximum(left, 0)


def divides(split: Split, o: Options) -> NDArray[np.bool_]:
    """Whether tensor parallelism divides the widths of each row."""
    keep = np.ones(len(o), dtype=bool)
    for ways in split.ways:
        keep &= _parallel(o.kv_heads, o.heads, o.d_ff, ways) & (o.vocab_size % ways == 0)
    return keep


def divided(table: Options, split: Split) -> Options:
    """The rows and depths of a table that a split can divide."""
    if split.ways:
        table = table.take(divides(split, table))
    if split.stages > 1 and len(table):
        start, step, count = _every(split.stages, table.start, table.step, table.count)
        table = replace(table, start=start, step=step, count=count).take(count > 0)
    return table
