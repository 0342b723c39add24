"""Common parts of the methods that evaluate designs: tables, clock and counters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator

from modelsizer.optimizer.fronts.archive import Archive
from modelsizer.optimizer.fronts.front import Zone, everything
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, at_once, box_designs
from modelsizer.optimizer.tables.clock import Clock, Ending, OutOfTimeError, Stop
from modelsizer.optimizer.tables.table import Ints, Table

Report = Callable[[int, int], None]
"""Called with the numbers of points found and designs evaluated so far."""

SECONDS_A_POINT = 1e-4
"""Time to compute the exact values of a point at the end, kept back by the search."""
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
        self._seconds_a_point = SECONDS_A_POINT + seconds_a_point
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

    def _look(self, table: Table, row: Ints, low: Ints, high: Ints) -> None:
        """Evaluate every design of some boxes."""
        for part, j in box_designs(row, low, high, at_once(self.clock, DESIGNS_AT_ONCE)):
            self._check()
            self.archive.offer(table, part, j)
            self.looked_at += len(part)
            self._tell()

    def _check(self) -> None:
        """Raise StoppedError at a limit, or if the points found need the time that is left."""
        points, limit = self.archive.points, self.clock.limits.seconds
        self.clock.check(points * _BYTES_A_POINT)
        if limit is not None and self.clock.elapsed + points * self._seconds_a_point >= limit:
            raise OutOfTimeError

    def _tell(self) -> None:
        if self.report is not None:
            self.report(self.archive.points, self.looked_at)
