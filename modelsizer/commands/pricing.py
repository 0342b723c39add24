"""The command that says what limits are worth: prices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import (
    INFEASIBLE,
    File,
    Json,
    Plot,
    PlotSize,
    Settings,
    Without,
    app,
    check_ending,
    check_plot,
    emit,
    load,
    told,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

    from optimizer.prices import Prices


@app.command()
def prices(
    file: File,
    budget: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only this limit; --plot draws its price curve."),
    ] = None,
    set_: Settings = None,
    without: Without = None,
    solver: Annotated[
        str, typer.Option(help="auto, bound, exhaustive, scipy, pulp, or pulp:NAME.")
    ] = "auto",
    json_: Json = None,
    csv: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Write every change as CSV.")
    ] = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Say what each limit is worth: the optimum with more and with less of it.

    Every change is solved again, with proof. The picture is of all limits at 10 % less and 10 %
    more. Exit status: 0 priced, 1 no design keeps every limit, 2 bad input.
    """
    with told():
        from modelsizer.prices_report import csv_text, print_prices
        from optimizer.prices import prices as priced
        from problems.errors import ModelsizerError

        if csv is not None:
            check_ending("--csv", csv, (".csv",))
        check_plot(plot, plot_size)
        problem = load(file, set_, without)
        try:
            found = priced(problem, solver, None if budget is None else [budget])
        except ValueError as error:
            if isinstance(error, ModelsizerError):
                raise
            raise ModelsizerError(f"--solver: {error}") from None
        feasible = found.result.design is not None

        def show(console: Console) -> None:
            if feasible:
                print_prices(console, found)
            else:
                console.print(
                    "Proven infeasible: no design keeps every limit, so none has a price. "
                    f"`modelsizer explain {file}` says which limits conflict."
                )

        emit(found.to_dict(), json_, show)
        if not feasible:
            raise typer.Exit(INFEASIBLE)
        if csv is not None:
            from modelsizer.files import write_text

            write_text(csv, csv_text(found))
        if plot is not None:
            from modelsizer.drawing import write_figure

            write_figure(_figure(found, budget, solver, plot_size), plot)


def _figure(found: Prices, budget: str | None, solver: str, size: str) -> Figure:
    """All limits beside one another, or the curve of one."""
    from modelsizer.prices_report import curve_limits, tornado_rows
    from optimizer.prices import curve
    from plots.price_curve import price_curve
    from plots.tornado import tornado

    result, objective = found.result, found.result.objective
    assert objective.value is not None
    title = result.problem.name
    if budget is None:
        rows = tornado_rows(found)
        return tornado(rows, float(objective.value), name=objective.name, title=title, size=size)
    row = found.row(budget)
    points = curve(result.problem, row.end, curve_limits(row), solver)
    start, end = row.stays.start, row.stays.end
    return price_curve(
        row.end.quantity,
        [float(limit) for limit, _ in points],
        [value for _, value in points],
        float(row.end.limit),
        (None if start is None else float(start), None if end is None else float(end)),
        objective=objective.name,
        title=title,
        size=size,
    )
