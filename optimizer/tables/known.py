"""Facts about the boxes of a cover that no limit changes, kept between questions.

As with tables of width options (`modelsizer.optimizer.tables.store`), a fact is kept by what it
reads, for the last few values of it; it is computed for the boxes alone that were not asked for
before.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

import numpy as np

from modelsizer.optimizer.tables.grid import Ints
from modelsizer.problems.columns import Columns
from modelsizer.problems.records import dataclass

VERSIONS = 2
"""Values of what a fact reads for which it is kept: of two settings that take turns."""
MOST_KNOWN = 200_000
"""Boxes of which facts are kept: some 100 MB. Covers of more boxes are searched without."""

Facts = TypeVar("Facts", bound=Columns)


@dataclass(frozen=True, slots=True)
class _Kept:
    """Facts of some boxes, and the row of each box in them; -1 for others."""

    reads: Hashable
    facts: Columns
    row: Ints


class Known:
    """Facts about boxes by name, each with what it reads."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, list[_Kept]] = {}

    def facts(
        self, name: Hashable, reads: Hashable, boxes: Ints, found: Callable[[Ints], Facts]
    ) -> tuple[Facts, Ints]:
        """Return a fact about boxes, among others, and the row of each box.

        Parameters
        ----------
        name : hashable
            Of the fact; one name always gives the same columns.
        reads : hashable
            Everything that it depends on but the boxes.
        boxes : array of shape (B,)
            Numbers of different boxes.
        found : callable
            From the numbers of boxes to the fact about them.
        """
        kept = self._kept.setdefault(name, [])
        mine = next((one for one in kept if one.reads == reads), None)
        size = int(boxes.max(initial=-1)) + 1
        row = np.zeros(0, dtype=np.int64) if mine is None else mine.row
        row = np.concatenate([row, np.full(max(size - len(row), 0), -1)])
        missing = boxes[row[boxes] < 0]
        if mine is None or len(missing):
            facts, begin = found(missing), 0
            if mine is not None:
                begin = len(mine.facts)
                facts = type(facts).join([mine.facts, facts])  # type: ignore[list-item]
            row[missing] = np.arange(begin, begin + len(missing))
            if len(facts) > MOST_KNOWN:
                facts, row = _only(facts, row, boxes)
            kept[:] = [one for one in kept if one is not mine]
            mine = _Kept(reads, facts, row)
            kept.insert(0, mine)
            del kept[VERSIONS:]
        return mine.facts, mine.row[boxes]  # type: ignore[return-value]


def _only(facts: Facts, row: Ints, boxes: Ints) -> tuple[Facts, Ints]:
    """Return the facts of some boxes alone."""
    found = np.full(len(row), -1)
    found[boxes] = np.arange(len(boxes))
    return facts.take(row[boxes]), found
