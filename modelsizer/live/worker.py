"""A thread that solves, with what it keeps from one question to the next."""

from __future__ import annotations

from collections import OrderedDict

from modelsizer.live.newest import Newest
from modelsizer.live.state import Asked
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.problem import Problem

MOST_KEPT = 32
"""Results that are kept: those of undo, of redo, and of a limit that moves to and fro."""


class Worker:
    """A thread that solves, and what it keeps from one question to the next.

    All but the queue is for the work on its thread alone.

    Parameters
    ----------
    name : str
        Of the thread.
    """

    def __init__(self, name: str) -> None:
        self.queue = Newest(name)
        self._last: Solver | None = None
        self._kept: OrderedDict[str, tuple[Result, bool]] = OrderedDict()

    def solver(self, problem: Problem, clock: Clock, *, anew: bool = False) -> Solver:
        """A solver of a problem, with the tables of earlier questions.

        The tables of a space that is listed change nothing of an answer, not even what its proof
        counts. Those of a larger one hold the boxes into which earlier searches split it: the
        answer is the same, and its proof counts others.

        Parameters
        ----------
        problem : Problem
        clock : Clock
        anew : bool
            Whether the proof must count what that of a new solver counts.
        """
        last = self._last
        if last is None:
            found = Solver(problem, clock=clock)
        elif last.store.listable(problem):
            found = Solver(problem, clock=clock, store=last.store)
        elif anew:
            return Solver(problem, clock=clock)
        else:
            found = Solver(problem, clock=clock, after=last)
        self._last = found
        return found

    def result(
        self, version: str, asked: Asked, clock: Clock, *, quick: bool = False
    ) -> tuple[Result, bool]:
        """The result of what is asked, kept or new.

        Parameters
        ----------
        version : str
            Of the file.
        asked : Asked
        clock : Clock
        quick : bool
            Leave out what needs more solves, where a space is too large to list: which constraints
            bind that the design is not at.

        Returns
        -------
        result : Result
        whole : bool
            Whether nothing was left out.
        """
        key = repr((version, sorted(asked.settings.items()), asked.without))
        kept = self._kept.get(key)
        if kept is not None:
            self._kept.move_to_end(key)
            if quick or kept[1]:
                return kept
        solver = self.solver(asked.problem, clock)
        quick = quick and not solver.store.listable(asked.problem)
        if kept is None:
            found, whole = solver.solve(details=not quick), not quick
            if found.status == "infeasible" and not whole:
                found, whole = solver.completed(found), True
        else:
            found, whole = solver.completed(kept[0]), True
        if found.status != "limit" and not clock.out_of_time:
            self._kept[key] = found, whole
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return found, whole
