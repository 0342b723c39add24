"""A problem solved at every point of a grid of settings, here or in workers, kept in a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from modelsizer.optimizer.solver import DEFAULT_SOLVER, Solver
from modelsizer.optimizer.sweeps.files import ENDINGS, Question, SweepFile
from modelsizer.optimizer.sweeps.grids import SweepGrid, grid_of, values_axis
from modelsizer.optimizer.sweeps.points import Row, columns
from modelsizer.optimizer.sweeps.workers import check_dask, results
from modelsizer.optimizer.tables.clock import Clock, Stop, StoppedError, stop_of
from modelsizer.problems.brief import counted, named
from modelsizer.problems.errors import ArgumentError, require_number, require_type
from modelsizer.problems.files import check_writable
from modelsizer.problems.problem import Problem
from modelsizer.problems.provenance import sources
from modelsizer.problems.records import dataclass
from modelsizer.problems.shown import Drawn, Tabled
from modelsizer.problems.table_files import check_parquet, write_mixed_parquet


@dataclass(frozen=True, slots=True)
class SweepResult(Tabled, Drawn):
    """The solved points of a grid.

    Parameters
    ----------
    problem : Problem
        The base, without scenarios.
    grid : SweepGrid
    rows : tuple of dict
        One for each point, in the grid's order; see `modelsizer.optimizer.sweeps.points.columns`.
        Points without a design are rows as well; those that were not reached are not.
    solved : int
        Points solved now; the others were in the file.
    seconds : float
    stop : str
        Why it ended; "proven" if all points are there.
    """

    problem: Problem
    grid: SweepGrid
    rows: tuple[Row, ...]
    solved: int
    seconds: float
    stop: Stop = "proven"

    def _words(self) -> str:
        keys = ", ".join(axis.key for axis in self.grid.axes)
        whole = "" if self.complete else f"; not complete ({self.stop})"
        return (
            f"of {named(self.problem.name)} over {keys}: {counted(len(self.rows), 'point')}{whole}"
        )

    @property
    def complete(self) -> bool:
        """Whether all points are there."""
        return self.stop == "proven"

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        return {
            "name": self.problem.name,
            "complete": self.complete,
            "stop": self.stop,
            "points": len(self.grid),
            "solved": self.solved,
            "seconds": round(self.seconds, 6),
            "grid": self.grid.to_list(),
            "rows": list(self.rows),
        } | sources(self.problem)


def sweep(
    problem: Problem,
    grid: SweepGrid | Mapping[str, Sequence[Any]],
    *,
    path: Path | None = None,
    resume: bool = True,
    jobs: int | None = None,
    dask: str | None = None,
    solver: str = DEFAULT_SOLVER,
    time_limit: float | None = None,
    point_time_limit: float | None = None,
    clock: Clock | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SweepResult:
    """Solve a problem at every point of a grid of settings.

    The rows, and the file, are the same however the points were solved.

    Parameters
    ----------
    problem : Problem
    grid : SweepGrid or mapping of str to sequence
        Values by dotted key; those of the last key change fastest.
    path : Path, optional
        Keep the results: ``.jsonl``, written point by point, or ``.parquet`` with a ``.jsonl``
        beside it.
    resume : bool
        Continue with the points that the file holds; if not, start anew.
    jobs : int, optional
        Worker processes; 1 solves in this one. By default as many as this machine has cores, once
        solving here has shown that they pay.
    dask : str, optional
        Address of a Dask scheduler, ``tcp://HOST:PORT``, or ``"local"``.
    solver : str
        See `modelsizer.optimizer.solver.solve`.
    time_limit : float, optional
        Seconds, of all points together; on reaching it, the points that are there are returned.
    point_time_limit : float, optional
        Seconds, of each point; one that takes longer is a row that says so.
    clock : Clock, optional
        Of the question that this is part of, in place of a time limit.
    progress : callable, optional
        Called with the number of points that are there and of all: before the first solve, and
        after each.

    Returns
    -------
    SweepResult

    Raises
    ------
    ProblemError
        If a value makes no problem at any point.
    ArgumentError
        If a time limit is negative or not finite, or the ending of the path or the address of Dask
        is wrong.
    ModelsizerError
        If the file is another's or cannot be written, or Dask or pyarrow is not installed.
    LostWorkerError
        If a worker dies; the file holds what was solved.
    ValueError
        If the solver is unknown or not installed.
    KeyboardInterrupt
        If interrupted; the file holds what was solved.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> found = sweep(Problem.load("phone-2gb"), {"budgets.serving_memory": ["1 GB", "2 GB"]})
    >>> [row["layers"] for row in found.rows]
    [24, 30]
    """
    require_type("problem", problem, Problem)
    require_type("grid", grid, SweepGrid | Mapping)
    clock = Clock.of(time_limit) if clock is None else clock
    base = problem.without_scenarios()
    if isinstance(grid, Mapping):
        grid = grid_of(base, [values_axis(base, key, values) for key, values in grid.items()])
    if path is not None and path.suffix not in ENDINGS:
        raise ArgumentError("path", f"{path} must end in {' or '.join(ENDINGS)}")
    if path is not None and path.suffix == ".parquet":
        check_parquet()
        check_writable(path)
    if point_time_limit is not None:
        require_number("point_time_limit", point_time_limit, least=0)
    if dask is not None:
        check_dask(dask)
    Solver(base, solver=solver)  # refuses one that there is not, before any worker does
    question = Question(base, grid, solver, point_time_limit)
    total, solved = len(grid), 0
    stop: Stop = "proven"
    with ExitStack() as stack:
        file = None
        if path is not None:
            lines = path.with_suffix(".jsonl")
            file = stack.enter_context(SweepFile(lines, question, resume=resume))
        rows: dict[int, Row] = {} if file is None else file.rows
        missing = range(total) if file is None else file.missing
        found = stack.enter_context(closing(results(question, missing, jobs, dask, clock)))
        if progress is not None:
            progress(total - len(missing), total)
        try:
            for row in found:
                if file is None:
                    rows[row["index"]] = row
                else:
                    file.append(row)
                solved += 1
                if progress is not None:
                    progress(len(rows), total)
        except (StoppedError, MemoryError) as error:
            stop = stop_of(error)
        if file is not None and stop == "proven":
            file.finish()
    ordered = tuple(rows[index] for index in sorted(rows))
    if path is not None and path.suffix == ".parquet" and ordered:
        write_mixed_parquet(path, ordered, columns(base, grid))
    return SweepResult(base, grid, ordered, solved, clock.elapsed, stop)
