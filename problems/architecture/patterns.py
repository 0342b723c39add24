"""Which layers of a stack are of which kind, as rows of depths that are affine in their axes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from modelsizer.problems.architecture.depths import Depths
from numpy.typing import NDArray

Ints = NDArray[np.int64]


class Pattern(Protocol):
    """How a total depth divides into kinds of layer."""

    @property
    def kinds(self) -> int:
        """Kinds of layer, in the order in which a block gives them."""

    def rows(self, start: Ints, step: Ints, count: Ints) -> Iterator[tuple[Ints, Depths]]:
        """Every design of some runs of depths, each once.

        Parameters
        ----------
        start, step, count : array of shape (W,)
            Layers in all are ``start + step * j`` for j = 0 ... count - 1.

        Yields
        ------
        run : array of shape (n,)
            The run that each row is of.
        depths : Depths
            n rows; never of a design that the pattern has not.
        """


@dataclass(frozen=True, slots=True)
class Uniform:
    """All layers are of one kind."""

    @property
    def kinds(self) -> int:
        """One."""
        return 1

    def rows(self, start: Ints, step: Ints, count: Ints) -> Iterator[tuple[Ints, Depths]]:
        """One row for each run."""
        yield np.arange(len(start)), Depths.uniform(start, step, count)


UNIFORM = Uniform()


@dataclass(frozen=True, slots=True)
class Every:
    """One layer in `period` is of the first kind, all others of the second.

    Of L layers ``floor(L / period)`` are of the first kind; a depth of which none is has no design.
    The floor is affine on each residue of L modulo the period, so a run takes a row for each.
    """

    period: int

    @property
    def kinds(self) -> int:
        """Two."""
        return 2

    def rows(self, start: Ints, step: Ints, count: Ints) -> Iterator[tuple[Ints, Depths]]:
        """One row for each run and residue."""
        n = self.period
        apart = n // np.gcd(n, step)  # steps of a run from a residue to itself
        for residue in range(int(apart.max(initial=0))):
            total, each = start + step * residue, step * apart
            left = np.where(residue < apart, -(-(count - residue) // apart), 0)
            none = total < n  # no layer of the first kind yet
            total, left = total + each * none, left - none
            run = np.flatnonzero(left > 0)
            total, each = total[run], each[run]
            first, more = total // n, each // n
            yield (
                run,
                Depths(
                    np.stack([first, total - first], axis=1),
                    np.stack([more, each - more], axis=1)[:, :, None],
                    left[run, None],
                ),
            )


@dataclass(frozen=True, slots=True)
class Free:
    """Any number of layers from `least` to `most` is of the first kind, all others of the second.

    One row for each run and number; a stack of the first kind alone is a row of its own.
    """

    least: int
    most: int

    @property
    def kinds(self) -> int:
        """Two."""
        return 2

    def rows(self, start: Ints, step: Ints, count: Ints) -> Iterator[tuple[Ints, Depths]]:
        """Rows whose only axis adds layers of the second kind."""
        for first in range(max(self.least, 1), self.most + 1):
            # The least depth of a run with more layers than these.
            skip = np.maximum(0, (first - start) // step + 1)
            run = np.flatnonzero(skip < count)
            others = start[run] + step[run] * skip[run] - first
            yield run, _fixed(first, others, step[run], (count - skip)[run])
            alone = (first >= start) & ((first - start) % step == 0)
            run = np.flatnonzero(alone & ((first - start) // step < count))
            one = np.ones(len(run), dtype=np.int64)
            yield run, _fixed(first, 0 * one, 0 * one, one)


def _fixed(first: int, others: Ints, step: Ints, count: Ints) -> Depths:
    """Rows of a fixed number of the first kind."""
    start = np.stack([np.full(len(others), first), others], axis=1)
    return Depths(start, np.stack([0 * step, step], axis=1)[:, :, None], count[:, None])
