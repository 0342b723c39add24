"""Branch and bound without a mixed-integer solver: tighten, split, compare the rest.

The bounds are those of `modelsizer.optimizer.bounds.relaxation` (for large menus also of
`modelsizer.optimizer.search.blocks`), so on each box they equal the root bounds of the
mixed-integer program.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.search.search import FEW_DESIGNS, Search
from modelsizer.optimizer.tables.clock import Clock, Ending, Stop
from modelsizer.optimizer.tables.outcome import COMPARABLE, Progress, SolverResult
from modelsizer.problems.designs.evaluation import Evaluation

_DEEP = 16
"""Designs a box from which it takes less time to halve all boxes than to compare all designs."""
_PAYS = 0.7
"""Share of the designs that a halving leaves at most if the next is likely to pay too."""


class BoundSolve:
    """Solve a problem by bounds only.

    Parameters
    ----------
    model : Model
    clock : Clock
    tolerance : callable
        From an incumbent's value to the gap at which the solve is finished.
    complete : bool
        Compare all remaining designs exactly, so that the gap is zero and ties are resolved.
    progress : callable or None
    start : Evaluation, optional
        A design to start from, or near which to seek one if it is infeasible.
    """

    def __init__(
        self,
        model: Model,
        clock: Clock,
        tolerance: Callable[[float], float],
        complete: bool,
        progress: Progress | None,
        start: Evaluation | None = None,
    ) -> None:
        self.model, self.clock = model, clock
        self.tolerance, self.complete, self.progress = tolerance, complete, progress
        self.search = Search(model, clock, start)

    def run(self) -> SolverResult:
        """Solve the problem."""
        search = self.search
        with Ending() as ending:
            search.open(self.progress)
            ending.stop = self._close()
        bound = search.value if ending.complete else min(search.floor, search.value)
        return SolverResult(search.incumbent, bound, ending.stop, search.counts)

    def _close(self) -> Stop:
        search = self.search
        if search.stopped is not None:
            return search.stopped
        while len(search.boxes):
            if self.progress is not None:
                self.progress(search.value, search.floor, len(search.boxes))
            if self.clock.out_of_time:
                return self.clock.stop
            if self.clock.out_of_nodes:
                return "nodes"
            gap = search.value - search.floor
            if not self.complete and math.isfinite(gap) and gap <= self.tolerance(search.value):
                return "gap"
            if search.boxes.single.all() or search.boxes.designs <= COMPARABLE:
                self._thin()
                return "proven" if search.compare() else self.clock.stop
            search.halve()
            self.clock.nodes += 1
        return "proven"

    def _thin(self) -> None:
        """Halve boxes of many designs before all of these are compared, as long as it pays."""
        search, pays = self.search, True
        while pays and search.boxes.designs > max(FEW_DESIGNS, _DEEP * len(search.boxes)):
            designs = search.boxes.designs
            search.halve()
            pays = search.boxes.designs < _PAYS * designs
