"""The command rank: all feasible designs, in order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import INFEASIBLE, STOPPED, fail, say, user_errors
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

_AT_ONCE = 50_000  # rows written between two looks at the clock: about 0.05 s


def rank(
    file: File,
    top: Annotated[int, typer.Option(help="Show so many designs.")] = 20,
    by: Annotated[
        str | None,
        typer.Option(
            help="Sort by this quantity, the problem's objective by default; -x puts most first."
        ),
    ] = None,
    columns: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Show and write these columns.")
    ] = None,
    group_by: Annotated[
        str | None,
        typer.Option(
            metavar="CHOICE", help="Show the best for each value of a choice: layers, d_model, ..."
        ),
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
    """List every design that keeps the limits, the best first.

    --csv and --parquet write all that fit, in order. The picture is of parameters against depth.

    Exit status: 0 listed, 1 no design keeps every limit, 2 bad input, 3 stopped by a limit, with
    those looked at.
    """
    with user_errors():
        check_tables(csv, parquet)
        check_plot(plot, plot_size)
        problem = load(file, set_, without)
        from modelsizer.optimizer.surveys.listing import check_columns, default_columns
        from modelsizer.optimizer.surveys.ranking import rank as ranked

        wanted = None if columns is None else [name.strip() for name in columns.split(",")]
        if wanted is not None:
            check_columns(problem, wanted)
        writes = csv is not None or parquet is not None
        from modelsizer.optimizer.tables.clock import Clock, Ending

        clock = Clock.of(time_limit)
        # Writing every row takes as long again, and counting all designs for the picture twice.
        computing = before_drawing(clock, plot)
        parts = 1 + (csv is not None) + (parquet is not None) + 2 * (plot is not None)
        with counter("feasible") as progress:
            found = ranked(
                problem,
                by,
                top=top,
                group_by=group_by,
                keep_all=writes,
                clock=computing.within(computing.share(parts)),
                progress=progress,
            )
        ending, cut = Ending(found.stop), list[Path]()

        def table(path: Path) -> None:
            from modelsizer.problems.table_files import write_table
            from modelsizer.text.kit.words import STOPS

            until = computing.within(computing.share(parts - 1))
            names = list(dict.fromkeys(["rank", *(wanted or default_columns(problem))]))
            rows = write_table(path, found.batches(names, _AT_ONCE, clock=until))
            if rows < found.feasible:
                ending.stop = until.stop
                cut.append(path)
                many = f"the first {rows:,} of {found.feasible:,} designs"
                say(f"{path} has {many}: {STOPS[ending.stop]}")

        def show(console: Console) -> None:
            from modelsizer.text.rank import Written, print_ranking

            written: Written = "some" if cut else "all" if writes else "none"
            print_ranking(console, found, wanted, written=written)

        files = (
            Output("--csv", csv, table),
            Output("--parquet", parquet, table),
            plot_file(
                plot,
                "depth",
                problem,
                title=problem.name,
                size=plot_size,
                clock=clock,
                ending=ending,
            ),
        )
        emit(found.to_dict(), json_, show, *(files if found.feasible else ()))
        if plot is not None and not found.feasible and found.complete:
            fail("--plot: no design keeps every limit, so there is nothing to draw")
    if not ending.complete:
        raise typer.Exit(STOPPED)
    if not found.feasible:
        raise typer.Exit(INFEASIBLE)
