"""Solve several problems over one space in turn, within one time limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from modelsizer.optimizer.result import PROVEN, Result
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.tables.clock import Ending
from modelsizer.problems.problem import Problem

Progress = Callable[[int, int], None]
"""Called with the number of problems solved and the total number."""


def solve_each(
    solver: Solver, problems: Sequence[Problem], progress: Progress | None = None
) -> tuple[list[Result], Ending]:
    """Solve problems one after the other, each with an equal share of the time that is left.

    Returns
    -------
    results : list of Result
        Of all problems; those that the time did not suffice for are not solved.
    ending : Ending
    """
    clock = solver.clock
    results: list[Result] = []
    ending = Ending()
    with ending:
        for problem in problems:
            clock.check()
            share = clock.share(len(problems) - len(results))
            results.append(solver.solve(problem=problem, time_limit=share, details=False))
            if results[-1].stop == "interrupted":
                raise KeyboardInterrupt
            if progress is not None:
                progress(len(results), len(problems))
    left = problems[len(results) :]
    results += [Result.unsolved(problem, solver.solver, ending.stop) for problem in left]
    ending.stop = next((r.stop for r in results if r.stop not in PROVEN), ending.stop)
    return results, ending
