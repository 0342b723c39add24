"""The command prices: effect of each limit on the optimum."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import INFEASIBLE, STOPPED, user_errors
from modelsizer.commands.options import (
    Csv,
    File,
    Json,
    Plot,
    PlotSize,
    Settings,
    SolverName,
    TimeLimit,
    Without,
    check_plot,
    check_tables,
    load,
)
from modelsizer.commands.output import before_drawing, emit, plot_file, text_file

if TYPE_CHECKING:
    from rich.console import Console


def prices(
    file: File,
    budget: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Price this limit alone; --plot then draws its price curve."
        ),
    ] = None,
    set_: Settings = None,
    without: Without = None,
    solver: SolverName = "auto",
    time_limit: TimeLimit = None,
    json_: Json = None,
    csv: Csv = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Say what each limit is worth: solve with more and less of it.

    Every change is solved again, with proof. The picture is of all limits at 10 % less and 10 %
    more.

    Exit status: 0 priced, 1 no design keeps every limit, 2 bad input, 3 stopped by a limit.
    """
    with user_errors():
        from modelsizer.optimizer.prices.prices import prices as priced
        from modelsizer.text.prices import prices_csv, print_prices

        check_tables(csv)
        check_plot(plot, plot_size)
        problem = load(file, set_, without)
        from modelsizer.optimizer.tables.clock import Clock, Ending
        from modelsizer.problems.interrupts import held

        clock = Clock.of(time_limit)
        until = before_drawing(clock, plot)
        with user_errors(ValueError), held():
            found = priced(
                problem,
                budgets=None if budget is None else [budget],
                solver=solver,
                time_limit=until.share(1 if plot is None or budget is None else 2),
            )
        ending = Ending(found.stop)
        feasible = found.result.status != "infeasible"

        def show(console: Console) -> None:
            print_prices(console, found, file)

        if not feasible:
            emit(found.to_dict(), json_, show)
            raise typer.Exit(INFEASIBLE)
        draw = partial(
            plot_file,
            title=found.result.problem.name,
            size=plot_size,
            clock=clock,
            ending=ending,
        )
        picture = (
            draw(plot, "tornado", found)  # all limits side by side
            if budget is None
            else draw(plot, "price_curve", (found, budget, solver))
        )
        table = text_file("--csv", csv, lambda: prices_csv(found))
        emit(found.to_dict(), json_, show, table, picture)
    if not ending.complete:
        raise typer.Exit(STOPPED)
