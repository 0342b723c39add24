"""The command report: write a page about an answer."""

from __future__ import annotations

from datetime import date as calendar
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import EXIT, STOPPED, fail, user_errors
from modelsizer.commands.law_options import Corners, at_corners
from modelsizer.commands.options import File, Quick, Settings, SolverName, TimeLimit, Without, load
from modelsizer.commands.output import STANDARD_OUTPUT, Output, emit, print_text
from modelsizer.commands.paths import check_files

if TYPE_CHECKING:
    from rich.console import Console


def report(
    file: File,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="Write the page to PATH, by default FILE's name with .html; - is standard output.",
        ),
    ] = None,
    set_: Settings = None,
    without: Without = None,
    solver: SolverName = "auto",
    corners: Corners = False,
    time_limit: TimeLimit = None,
    quick: Quick = False,
    sliders: Annotated[
        bool,
        typer.Option(
            "--sliders/--no-sliders",
            help="Answers at other values of the main limits, and sliders over them.",
        ),
    ] = True,
    date: Annotated[
        str | None,
        typer.Option(metavar="YYYY-MM-DD", help="Write a date on the page; none by default."),
    ] = None,
) -> None:
    """Write the answer as one web page: proof, pictures and tables.

    It is a file of its own, that needs no network. Sliders show the proven answer at other values
    of the main limits; with --no-sliders the page has no scripts. The same input gives the same
    bytes.

    Exit status: 0 solved, 1 proven infeasible, 2 bad input, 3 stopped by a limit.
    """
    with user_errors():
        from modelsizer.problems.files import write_text

        if date is not None:
            _check_date(date)
        path = None if output == STANDARD_OUTPUT else Path(output or f"{Path(file).stem}.html")
        if output is None and path is not None:
            check_files([("--output", path, True), ("FILE", Path(file), False)])
        problem = load(file, set_, without)
        from modelsizer.optimizer.solver import solve
        from modelsizer.optimizer.tables.clock import Clock
        from modelsizer.page.report import page_of
        from modelsizer.problems.interrupts import held
        from modelsizer.text.command_line import CommandLine

        clock = Clock.of(time_limit)
        with user_errors(ValueError):
            result = solve(problem, solver=solver, time_limit=clock.share(3 if corners else 2))
            cornered = None
            if corners:
                cornered = at_corners(
                    problem, solver=solver, time_limit=clock.share(2), answer=result
                )
        settings, left = tuple(set_ or ()), tuple(without or ())
        asked = CommandLine(
            file, settings, left, solver, time_limit, date or "", corners, quick, sliders
        )
        with held():
            made = page_of(result, asked, clock, cornered)
        page = made.html
        if path is None:
            print_text(page, "report.html")
        else:
            drawn = page.count("<figure")
            places: list[Path] = []

            def save(place: Path) -> None:
                write_text(place, page)
                places.append(place)

            def show(console: Console) -> None:
                from modelsizer.text.kit.lines import line
                from modelsizer.text.kit.words import counted

                left_out = "" if made.whole else ", not complete"
                about = f"{result.status}, {counted(drawn, 'figure')}{left_out}"

                for place in places:
                    size = place.stat().st_size / 1e6
                    line(console, f"{place}: {about}, {size:.2f} MB", wrap=False)

            emit(None, None, show, Output("--output", path, save))
    raise typer.Exit(EXIT[result.status] if made.whole else STOPPED)


def _check_date(text: str) -> None:
    try:
        calendar.fromisoformat(text)
    except ValueError:
        fail(f"--date: {text!r} is not a date such as 2025-06-30")
