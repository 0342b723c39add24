"""The command report: write a page about an answer."""

from __future__ import annotations

from datetime import date as calendar
from pathlib import Path
from typing import Annotated

import typer

from modelsizer.commands.app import EXIT, fail, user_errors
from modelsizer.commands.options import File, Settings, SolverName, Without, load
from modelsizer.commands.output import STANDARD_OUTPUT, write_to
from modelsizer.problems.visible import visible


def report(
    file: File,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="The page, standard output if it is -; by default FILE's name with .html.",
        ),
    ] = None,
    set_: Settings = None,
    without: Without = None,
    solver: SolverName = "auto",
    time_limit: Annotated[
        float | None, typer.Option(help="Seconds, of the solve, the front and the sweep each.")
    ] = None,
    date: Annotated[
        str | None, typer.Option(metavar="YYYY-MM-DD", help="Write a date on it; none by default.")
    ] = None,
) -> None:
    """Write one page with the answer, its proof, pictures, rankings and the problem.

    It is a file of its own: it needs no network and no script. The same input gives the same
    bytes. Exit status: 0 solved, 1 proven infeasible, 2 bad input, 3 stopped by a limit.
    """
    with user_errors():
        if date is not None:
            _check_date(date)
        path = None if output == STANDARD_OUTPUT else Path(output or f"{Path(file).stem}.html")
        if path is not None and not path.parent.is_dir():
            fail(f"--output: {path.parent} is no folder")
        problem = load(file, set_, without)
        from modelsizer.optimizer.solver import solve
        from modelsizer.page.report import CommandLine
        from modelsizer.page.report import report as written

        with user_errors(ValueError):
            result = solve(problem, solver=solver, time_limit=time_limit)
        settings, left = tuple(set_ or ()), tuple(without or ())
        page = written(result, CommandLine(file, settings, left, solver, time_limit, date or ""))
        write_to(STANDARD_OUTPUT if path is None else str(path), page)
        if path is not None:
            size = len(page.encode()) / 1e6
            figures = page.count("<figure")
            print(f"{visible(str(path))}: {result.status}, {figures} figures, {size:.2f} MB")
    raise typer.Exit(EXIT[result.status])


def _check_date(text: str) -> None:
    try:
        calendar.fromisoformat(text)
    except ValueError:
        fail(f"--date: {text!r} is not a date such as 2025-06-30")
