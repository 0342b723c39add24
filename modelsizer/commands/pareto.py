"""The command pareto: Pareto fronts of two or three objectives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelsizer.commands.app import INFEASIBLE, STOPPED, fail, user_errors
from modelsizer.commands.options import (
    Csv,
    File,
    Json,
    Parquet,
    Plot,
    PlotSize,
    Settings,
    TimeLimit,
    Without,
    check_plot,
    check_tables,
    load,
)
from modelsizer.commands.output import Output, before_drawing, emit, plot_file
from modelsizer.commands.progress_lines import counter

if TYPE_CHECKING:
    from rich.console import Console

_WRITING = 4e-5
"""Seconds to write a point to a file."""


def pareto(
    file: File,
    objectives: Annotated[
        str,
        typer.Option(
            metavar="A,B[,C]", help="Two or three quantities, least of each; -x is most of x."
        ),
    ] = "parameters,layers,loss",
    solver: Annotated[
        str,
        typer.Option(
            help="Find it by auto, exhaustive, bound, or scipy or pulp (by epsilon-constraint)."
        ),
    ] = "auto",
    points: Annotated[
        int | None,
        typer.Option(metavar="N", help="Show N points spread evenly over the whole front."),
    ] = None,
    time_limit: TimeLimit = None,
    set_: Settings = None,
    without: Without = None,
    csv: Csv = None,
    parquet: Parquet = None,
    json_: Json = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Find all designs that no other beats in every objective.

    The picture is of the front.

    Exit status: 0 complete, 1 no design keeps every limit, 2 bad input, 3 stopped by a limit.
    """
    with user_errors():
        check_tables(csv, parquet)
        check_plot(plot, plot_size)
        problem = load(file, set_, without)
        from modelsizer.optimizer.fronts.run import front
        from modelsizer.optimizer.tables.clock import Clock, Ending

        clock = Clock.of(time_limit)

        names = objectives.split(",")
        if points is not None and points < len(names):
            fail(f"--points: at least {len(names)}, one for each objective, not {points}")
        with user_errors(ValueError), counter("points") as report:
            until = before_drawing(clock, plot)
            whole = (csv, parquet, json_) if points is None else ()
            found = front(
                problem,
                names,
                solver=solver,
                clock=until,
                report=report,
                seconds_a_point=_WRITING * sum(file is not None for file in whole),
            )
        shown, gap = found, 0.0
        if points is not None and len(found):
            from modelsizer.optimizer.fronts.subset import even_subset

            which, gap = even_subset(found, points, until)
            shown = found.take(which)

        def table(path: Path) -> None:
            from modelsizer.problems.table_files import write_table

            # The types of Parquet's columns are those of all rows.
            write_table(path, shown.pieces() if path.suffix == ".csv" else [shown.columns()])

        def content() -> dict[str, Any]:
            also = {"count": len(found)} | ({} if points is None else {"gap": gap})
            return shown.with_points(iter(shown)) | also

        def show(console: Console) -> None:
            from modelsizer.text.pareto import print_front

            print_front(console, found, None if points is None else (shown, gap))

        ending = Ending(found.stop)
        figure = plot_file(
            plot,
            "front",
            found,
            title=problem.name,
            size=plot_size,
            clock=clock,
            ending=ending,
        )
        files = (Output("--csv", csv, table), Output("--parquet", parquet, table), figure)
        emit(content, json_, show, *(files if len(found) else ()))
    if not len(found) and found.complete:
        raise typer.Exit(INFEASIBLE)
    if not ending.complete:
        raise typer.Exit(STOPPED)
