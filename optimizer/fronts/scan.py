"""Common parts of the methods that evaluate designs: tables, clock and counters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

import numpy as np

from modelsizer.optimizer.fronts.archive import Archive
from modelsizer.optimizer.fronts.front import Zone, everything
from modelsizer.optimizer.fronts.scores import Columns
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, at_once, box_designs
from modelsizer.optimizer.tables.boxes import Boxes
from modelsizer.optimizer.tables.clock import Clock, Ending, OutOfTimeError, Stop
from modelsizer.optimizer.tables.table import Ints, Mask, Table

Report = Callable[[int, int], None]
"""Called with the numbers of points found and designs evaluated so far."""

SECONDS_A_POINT, SECONDS_AT_ONCE = 1e-4, 1e-5
"""Time to compute the exact values of a point at the end, one by one and in arrays, which the
search keeps back."""
_BYTES_A_POINT = 500  # of the designs compared in a merge


class Scan(ABC):
    """A front computed by evaluating designs.

    Parameters
    ----------
    archive : Archive
    clock : Clock
    report : callable, optional
    seconds_a_point : float
        Time that the caller needs for each point afterwards.

    Attributes
    ----------
    looked_at : int
    """

    def __init__(
        self,
        archive: Archive,
        clock: Clock,
        report: Report | None = None,
        seconds_a_point: float = 0.0,
    ) -> None:
        self.archive, self.clock, self.report = archive, clock, report
        in_arrays = archive.scorer.at_once is not None and archive.scorer.at_once.reliable
        self._seconds_a_point = seconds_a_point + (
            SECONDS_AT_ONCE if in_arrays else SECONDS_A_POINT
        )
        self.looked_at = 0

    def run(self) -> Stop:
        """Search; return why the search ended."""
        ending = Ending()
        with ending:
            for table in self._tables():
                self._search(table)
        return ending.stop

    def unexplored(self) -> list[Zone]:
        """Zones that may contain missed points: all, as nothing is known of other designs."""
        return [everything(self.archive.scorer.goals)]

    @abstractmethod
    def _search(self, table: Table) -> None:
        """Search a table."""

    def _tables(self) -> Iterator[Table]:
        """Yield the tables of the problem.

        Raises
        ------
        StoppedError
            At a limit of time or memory.
        """
        scorer = self.archive.scorer
        for table in scorer.model.store.tables(scorer.problem, scorer.names):
            self._check()
            yield table

    def _look(self, table: Table, boxes: Boxes, least: Columns | None = None) -> None:
        """Evaluate every design of some boxes.

        Parameters
        ----------
        table : Table
        boxes : Boxes
        least : list of arrays of shape (B,), optional
            Ideal points of the boxes: designs that are dominated at them are not evaluated.
        """
        number = np.arange(len(boxes))
        most = at_once(self.clock, DESIGNS_AT_ONCE)
        for box, j in box_designs(number, boxes.low, boxes.high, most):
            self._check()
            row = boxes.row[box]
            self.looked_at += len(row)
            if least is not None:
                new = self._may_be_new(table, row, j, [column[box] for column in least])
                row, j = row[new], j[new]
            self.archive.offer(table, row, j)
            self._tell()

    def _may_be_new(self, table: Table, row: Ints, j: Ints, least: Columns) -> Mask:
        """Mask of designs that the front does not dominate, whatever their noisy values are."""
        scorer = self.archive.scorer
        columns = scorer.columns(table, row, j, np.zeros(len(row)))
        for i in scorer.noisy:
            columns[i] = least[i]
        return ~self.archive.rules_out(table, columns)

    def _check(self) -> None:
        """Raise StoppedError at a limit, or if the points found need the time that is left."""
        points, limit = self.archive.points, self.clock.limits.seconds
        self.clock.check(points * _BYTES_A_POINT)
        if limit is not None and self.clock.elapsed + points * self._seconds_a_point >= limit:
            raise OutOfTimeError

    def _tell(self) -> None:
        if self.report is not None:
            self.report(self.archive.points, self.looked_at)
