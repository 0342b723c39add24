"""Branch and bound by a mixed-integer solver, refined until bound and incumbent agree."""

from __future__ import annotations

import math
from collections.abc import Callable

from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.milp.attended import attended
from modelsizer.optimizer.milp.formulation import formulate
from modelsizer.optimizer.milp.program import Backend
from modelsizer.optimizer.search.search import Search
from modelsizer.optimizer.tables.clock import Clock, Ending, Stop
from modelsizer.optimizer.tables.outcome import COMPARABLE, Progress, SolverResult
from modelsizer.problems.designs.evaluation import Evaluation


class MipSolve:
    """Solve a problem: tighten, then bound by a back end and refine, repeatedly.

    Parameters
    ----------
    model : Model
    engine : Backend
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
        engine: Backend,
        clock: Clock,
        tolerance: Callable[[float], float],
        complete: bool,
        progress: Progress | None,
        start: Evaluation | None = None,
    ) -> None:
        self.model, self.engine, self.clock = model, engine, clock
        self.tolerance, self.complete, self.progress = tolerance, complete, progress
        self.search = Search(model, clock, start)
        self.notes: list[str] = []
        self.proven = -math.inf
        self.last_bound: float | None = None

    def run(self) -> SolverResult:
        """Solve the problem."""
        with Ending() as ending:
            self.search.open(self.progress)
            self.search.tighten()
            ending.stop = self.search.stopped or self._rounds()
        return self._found(ending.stop)

    def _found(self, stop: Stop) -> SolverResult:
        """Return the result at a stop."""
        bound = self._bound
        if stop == "proven":
            # All other designs are excluded or compared: the incumbent is the bound.
            bound = self.search.value
        return SolverResult(
            self.search.incumbent,
            bound,
            stop,
            self.search.counts,
            tuple(self.notes),
            self.last_bound,
        )

    @property
    def _bound(self) -> float:
        return min(max(self.proven, self.search.floor), self.search.value)

    def _within(self) -> bool:
        value = self.search.value
        return math.isfinite(value) and value - self._bound <= self.tolerance(value)

    def _limit(self) -> Stop | None:
        if self.clock.out_of_time:
            return self.clock.stop
        return "nodes" if self.clock.out_of_nodes else None

    def _rounds(self) -> Stop:
        """Solve the program and refine it, repeatedly, until proven or stopped."""
        search = self.search
        while True:
            self._report()
            if not len(search.boxes):
                return "proven"
            if (limit := self._limit()) is not None:
                return limit
            if not self.complete and self._within():
                return "gap"
            settled = self._one_round()
            if settled or search.boxes.single.all():
                if not self.complete and self._within():
                    return "gap"
                return self._finish()

    def _one_round(self) -> bool:
        """Solve the program once and refine it; return True if the bound equals the incumbent."""
        search = self.search
        assert search.table is not None
        form = formulate(self.model, search.table, search.boxes, search.least)
        if form is None:
            search.halve()
            return False
        search.counts.rounds += 1
        search.counts.columns = len(form.program.cost)
        outcome = attended(lambda: self.engine(form.program, self.clock.left), self.clock)
        self.clock.nodes += max(outcome.nodes, 1)
        if outcome.note:
            self._note(outcome.note)
        bound = outcome.bound
        if bound == math.inf:
            # "Infeasible" may be a numerical failure. With an incumbent it is certainly wrong;
            # without one the remaining designs are compared before infeasibility is reported.
            if search.incumbent is not None:
                self._distrust(outcome.words)
                bound = None
            else:
                return True
        if bound is not None:
            value = self.model.to_value(form.scaled(bound))
            if value > search.value + self.tolerance(search.value):
                self._distrust(outcome.words)
            else:
                self.last_bound = value
                self.proven = max(self.proven, value)
        design = None if outcome.x is None else form.design(outcome.x)
        if design is not None:
            box, j = design
            search.offer(search.boxes.row[box : box + 1], j[None, :])
            if not search.boxes.single[box]:
                search.replace(search.boxes.without(box, j))
            else:
                search.prune()
        if self._within():
            return True
        if len(search.boxes):
            search.halve()
        return False

    def _distrust(self, words: str) -> None:
        self._note(f"the solver's claim ({words}) contradicts a known design and was ignored")

    def _note(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)

    def _finish(self) -> Stop:
        """Close the gap: compare all designs of the remaining boxes."""
        search = self.search
        while search.boxes.designs > COMPARABLE and not search.boxes.single.all():
            if (limit := self._limit()) is not None:
                return limit
            search.halve()
        return "proven" if search.compare() else self.clock.stop

    def _report(self) -> None:
        if self.progress is not None:
            self.progress(self.search.value, self._bound, len(self.search.boxes))
