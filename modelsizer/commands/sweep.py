"""The command that solves a grid of problems: sweep."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import STOPPED, told
from modelsizer.commands.options import (
    File,
    Json,
    SolverName,
    Without,
    check_ending,
    check_time_limit,
)
from modelsizer.commands.output import emit

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.sweeps.files import Question, SweepFile
    from modelsizer.optimizer.sweeps.grid_solves import Row


@contextmanager
def _bar(total: int, done: int) -> Iterator[Callable[[], None]]:
    """A bar with the time left on standard error, where a person is looking."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(elapsed_when_finished=True))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total, completed=done)
        yield lambda: progress.advance(task)


def sweep(
    file: File,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUES",
            help="A value for all points, a list (a,b,c) or a range: FROM..TO:log:N, "
            "FROM..TO:lin:N, FROM..TO:step=S. Repeatable; the last key changes fastest.",
        ),
    ] = None,
    without: Without = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Worker processes; 1 solves here. By default as many as pay."),
    ] = None,
    dask: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Solve on Dask: tcp://HOST:PORT, or local."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Keep the results: .jsonl, or .parquet with a .jsonl beside it.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option(help="Go on with what the file holds, or start anew.")
    ] = True,
    solver: SolverName = "auto",
    time_limit: Annotated[float | None, typer.Option(help="Seconds, of each point.")] = None,
    json_: Json = None,
) -> None:
    """Solve a problem at every point of a grid of settings.

    The file is the same however it was solved, and a sweep that was killed goes on from it. Points
    without a design are rows as well.
    Exit status: 0 all points are there, 2 bad input, 3 interrupted.
    """
    with told():
        from modelsizer.optimizer.solver import Solver
        from modelsizer.optimizer.sweeps.files import ENDINGS, Question
        from modelsizer.optimizer.sweeps.grids import axis_of, grid_of, split_problem
        from modelsizer.optimizer.sweeps.workers import check_dask
        from modelsizer.problems.table_files import check_parquet

        check_ending("--output", output, *ENDINGS)
        if output is not None and output.suffix == ".parquet":
            check_parquet()
        if dask is not None:
            check_dask(dask)
        problem, many = split_problem(file, set_ or [], without or [])
        problem = problem.without_scenarios()
        grid = grid_of(problem, [axis_of(problem, key, text) for key, text in many.items()])
        with told(ValueError):
            Solver(problem, solver=solver)
        check_time_limit(time_limit)
        question = Question(problem, grid, solver, time_limit)
        started = time.perf_counter()
        rows, solved = _solved(question, output, resume, jobs, dask)
        seconds = time.perf_counter() - started

        def show(console: Console) -> None:
            from modelsizer.text.sweep import print_sweep

            print_sweep(console, problem, grid, rows, solved=solved, seconds=seconds, path=output)

        content = {
            "name": problem.name,
            "points": len(grid),
            "solved": solved,
            "seconds": round(seconds, 6),
            "grid": grid.to_list(),
            "rows": rows,
        }
        emit(content, json_, show)


def _solved(
    question: Question, output: Path | None, resume: bool, jobs: int | None, dask: str | None
) -> tuple[list[Row], int]:
    """All rows in the grid's order, and how many of them were solved now."""
    from modelsizer.optimizer.sweeps.files import SweepFile
    from modelsizer.optimizer.sweeps.grid_solves import columns
    from modelsizer.optimizer.sweeps.workers import LostWorkerError, results

    total = len(question.grid)
    lines = None if output is None else output.with_suffix(".jsonl")
    with ExitStack() as stack:
        file = (
            None
            if lines is None
            else stack.enter_context(SweepFile(lines, question, resume=resume))
        )
        rows = {} if file is None else file.rows
        missing = range(total) if file is None else file.missing
        if file is not None and file.found and missing:
            print(f"{lines}: {file.found:,} of {total:,} points are there", file=sys.stderr)
        done = 0
        try:
            with (
                _bar(total, total - len(missing)) as advance,
                closing(results(question, missing, jobs, dask)) as found,
            ):
                for row in found:
                    if file is None:
                        rows[row["index"]] = row
                    else:
                        file.append(row)
                    done += 1
                    advance()
        except (KeyboardInterrupt, LostWorkerError) as error:
            what = f"error: {error}" if isinstance(error, LostWorkerError) else "interrupted"
            print(f"{what}; {_how_to_go_on(file, total)}", file=sys.stderr)
            raise typer.Exit(STOPPED) from None
        if file is not None:
            file.finish()
    ordered = [rows[index] for index in range(total)]
    if output is not None and output.suffix == ".parquet":
        from modelsizer.problems.table_files import write_mixed_parquet

        write_mixed_parquet(output, ordered, columns(question.problem, question.grid))
    return ordered, done


def _how_to_go_on(file: SweepFile | None, total: int) -> str:
    if file is None:
        return "nothing was kept: -o FILE.jsonl keeps every point as soon as it is solved"
    there = f"{file.path} holds {file.kept:,} of {total:,} points"
    return f"{there}, and the same command goes on from there"
