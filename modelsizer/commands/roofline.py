"""The command roofline: whether memory or compute bounds serving."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelsizer.commands.app import fail, user_errors
from modelsizer.commands.design_source import Source, Under, design_of, is_problem
from modelsizer.commands.options import Json, Plot, PlotSize, Settings, check_plot
from modelsizer.commands.output import emit, plot_file


def roofline(
    source: Source,
    problem: Under = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE",
            help="Another design on the same accelerators: a config.json, an answer or a name "
            "that `models` lists; repeatable.",
        ),
    ] = None,
    set_: Settings = None,
    json_: Json = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Show whether memory or compute bounds decode at several batches, and prefill."""
    with user_errors():
        from modelsizer.problems.architecture.sources import load_architecture
        from modelsizer.problems.designs.roofline_points import roofline_points

        check_plot(plot, plot_size)
        asked, design = design_of(source, problem, set_)
        own = "optimum" if is_problem(source) else _short(source)
        designs = {own: design.architecture}
        designs |= {_short(other): load_architecture(other) for other in beside or []}
        found = roofline_points(asked, designs)
        if found is None:
            fail(asked.lacks("decode_latency"))
        from modelsizer.text.roofline import print_roofline, roofline_dict

        title = asked.name or source
        emit(
            roofline_dict(found),
            json_,
            lambda console: print_roofline(console, title, found),
            plot_file(plot, "roofline", found, size=plot_size),
        )


def _short(source: str) -> str:
    """A source's name without its folders."""
    return Path(source).name if "/" in source else source
