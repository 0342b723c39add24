"""The command roofline: whether memory or compute bounds serving."""

from __future__ import annotations

from typing import Annotated

import typer

from modelsizer.commands.app import STOPPED, fail, say, user_errors
from modelsizer.commands.design_source import Source, Under, design_of, is_problem, labels
from modelsizer.commands.options import (
    Download,
    Json,
    Plot,
    PlotSize,
    Settings,
    TimeLimit,
    check_plot,
)
from modelsizer.commands.output import before_drawing, emit, plot_file


def roofline(
    source: Source,
    problem: Under = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE",
            help="Another design on the same accelerators, as SOURCE, but no problem; repeatable.",
        ),
    ] = None,
    time_limit: TimeLimit = None,
    set_: Settings = None,
    download: Download = False,
    json_: Json = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Show whether memory or compute bounds decode and prefill.

    Exit status: 0 done, 1 proven infeasible, 2 bad input, 3 stopped by a limit: the design is the
    best found, if there is one.
    """
    with user_errors():
        from modelsizer.problems.architecture.sources import load_architecture
        from modelsizer.problems.designs.roofline_points import roofline_points

        check_plot(plot, plot_size)
        from modelsizer.optimizer.tables.clock import Clock, Ending

        clock = Clock.of(time_limit)
        chosen = design_of(source, problem, set_, before_drawing(clock, plot), download=download)
        asked, design, ending = chosen.problem, chosen.design, Ending(chosen.stop)
        others = beside or []
        own, *names = labels(["optimum" if is_problem(source) else source, *others])
        designs = {own: design.architecture}
        designs |= {
            name: load_architecture(other, say, download=download)
            for name, other in zip(names, others, strict=True)
        }
        found = roofline_points(asked, designs)
        if found is None:
            fail(asked.lacks("prefill_latency"))
        from modelsizer.problems.designs.assumptions import Assumptions
        from modelsizer.text.assumptions import serving_rows
        from modelsizer.text.roofline import print_roofline, roofline_dict

        title = source if problem is not None else asked.name or source
        assumed = Assumptions.of(asked)
        rows = serving_rows(assumed, design.architecture)
        emit(
            chosen.to_dict() | {"assumptions": assumed.to_dict()} | roofline_dict(found),
            json_,
            lambda console: print_roofline(console, title, found, chosen.note, rows),
            plot_file(
                plot,
                "roofline",
                found,
                size=plot_size,
                clock=clock,
                ending=ending,
            ),
        )
    if not ending.complete:
        raise typer.Exit(STOPPED)
