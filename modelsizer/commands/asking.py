"""The command that asks what if: the base and its scenarios, side by side."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import (
    INFEASIBLE,
    STOPPED,
    File,
    Json,
    Plot,
    PlotSize,
    Without,
    app,
    check_ending,
    check_plot,
    emit,
    fail,
    told,
)

if TYPE_CHECKING:
    from rich.console import Console

EXIT = {"optimal": 0, "infeasible": INFEASIBLE, "limit": STOPPED}


def _progress() -> Callable[[int, int], None] | None:
    if not sys.stderr.isatty():
        return None

    def show(done: int, asked: int) -> None:
        sys.stderr.write("\r\x1b[K" if done == asked else f"\rscenario {done} of {asked}\x1b[K")
        sys.stderr.flush()

    return show


@app.command()
def whatif(
    file: File,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'NAME: KEY=VALUE, ...'", help="A scenario besides the file's; repeatable."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUES",
            help="Set a key for all; of a list, a,b,c, each value is a scenario. Repeatable.",
        ),
    ] = None,
    without: Without = None,
    solver: Annotated[str, typer.Option(help="As of solve.")] = "auto",
    time_limit: Annotated[float | None, typer.Option(help="Seconds, of each scenario.")] = None,
    json_: Json = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="PATH", help="Write the scenarios as CSV.")
    ] = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Solve a problem and its scenarios, and show what changes.

    Scenarios are the tables [scenarios.NAME] of the file, --scenario and lists in --set. One that
    is infeasible is a row with its reason.
    Exit status: of the problem itself, as solve has it.
    """
    with told():
        check_plot(plot, plot_size)
        if csv is not None:
            check_ending("--csv", csv, (".csv",))
        from modelsizer.whatif_report import print_whatif, whatif_csv
        from optimizer.grids import axis_of, split_problem
        from optimizer.scenarios import compare, scenarios

        problem, many = split_problem(file, set_ or [], without or [])
        axes = [axis_of(problem, key, text) for key, text in many.items()]
        asked = scenarios(problem, scenario or [], axes)
        try:
            found = compare(asked, solver=solver, time_limit=time_limit, progress=_progress())
        except ValueError as error:
            fail(str(error))

        def show(console: Console) -> None:
            print_whatif(console, found)

        emit(found.to_dict(), json_, show)
        if csv is not None:
            from modelsizer.files import write_text

            write_text(csv, whatif_csv(found))
        if plot is not None:
            from modelsizer.drawing import write_figure
            from plots.scenarios import scenario_figure

            try:
                write_figure(scenario_figure(found, size=plot_size), plot)
            except ValueError as error:
                fail(f"--plot: {error}")
    raise typer.Exit(EXIT[found.base.result.status])
