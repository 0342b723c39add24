"""The command whatif: compare a problem with its scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelsizer.commands.app import EXIT, STOPPED, user_errors
from modelsizer.commands.law_options import Corners, at_corners
from modelsizer.commands.options import (
    Csv,
    File,
    Json,
    Plot,
    PlotSize,
    SolverName,
    TimeLimit,
    Without,
    check_plot,
    check_tables,
)
from modelsizer.commands.output import before_drawing, emit, plot_file, text_file
from modelsizer.commands.paths import keep_laws
from modelsizer.commands.progress_lines import steps

if TYPE_CHECKING:
    from rich.console import Console


def whatif(
    file: File,
    scenario: Annotated[
        list[str] | None,
        typer.Option(
            metavar="'NAME: KEY=VALUE, ...'",
            help="Add a scenario to those of the file; repeatable.",
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUES",
            help="Set a key in all; where it is a list, a,b,c, each value is a "
            "scenario. Repeatable.",
        ),
    ] = None,
    without: Without = None,
    corners: Corners = False,
    solver: SolverName = "auto",
    time_limit: TimeLimit = None,
    json_: Json = None,
    csv: Csv = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Solve a problem and its scenarios, and show what changes.

    Scenarios are the tables [scenarios.NAME] of the file, --scenario and lists in --set. One that
    is infeasible is a row with its reason.

    Exit status: 3 if a limit stopped one of them, otherwise of the problem itself, as of solve.
    """
    with user_errors():
        check_tables(csv)
        check_plot(plot, plot_size)
        from modelsizer.optimizer.sweeps.grids import axis_of, split_problem
        from modelsizer.optimizer.sweeps.whatif import scenario_settings
        from modelsizer.optimizer.sweeps.whatif import whatif as solve_all
        from modelsizer.text.whatif import print_whatif, whatif_csv

        problem, many = split_problem(file, set_ or [], without or [])
        keep_laws(problem.to_dict())
        axes = [axis_of(problem, key, text) for key, text in many.items()]
        others = scenario_settings(problem, scenario or [], axes)
        from modelsizer.optimizer.tables.clock import Clock, Ending

        clock = before_drawing(Clock.of(time_limit), plot)
        seconds = clock.share(2) if corners else clock.left.seconds
        with user_errors(ValueError), steps("scenario") as progress:
            found = solve_all(problem, others, solver=solver, time_limit=seconds, progress=progress)
        cornered = []
        for number, answer in enumerate(found.answers if corners else ()):
            cornered.append(
                at_corners(
                    answer.scenario.problem,
                    solver=solver,
                    time_limit=clock.share(len(found.answers) - number),
                    answer=answer.result,
                )
            )
        ending = Ending(found.stop)
        for each in cornered:
            ending.stop = each.stop if ending.complete else ending.stop

        def show(console: Console) -> None:
            print_whatif(console, found)
            for answer, each in zip(found.answers, cornered, strict=False):
                from modelsizer.text.corners import print_corners

                print_corners(console, each, of=answer.scenario.name)

        ended = {"complete": ending.complete, "stop": ending.stop}  # before the picture

        def content() -> dict[str, Any]:
            made = found.to_dict() | ended
            for entry, each in zip(made["scenarios"], cornered, strict=False):
                entry |= each.figures()
            return made

        emit(
            content,
            json_,
            show,
            text_file("--csv", csv, lambda: whatif_csv(found)),
            plot_file(
                plot,
                "scenarios",
                found,
                title=found.base.scenario.problem.name,
                size=plot_size,
                ending=ending,
            ),
        )
    raise typer.Exit(EXIT[found.base.result.status] if ending.complete else STOPPED)
