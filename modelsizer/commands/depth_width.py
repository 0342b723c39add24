"""The command depth-width: shapes of nearly equal size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelsizer.commands.app import INFEASIBLE, STOPPED, user_errors
from modelsizer.commands.options import (
    Csv,
    File,
    Json,
    Plot,
    PlotSize,
    Settings,
    TimeLimit,
    Without,
    check_plot,
    check_tables,
    load,
)
from modelsizer.commands.output import before_drawing, emit, plot_file, text_file

if TYPE_CHECKING:
    from rich.console import Console


def depth_width(
    file: File,
    parameters: Annotated[
        str | None,
        typer.Option(
            help='List shapes of this size, such as "7B"; by default that of the optimum.'
        ),
    ] = None,
    tolerance: Annotated[
        str, typer.Option(help='Let sizes be this far from it: 0.02 or "2 %".')
    ] = "0.02",
    layers: Annotated[
        int | None, typer.Option(help="Say what a habitual depth costs over the preferred one.")
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Show every depth, not an even choice of them.")
    ] = False,
    time_limit: TimeLimit = None,
    set_: Settings = None,
    without: Without = None,
    json_: Json = None,
    csv: Csv = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """List the shapes of one size from deep to wide, with costs.

    Of every depth the design nearest to the size that keeps all limits; the row that the shape law
    prefers is marked. The picture is of what depth costs in loss and in serving.

    Exit status: 0 listed, 1 no design keeps every limit, 2 bad input, 3 stopped by a limit.
    """
    with user_errors():
        from modelsizer.optimizer.surveys import depth_width as shapes
        from modelsizer.text.depth_width import (
            depth_width_csv,
            parse_parameters,
            parse_tolerance,
            print_depth_width,
        )
        from modelsizer.text.depth_width_words import habit_sentence

        check_tables(csv)
        check_plot(plot, plot_size)
        share = parse_tolerance(tolerance)
        size = None if parameters is None else parse_parameters(parameters)
        problem = load(file, set_, without)
        from modelsizer.optimizer.tables.clock import Clock, Ending, StoppedError
        from modelsizer.problems.interrupts import held

        clock = Clock.of(time_limit)
        until = before_drawing(clock, plot)
        try:
            with held():
                if size is None:
                    size = shapes.optimal_size(problem, until)
                found = shapes.depth_width(problem, size, share, layers, clock=until)
        except shapes.InfeasibleError as error:
            _nothing(size, share, {"infeasible": list(error.reasons)}, json_)
            raise typer.Exit(INFEASIBLE) from None
        except StoppedError as error:
            _nothing(size, share, {"complete": False, "stop": error.stop}, json_)
            raise typer.Exit(STOPPED) from None
        ending, content = Ending(found.stop), found.to_dict()
        if found.habit is not None:
            content["habit"]["sentence"] = habit_sentence(found)
        emit(
            content,
            json_,
            lambda console: print_depth_width(console, found, everything=all_),
            text_file("--csv", csv, lambda: depth_width_csv(found)),
            plot_file(
                plot,
                "shapes",
                found,
                title=problem.name,
                size=plot_size,
                clock=clock,
                ending=ending,
            ),
        )
    if not ending.complete:
        raise typer.Exit(STOPPED)


def _nothing(
    size: int | float | None, tolerance: float, why: dict[str, Any], json_: str | None
) -> None:
    """Report why there is nothing to list: reasons of infeasibility, or what stopped the search."""
    content = {
        "parameters": size,
        "tolerance": tolerance,
        "rows": [],
        "excluded": [],
        "ideal": None,
        "habit": None,
        **why,
    }

    def show(console: Console) -> None:
        from modelsizer.text.kit.lines import line
        from modelsizer.text.kit.words import STOPS

        if "stop" in why:
            line(console, f"Not complete: {STOPS[why['stop']]} before the optimum was proven.")
            line(console, "--parameters gives a size that needs no optimum.")
            return
        line(console, "Proven infeasible: no design of the space keeps every limit.")
        for reason in why["infeasible"]:
            line(console, f"  - {reason}")

    emit(content, json_, show)
