"""The command sweep: solve a problem at every point of a grid of settings."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelsizer.commands.app import STOPPED, fail, say, user_errors
from modelsizer.commands.options import (
    MOST_JOBS,
    File,
    Json,
    Plot,
    PlotSize,
    SolverName,
    TimeLimit,
    Without,
    check_ending,
    check_plot,
)
from modelsizer.commands.output import STANDARD_OUTPUT, Output, emit, plot_file
from modelsizer.commands.paths import check_files, keep_laws, of_option

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress


@contextmanager
def _bar(lines: Path | None) -> Iterator[Callable[[int, int], None]]:
    """Show a progress bar with the remaining time on standard error, if it is a terminal.

    Parameters
    ----------
    lines : Path or None
        The output file; the number of its existing points is printed before the first solve.
    """
    with ExitStack() as stack:
        bar: Progress | None = None
        begun = False

        def show(done: int, total: int) -> None:
            nonlocal bar, begun
            if begun:
                if bar is not None:
                    bar.update(bar.task_ids[0], completed=done)
                return
            begun = True
            if lines is not None and 0 < done < total:
                say(f"{lines}: {done:,} of {total:,} points are there")
            if sys.stderr.isatty():
                bar = stack.enter_context(_progress())
                bar.add_task("", total=total, completed=done)

        yield show


def _progress() -> Progress:
    from rich import progress
    from rich.console import Console

    from modelsizer.text.kit.terminal import environment, sized

    left = progress.TimeRemainingColumn(elapsed_when_finished=True)
    columns = (progress.BarColumn(), progress.MofNCompleteColumn(), left)
    shown_on = sized(Console(stderr=True, _environ=environment()))
    return progress.Progress(*columns, console=shown_on, transient=True)


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
        typer.Option(
            min=1,
            max=MOST_JOBS,
            help="Use N worker processes; 1 solves in this one. By default as many as pay.",
        ),
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
            help="Keep the results in PATH: .jsonl, or .parquet with a .jsonl beside it.",
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option(help="Go on with what the file holds, or start anew.")
    ] = True,
    solver: SolverName = "auto",
    time_limit: TimeLimit = None,
    point_time_limit: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", help="Stop each point after so many seconds; its row then says so."
        ),
    ] = None,
    json_: Json = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Solve a problem at every point of a grid of settings.

    The file is the same however it was solved, and a sweep that was killed goes on from it. Points
    without a design are rows as well. The picture is of the objective along the last key of
    numbers, with a line for each value of the others, or panels of lines where these are many;
    without a key of numbers a row for each point.

    Exit status: 0 all points are there, 2 bad input, 3 stopped by a limit.
    """
    with user_errors():
        from modelsizer.optimizer.sweeps.files import ENDINGS, check_file
        from modelsizer.optimizer.sweeps.grids import axis_of, grid_of, split_problem
        from modelsizer.optimizer.sweeps.points import columns
        from modelsizer.optimizer.sweeps.sweep import sweep as solve_grid
        from modelsizer.optimizer.sweeps.workers import LostWorkerError, check_dask
        from modelsizer.optimizer.tables.clock import Clock, StoppedError
        from modelsizer.problems.interrupts import held
        from modelsizer.problems.table_files import check_parquet, write_mixed_parquet
        from modelsizer.text.kit.words import STOPS

        check_ending("--output", output, *ENDINGS)
        check_plot(plot, plot_size)
        if dask is not None:
            check_dask(dask)
        clock = Clock.of(time_limit)
        problem, many = split_problem(file, set_ or [], without or [])
        keep_laws(problem.to_dict())
        try:
            axes = [axis_of(problem, key, text, clock) for key, text in many.items()]
        except StoppedError as error:
            nothing: dict[str, Any] = {"complete": False, "stop": error.stop, "rows": []}
            why = f"{STOPS[error.stop]} before the points were listed"
            emit(nothing, json_, lambda _: say(why))
            raise typer.Exit(STOPPED) from None
        grid = grid_of(problem, axes)
        lines = None if output is None else output.with_suffix(".jsonl")
        if lines is not None:
            also = [("--json", Path(json_), True)] if json_ not in (None, STANDARD_OUTPUT) else []
            check_files([*also, ("--output", lines, True)])
            with of_option("--output"):
                check_file(lines)
        if output is not None and output != lines:
            check_parquet()
        try:
            with (
                held(),
                _bar(lines) as progress,
                user_errors(ValueError),
                _kept(lines, len(grid)),
            ):
                found = solve_grid(
                    problem,
                    grid,
                    path=lines,
                    resume=resume,
                    jobs=jobs,
                    dask=dask,
                    solver=solver,
                    point_time_limit=point_time_limit,
                    clock=clock,
                    progress=progress,
                )
        except (KeyboardInterrupt, LostWorkerError) as error:
            what = f"error: {error}" if isinstance(error, LostWorkerError) else "interrupted"
            say(f"{what}; {_go_on(lines, len(grid))}")
            raise typer.Exit(STOPPED) from None
        written = [] if lines is None else [lines]

        def save(path: Path) -> None:
            write_mixed_parquet(path, found.rows, columns(found.problem, grid))
            written.append(path)

        def show(console: Console) -> None:
            from modelsizer.text.sweep import print_sweep

            print_sweep(console, found, *written[-1:])

        parquet = output if output != lines and found.rows else None
        drawn = plot_file(plot, "sweep", found, title=problem.name, size=plot_size)
        emit(found.to_dict(), json_, show, Output("--output", parquet, save), drawn)
        if not found.complete:
            if lines is not None or json_ is None:
                why = "interrupted" if found.stop == "interrupted" else STOPS[found.stop]
                say(f"{why}; {_go_on(lines, len(grid))}")
            raise typer.Exit(STOPPED)


def _go_on(lines: Path | None, points: int) -> str:
    """What is kept of a sweep that was stopped."""
    from modelsizer.optimizer.sweeps.files import saved_points

    if lines is None:
        return "nothing was kept: -o FILE.jsonl keeps every point as soon as it is solved"
    there = f"{lines} holds {saved_points(lines):,} of {points:,} points"
    return f"{there}, and the same command goes on from there"


@contextmanager
def _kept(lines: Path | None, points: int) -> Iterator[None]:
    """Say what is kept if the file can no longer be written."""
    from modelsizer.problems.files import FileError

    try:
        yield
    except FileError as error:
        fail(f"--output: {error}; {_go_on(lines, points)}")
