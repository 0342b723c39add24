"""Common parts of the methods that evaluate designs: tables, clock and counters."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable

from modelsizer.optimizer.fronts.archive import Archive
from modelsizer.optimizer.fronts.front import Zone
from modelsizer.optimizer.search.compare import DESIGNS_AT_ONCE, box_designs
from modelsizer.optimizer.tables.clock import Clock, Stop
from modelsizer.optimizer.tables.table import Ints, Table

Report = Callable[[int, int], None]
"""Called with the numbers of points found and designs evaluated so far."""


class Scan(ABC):
    """A front computed by evaluating designs.

    Parameters
    ----------
    archive : Archive
    clock : Clock
    report : callable, optional

    Attributes
    ----------
    looked_at : int
    """

    def __init__(self, archive: Archive, clock: Clock, report: Report | None = None) -> None:
        self.archive, self.clock, self.report = archive, clock, report
        self.looked_at = 0

    def run(self) -> Stop:
        """Search; return why the search ended."""
        try:
            for table in self._tables():
                if not self._search(table):
                    return "time"
        except KeyboardInterrupt:
            return "interrupted"
        return "proven"

    def unexplored(self) -> list[Zone]:
        """Zones that may contain missed points: all, as nothing is known of other designs."""
        nothing = (None,) * len(self.archive.scorer.goals)
        return [Zone(nothing, nothing)]

    @abstractmethod
    def _search(self, table: Table) -> bool:
        """Search a table; False if time ran out."""

    def _tables(self) -> Iterable[Table]:
        scorer = self.archive.scorer
        return scorer.model.store.tables(scorer.problem, scorer.names)

    def _look(self, table: Table, row: Ints, low: Ints, high: Ints) -> bool:
        """Evaluate every design of some boxes; False if time ran out."""
        for part, j in box_designs(row, low, high, DESIGNS_AT_ONCE):
            if self._late:
                return False
            self.archive.offer(table, part, j)
            self.looked_at += len(part)
            self._tell()
        return True

    @property
    def _late(self) -> bool:
        """Whether to stop: time is up, and at least one point was found."""
        return self.clock.out_of_time and bool(self.archive.points)

    def _tell(self) -> None:
        if self.report is not None:
            self.report(self.archive.points, self.looked_at)
