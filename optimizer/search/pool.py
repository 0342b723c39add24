"""Blocks that wait to be split, from which the first by their bounds are taken."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from modelsizer.optimizer.search.block_bounds import Blocks

FRONT = 32_768
"""Blocks that are sorted among; the others wait apart until these are used up."""


class Pool:
    """Blocks, taken in order of their bounds.

    Those of least bound form a front, so that a round does not copy all that wait.

    Parameters
    ----------
    blocks : Blocks

    Attributes
    ----------
    none : Blocks
        No blocks.
    """

    def __init__(self, blocks: Blocks) -> None:
        self.none = blocks.take(np.zeros(0, dtype=np.int64))
        self._front, self._back = self.none, [blocks]
        self._edge = -np.inf

    def __len__(self) -> int:
        return len(self._front) + sum(map(len, self._back))

    @property
    def nbytes(self) -> int:
        """Bytes of all blocks."""
        return self._front.nbytes + sum(part.nbytes for part in self._back)

    @property
    def least(self) -> float:
        """The least bound; infinite without blocks."""
        parts = (self._front, *self._back)
        return min(float(part.least.min(initial=np.inf)) for part in parts)

    def below(self, value: float) -> Iterator[Blocks]:
        """Yield the blocks whose bound is at most a value, which stay."""
        yield from (part.take(part.least <= value) for part in (self._front, *self._back))

    def add(self, blocks: Blocks) -> None:
        """Add blocks."""
        first = blocks.least <= self._edge
        if len(self._front) + int(first.sum()) > 4 * FRONT:
            self._back += [self._front, blocks]
            self._front, self._edge = self.none, -np.inf
            return
        if first.all():
            self._front = self._front.plus(blocks)
            return
        self._front = self._front.plus(blocks.take(first))
        self._back.append(blocks.take(~first))

    def first(self, count: int, value: float) -> Blocks:
        """Remove and return so many blocks of least bound; forget those above a value."""
        front = self._front.take(self._front.least <= value)
        if not len(front) and self._back:
            front = self.none.plus(*(part.take(part.least <= value) for part in self._back))
            self._back, self._edge = [], np.inf
            if len(front) > FRONT:
                order = np.argpartition(front.least, FRONT)
                self._edge = float(front.least[order[FRONT]])
                self._back = [front.take(order[FRONT:])]
                front = front.take(order[:FRONT])
        if len(front) <= count:
            self._front = self.none
            return front
        order = np.argpartition(front.least, count)
        self._front = front.take(order[count:])
        return front.take(order[:count])
