"""Kinds of layer in a stack, as rows of depths that are affine in their axes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from modelsizer.problems.architecture.depths import Depths

Ints = NDArray[np.int64]


class Pattern(Protocol):
    """How a total depth divides into kinds of layer."""

    def __hash__(self) -> int:
        """Patterns are values: equal ones count the same designs."""

    @property
    def kinds(self) -> int:
        """Number of kinds of layer, ordered as in the block."""

    def rows(self, start: Ints, step: Ints, count: Ints) -> Iterator[tuple[Ints, Depths]]:
        """Enumerate the designs of some ranges of total depth, each once.

        Parameters
        ----------
        start, step, count : array of shape (W,)
            Total depths are ``start + step * j`` for j = 0 ... count - 1.

        Yields
        ------
        run : array of shape (n,)
            Range that each row belongs to.
        depths : Depths
            n rows, with only the designs that the pattern allows.
        """


@dataclass(frozen=True, slots=True)
class Uniform:
    """All layers have one kind."""

    @property
    def kinds(self) -> int:
        """One."""
        return 1

    def rows(self, start: Ints, step: Ints, count: Ints) -> Iterator[tuple[Ints, Depths]]:
        """One row per range."""
        yield np.arange(len(start)), Depths.uniform(start, step, count)


UNIFORM = Uniform()


@dataclass(frozen=True, slots=True)
class Every:
    """One layer in `period` is of the first kind, all others are of the second.

    L layers include ``floor(L / period)`` of the first kind; depths without any are not designs.
    The floor is affine on each residue of L modulo the period, so a range has a row per residue.
    """

    period: int

    @property
    def kinds(self) -> int:
        """Two."""
        return 2

    def rows(self, start: Ints, step: Ints, count: Ints) -> Iterator[tuple[Ints, Depths]]:
        """One row per range and residue."""
        n = self.period
        apart = n // np.gcd(n, step)  # steps of a range between equal residues
        for residue in range(int(apart.max(initial=0))):
            total, each = start + step * residue, step * apart
            left = np.where(residue < apart, -(-(count - residue) // apart), 0)
            none = total < n  # depths without a layer of the first kind
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
    """Any number of layers from `least` to `most` is of the first kind, the others of the second.

    One row per range and number; stacks of the first kind alone are a row of their own.
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
            # Least depth of a range that exceeds these layers.
            skip = np.maximum(0, (first - start) // step + 1)
            run = np.flatnonzero(skip < count)
            others = start[run] + step[run] * skip[run] - first
            yield run, _fixed(first, others, step[run], (count - skip)[run])
            alone = (first >= start) & ((first - start) % step == 0)
            run = np.flatnonzero(alone & ((first - start) // step < count))
            one = np.ones(len(run), dtype=np.int64)
            yield run, _fixed(first, 0 * one, 0 * one, one)


def _fixed(first: int, others: Ints, step: Ints, count: Ints) -> Depths:
    """Rows with a fixed number of layers of the first kind."""
    start = np.stack([np.full(len(others), first), others], axis=1)
    return Depths(start, np.stack([0 * step, step], axis=1)[:, :, None], count[:, None])
