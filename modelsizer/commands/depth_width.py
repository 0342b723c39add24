"""The command depth-width: shapes of nearly equal size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import INFEASIBLE, user_errors
from modelsizer.commands.options import (
    Csv,
    File,
    Json,
    Plot,
    PlotSize,
    Settings,
    Without,
    check_plot,
    check_tables,
    load,
)
from modelsizer.commands.output import emit, plot_file, text_file

if TYPE_CHECKING:
    from rich.console import Console


def depth_width(
    file: File,
    parameters: Annotated[
        str | None,
        typer.Option(help='The size, such as "7B"; by default that of the problem\'s optimum.'),
    ] = None,
    tolerance: Annotated[
        str, typer.Option(help='How far a size may be from it: 0.02 or "2 %".')
    ] = "0.02",
    layers: Annotated[
        int | None, typer.Option(help="A habitual depth: what does it cost over the preferred one?")
    ] = None,
    all_: Annotated[
        bool, typer.Option("--all", help="Show every depth, not an even choice of them.")
    ] = False,
    set_: Settings = None,
    without: Without = None,
    json_: Json = None,
    csv: Csv = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """List the shapes of nearly one size, deepest to widest, with what each costs.

    Of every depth the design nearest to the size that keeps all limits; the row that the shape law
    prefers is marked. The picture is of what depth costs in loss and in serving.
    Exit status: 0 listed, 1 no design keeps every limit, 2 bad input.
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
        try:
            if size is None:
                size = shapes.optimal_size(problem)
            found = shapes.depth_width(problem, size, share, layers)
        except shapes.InfeasibleError as error:
            _infeasible(size, share, error.reasons, json_)
            raise typer.Exit(INFEASIBLE) from None
        content = found.to_dict()
        if found.habit is not None:
            content["habit"]["sentence"] = habit_sentence(found)
        emit(
            content,
            json_,
            lambda console: print_depth_width(console, found, everything=all_),
            text_file("--csv", csv, lambda: depth_width_csv(found)),
            plot_file(plot, "shapes", found, title=problem.name, size=plot_size),
        )


def _infeasible(
    size: int | float | None, tolerance: float, reasons: tuple[str, ...], json_: str | None
) -> None:
    """Report why there is nothing to list."""
    content = {
        "parameters": size,
        "tolerance": tolerance,
        "rows": [],
        "excluded": [],
        "ideal": None,
        "habit": None,
        "infeasible": list(reasons),
    }

    def show(console: Console) -> None:
        from modelsizer.text.kit.lines import line

        line(console, "Proven infeasible: no design of the space keeps every limit.")
        for reason in reasons:
            line(console, f"  - {reason}")

    emit(content, json_, show)
