"""Commands about one design on its accelerators: memory, roofline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from modelsizer.commands.app import (
    Json,
    Plot,
    PlotSize,
    Settings,
    app,
    check_plot,
    emit,
    fail,
    told,
    write_plot,
)
from modelsizer.commands.sources import Source, design_of, is_problem

Under = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Of SOURCE that is no problem: evaluate it under this one."),
]


@app.command()
def memory(
    source: Source,
    problem: Under = None,
    set_: Settings = None,
    json_: Json = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Show what fills the memory of one accelerator, in serving and in training."""
    with told():
        from modelsizer.plots.designs.memory import memory_waterfall
        from modelsizer.problems.designs.memory_parts import (
            serving_parts,
            training_parts,
            training_untold,
        )

        check_plot(plot, plot_size)
        asked, design = design_of(source, problem, set_)
        found = {
            "serving_memory": serving_parts(asked, design),
            "training_memory": training_parts(asked, design),
        }
        known = [parts for parts in found.values() if parts is not None]
        from modelsizer.text.design import parts_dict, print_memory

        content = {
            name: None if parts is None else parts_dict(parts) for name, parts in found.items()
        }
        title, lack = asked.name or source, training_untold(asked)
        emit(content, json_, lambda console: print_memory(console, title, known, lack))
        write_plot(plot, lambda: memory_waterfall(known, size=plot_size))


@app.command()
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
    with told():
        from modelsizer.plots.designs.roofline import roofline as figure
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
        from modelsizer.text.design import print_roofline, roofline_dict

        title = asked.name or source
        emit(roofline_dict(found), json_, lambda console: print_roofline(console, title, found))
        write_plot(plot, lambda: figure(found, size=plot_size))


def _short(source: str) -> str:
    """A source's name without its folders."""
    return Path(source).name if "/" in source else source
