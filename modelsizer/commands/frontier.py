"""The command frontier: optima along one limit."""

from __future__ import annotations

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
    check_plot,
    check_tables,
    load,
)
from modelsizer.commands.output import before_drawing, emit, plot_file, text_file
from modelsizer.commands.progress_lines import steps

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.optimizer.frontiers.frontier import Frontier
    from modelsizer.optimizer.frontiers.isoflops import IsoFlops
    from modelsizer.optimizer.tables.clock import Clock

DEFAULT_OVER = "budgets.training_flops"
MOST_POINTS = 100_000


def frontier(
    file: File,
    over: Annotated[
        str,
        typer.Option(metavar="KEY", help="Sweep this budget, or other number of the file."),
    ] = DEFAULT_OVER,
    from_: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="VALUE", help='Begin at this value, such as 1e21 or "20 GB".'
        ),
    ] = None,
    to: Annotated[str | None, typer.Option(metavar="VALUE", help="End at this value.")] = None,
    points: Annotated[
        int, typer.Option(min=2, max=MOST_POINTS, help="Take N values, evenly spaced in logarithm.")
    ] = 21,
    band: Annotated[
        bool,
        typer.Option(
            help="Solve for half and twice the size too: what being off by a factor of two costs."
        ),
    ] = True,
    set_: Settings = None,
    solver: SolverName = "auto",
    time_limit: TimeLimit = None,
    json_: Json = None,
    csv: Csv = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Find the best design at each value of a limit, and its growth.

    By default training FLOPs, from a hundredth to a hundred times the file's limit. The picture is
    of the frontier and of isoFLOP curves.

    Exit status: 0 all proven, 1 no value has a design, 2 bad input, 3 stopped by a limit.
    """
    with user_errors():
        check_tables(csv)
        check_plot(plot, plot_size)
        problem = load(file, set_)
        from modelsizer.optimizer.frontiers.exponents import exponents
        from modelsizer.optimizer.frontiers.frontier import frontier as sweep_it
        from modelsizer.optimizer.sweeps.numeric_setting import NumericSetting
        from modelsizer.optimizer.tables.clock import Clock, Ending
        from modelsizer.text.frontier import frontier_csv, frontier_dict, print_frontier

        clock = Clock.of(time_limit)
        until = before_drawing(clock, plot)
        values = NumericSetting.of(problem, over).spaced(problem, from_, to, points)
        with user_errors(ValueError), steps("point") as progress:
            found = sweep_it(
                problem,
                over,
                values,
                solver=solver,
                band=band,
                clock=until if plot is None else until.within(until.share(2)),
                progress=progress,
            )
        ending, slopes = Ending(found.stop), exponents(found)
        notes: list[str] = []
        curves = _curves(found, notes, until) if plot is not None else ()

        def show(console: Console) -> None:
            print_frontier(console, found, slopes, notes)

        emit(
            frontier_dict(found, slopes),
            json_,
            show,
            text_file("--csv", csv, lambda: frontier_csv(found)),
            plot_file(
                plot,
                "frontier",
                (found, curves),
                title=problem.name,
                size=plot_size,
                clock=clock,
                ending=ending,
            ),
        )
    raise typer.Exit(_status(found) if ending.complete else STOPPED)


def _status(found: Frontier) -> int:
    if not found.complete:
        return STOPPED
    return 0 if found.solved else INFEASIBLE


def _curves(found: Frontier, notes: list[str], clock: Clock) -> tuple[IsoFlops, ...]:
    """Return isoFLOP curves for the figure, or add a note on why it has none."""
    from modelsizer.optimizer.frontiers.isoflops import curves_along

    try:
        return curves_along(found, clock)
    except ValueError as error:
        notes.append(f"The picture has no isoFLOP curves: {error}.")
        return ()
