"""The command of several objectives: pareto."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import (
    File,
    Json,
    PlotSize,
    Settings,
    Without,
    app,
    check_ending,
    check_plot,
    emit,
    fail,
    load,
    told,
)
from modelsizer.commands.progress import counter

if TYPE_CHECKING:
    from rich.console import Console

    from optimizer.fronts.front import Front

INFEASIBLE, UNFINISHED = 1, 3


@app.command()
def pareto(
    file: File,
    objectives: Annotated[
        str,
        typer.Option(metavar="A,B[,C]", help="Two or three quantities; -x turns one."),
    ] = "parameters,layers,loss",
    solver: Annotated[
        str,
        typer.Option(help="auto, exhaustive, bound, or scipy, pulp (by epsilon-constraint)."),
    ] = "auto",
    points: Annotated[
        int | None,
        typer.Option(metavar="N", help="Show N points spread evenly over the whole front."),
    ] = None,
    time_limit: Annotated[float | None, typer.Option(help="Seconds.")] = None,
    set_: Settings = None,
    without: Without = None,
    csv: Annotated[Path | None, typer.Option(metavar="PATH", help="Write the points.")] = None,
    parquet: Annotated[Path | None, typer.Option(metavar="PATH", help="Write the points.")] = None,
    json_: Json = None,
    plot: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Draw the front: .png, .svg or .pdf.")
    ] = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Find all designs of which none is worse in every objective than another.

    Exit status: 0 complete, 1 if no design keeps the limits, 3 stopped by a limit.
    """
    with told():
        for option, path, ending in (("--csv", csv, ".csv"), ("--parquet", parquet, ".parquet")):
            if path is not None:
                check_ending(option, path, (ending,))
        check_plot(plot, plot_size)
        if time_limit is not None and not time_limit >= 0:
            fail(f"--time-limit: {time_limit!r} is not zero seconds or more")
        problem = load(file, set_, without)
        from optimizer.fronts.run import front

        names = objectives.split(",")
        if points is not None and points < len(names):
            fail(f"--points: at least {len(names)}, one for each objective, not {points}")
        try:
            with counter("points") as report:
                found = front(problem, names, solver=solver, time_limit=time_limit, report=report)
        except ValueError as error:
            fail(str(error))
        shown, gap = found, 0.0
        if points is not None and len(found):
            from optimizer.fronts.subset import even_subset

            which, gap = even_subset(found, points)
            shown = found.take(which)
        if len(shown):
            _write(shown, [path for path in (csv, parquet) if path is not None])
        content = shown.to_dict() | {"count": len(found)}
        if points is not None:
            content["gap"] = gap

        def show(console: Console) -> None:
            from modelsizer.front_report import print_front

            print_front(console, found, None if points is None else (shown, gap))

        emit(content, json_, show)
        if plot is not None and len(found):
            from modelsizer.drawing import draw_front

            draw_front(found, plot, plot_size)
    if not len(found) and found.complete:
        raise typer.Exit(INFEASIBLE)
    if not found.complete:
        raise typer.Exit(UNFINISHED)


def _write(shown: Front, paths: list[Path]) -> None:
    """Write points as tables."""
    if not paths:
        return
    from modelsizer.tables import write_table

    frame = shown.to_frame()
    columns = {name: frame[name].to_numpy() for name in frame.columns}
    for path in paths:
        write_table(path, [columns])
