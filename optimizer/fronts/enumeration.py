"""A front by looking at every design.

The nondominated of each piece of the space are merged with those of the pieces before; moocore's
dimension sweep (Kung, Luccio and Preparata 1975, doi 10.1145/321906.321910) decides.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from optimizer.clock import Clock
from optimizer.compare import DESIGNS_AT_ONCE, box_designs
from optimizer.fronts.archive import Archive
from optimizer.fronts.front import Zone
from optimizer.program import Stop

Report = Callable[[int, int], None]
"""Called with the points found so far and the designs looked at."""


class Enumeration:
    """A front by looking at every design.

    Parameters
    ----------
    archive : Archive
    clock : Clock
    report : callable, optional
    """

    def __init__(self, archive: Archive, clock: Clock, report: Report | None = None) -> None:
        self.archive, self.clock, self.report = archive, clock, report
        self.looked_at = 0

    def run(self) -> Stop:
        """Look at every design; why it ended."""
        scorer = self.archive.scorer
        try:
            for table in scorer.model.store.tables(scorer.problem, scorer.names):
                low = np.zeros_like(table.count)
                row = np.arange(len(table))
                for part, j in box_designs(row, low, table.count - 1, DESIGNS_AT_ONCE):
                    if self.clock.out_of_time and self.archive.points:
                        return "time"
                    self.archive.offer(table, part, j)
                    self.looked_at += len(part)
                    if self.report is not None:
                        self.report(self.archive.points, self.looked_at)
        except KeyboardInterrupt:
            return "interrupted"
        return "proven"

    def unexplored(self) -> list[Zone]:
        """Nothing is known of the designs that were not looked at."""
        nothing = (None,) * len(self.archive.scorer.goals)
        return [Zone(nothing, nothing)]
