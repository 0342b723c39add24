"""Points of a grid, solved one after another, each starting from what is known of the last."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from modelsizer.optimizer.constraints import (
    TOKENS,
    constraints,
    is_limit,
    name_of,
    written_settings,
)
from modelsizer.optimizer.result import Result, machine_of
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.sweeps.grids import SweepGrid
from modelsizer.optimizer.tables.clock import Clock, StoppedError
from modelsizer.problems.architecture.choices import WIDE
from modelsizer.problems.architecture.describing import architecture_dict
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.problem import Problem
from modelsizer.problems.units import Number

Row = dict[str, Any]
"""A solved point: ``index``, the swept keys, and the columns of `columns`, in this order."""

_ANSWER = ("status", "reason", "objective", "loss", *WIDE, "parameters", "tokens",
           "training_flops")  # fmt: skip
INVALID = "invalid"
"""Status of a point whose values are invalid together; its reason says why."""


def limit_names(problem: Problem, grid: SweepGrid) -> tuple[str, ...]:
    """Names of the limits at any point: the problem's, and those that only the grid sets."""
    names = [constraint.name for constraint in constraints(problem)]
    names += [name_of(axis.key) for axis in grid.axes if is_limit(axis.key)]
    names.sort(key=lambda name: name != TOKENS)
    return tuple(dict.fromkeys(names))


def columns(problem: Problem, grid: SweepGrid) -> tuple[str, ...]:
    """Names of a row's columns, in order.

    Settings of which the problem offers several values have the one chosen. Of each limit
    ``NAME_used``, and ``NAME_at_limit``: whether the design is at it.
    """
    limits = limit_names(problem, grid)
    uses = [f"{name}_{what}" for name in limits for what in ("used", "at_limit")]
    swept = tuple(axis.key for axis in grid.axes)
    machine = (key for key in problem.menus if key not in swept)
    return ("index", *swept, *_ANSWER, *machine, *uses)


def runs(indices: Sequence[int], size: int) -> list[tuple[int, ...]]:
    """Runs of neighbours of at most `size` points."""
    return [tuple(indices[at : at + size]) for at in range(0, len(indices), size)]


class PointSolver:
    """Solves points of a grid with one `modelsizer.optimizer.solver.Solver`, which keeps tables.

    Parameters
    ----------
    problem : Problem
        Without scenarios.
    grid : SweepGrid
    solver : str
        See `modelsizer.optimizer.solver.solve`.
    time_limit : float, optional
        Seconds, of each point.

    Raises
    ------
    ValueError
        If the solver is unknown or not installed.
    """

    def __init__(
        self,
        problem: Problem,
        grid: SweepGrid,
        solver: str,
        time_limit: float | None = None,
    ) -> None:
        self.problem, self.grid, self.time_limit = problem, grid, time_limit
        self._solver = Solver(problem, solver=solver)
        self._empty = dict.fromkeys(columns(problem, grid))

    def under(self, clock: Clock) -> PointSolver:
        """Solve the next points under a clock of all of them together, and return this solver."""
        self._solver.clock = clock
        return self

    def row(self, index: int) -> Row:
        """Solve one point.

        Raises
        ------
        KeyboardInterrupt
            If the solve is interrupted: its result is then incomplete.
        StoppedError
            If it is stopped by the clock or for want of memory, not by the point's own limit.
        """
        clock = self._solver.clock
        clock.check()
        point = self.grid.point(index)
        row = self._empty | {"index": index} | point
        try:
            problem = self.problem.with_settings(written_settings(point))
        except ProblemError as error:
            return row | {"status": INVALID, "reason": str(error).replace("\n", "; ")}
        result = self._solver.solve(problem=problem, time_limit=self.time_limit, details=False)
        if result.stop == "interrupted":
            raise KeyboardInterrupt
        if result.stop == "memory" or (result.status == "limit" and clock.out_of_time):
            raise StoppedError(result.stop)
        return row | {key: value for key, value in _answer(result).items() if key not in point}

    def rows(self, indices: Iterable[int]) -> Iterator[Row]:
        """Solve points in turn."""
        return (self.row(index) for index in indices)


def _answer(result: Result) -> Row:
    found: Row = {"status": result.status, "objective": _finite(result.objective.value)}
    if (design := result.design) is None:
        return found
    found |= machine_of(result.problem, design)
    widths: Mapping[str, Any] = architecture_dict(design.architecture)
    found |= {"loss": design.loss, **{name: widths[name] for name in WIDE}}
    found["parameters"] = design.parameters.total
    found |= {
        "tokens": _finite(design.tokens),
        "training_flops": _finite(design.training_flops),
    }
    for use in result.budgets:
        at = found.get(f"{use.name}_at_limit", False)  # one of the two ends is enough
        found |= {f"{use.name}_used": _finite(use.used), f"{use.name}_at_limit": at or use.binding}
    return found


def _finite(value: Number | None) -> Number | None:
    return None if value is None or not math.isfinite(value) else value
