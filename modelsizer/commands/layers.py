"""The command layers: the pattern of a stack, and what each kind of layer costs."""

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

_OF_KINDS = ("stack", "kinds")
_PICTURES = (*_OF_KINDS, "experts", "choices")
_NEAREST = 4


def layers(
    source: Source,
    problem: Under = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE",
            help="Another design, as SOURCE, but no problem; repeatable. By default the "
            f"{_NEAREST} published models nearest in size and in kinds of layer.",
        ),
    ] = None,
    picture: Annotated[
        str, typer.Option(help=f"What --plot draws: {', '.join(_PICTURES)}.")
    ] = _PICTURES[0],
    time_limit: TimeLimit = None,
    set_: Settings = None,
    download: Download = False,
    json_: Json = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Show the pattern of the layers, and what each kind costs.

    Exit status: 0 done, 1 proven infeasible, 2 bad input, 3 stopped by a limit: the design is the
    best found, if there is one.
    """
    with user_errors():
        check_plot(plot, plot_size)
        if picture not in _PICTURES:
            fail(f"--picture: {picture!r} is not one of {', '.join(_PICTURES)}")
        from modelsizer.optimizer.tables.clock import Clock, Ending
        from modelsizer.problems.architecture.nearest import nearest
        from modelsizer.problems.architecture.sources import load_architecture
        from modelsizer.problems.designs.by_kind import by_kind

        clock = Clock.of(time_limit)
        chosen = design_of(source, problem, set_, before_drawing(clock, plot), download=download)
        asked, own, ending = chosen.problem, chosen.design.architecture, Ending(chosen.stop)
        of_kinds = picture in _OF_KINDS
        if not of_kinds and not chosen.trained:
            fail(f"--picture: {picture} is of the loss, which needs --problem or training.tokens")
        first, *names = labels(["optimum" if is_problem(source) else source, *(beside or [])])
        others = nearest(own, _NEAREST) if beside is None else {
            name: load_architecture(other, say, download=download)
            for name, other in zip(names, beside, strict=True)
        }  # fmt: skip
        found = by_kind(asked, {first: own} | others)
        from modelsizer.problems.designs.assumptions import Assumptions
        from modelsizer.text.assumptions import serving_rows
        from modelsizer.text.layers import compared_dict, print_layers

        title = source if problem is not None else asked.name or source
        assumed = Assumptions.of(asked)
        notes = list(chosen.note)
        if asked.training.flops == "6ND":
            notes.append('The problem itself counts training FLOPs as "6ND".')
        rows = serving_rows(assumed, own)
        emit(
            chosen.to_dict() | {"assumptions": assumed.to_dict()} | compared_dict(found),
            json_,
            lambda console: print_layers(console, title, found, notes, rows),
            plot_file(
                plot,
                picture,
                found if of_kinds else (asked, chosen.design),
                title="" if of_kinds and not is_problem(source) else title,
                size=plot_size,
                clock=clock,
                ending=ending,
            ),
        )
    if not ending.complete:
        raise typer.Exit(STOPPED)
