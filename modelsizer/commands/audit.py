"""The command audit: compare a published model with the best design of the same budgets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelsizer.commands.app import STOPPED, fail, fail_choice, say, user_errors
from modelsizer.commands.design_source import labels
from modelsizer.commands.law_options import Corners, at_corners
from modelsizer.commands.options import (
    ArchitectureSource,
    Download,
    Json,
    Plot,
    PlotSize,
    Settings,
    SolverName,
    TimeLimit,
    check_plot,
    load,
)
from modelsizer.commands.output import before_drawing, emit, plot_file

if TYPE_CHECKING:
    from rich.console import Console

    from modelsizer.problems.architecture.sources import Source


_PICTURES = ("audit", "kinds", "stack")


def audit(
    source: ArchitectureSource,
    tokens: Annotated[
        str | None,
        typer.Option(
            help='Tokens it was trained on, such as "15T"; by default the answer\'s '
            "or the catalogue's."
        ),
    ] = None,
    sequence: Annotated[
        int | None,
        typer.Option(help="Training sequence length; by default the learned positions, or 4096."),
    ] = None,
    law: Annotated[
        str | None,
        typer.Option(
            help="Judge by this loss law; by default that of the answer, or besiroglu-2024."
        ),
    ] = None,
    shape: Annotated[
        str | None,
        typer.Option(
            help="Judge shapes by this law, where the loss law does not price them itself."
        ),
    ] = None,
    solver: SolverName = "auto",
    problem: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Take menus, settings, law and further budgets of this problem.",
        ),
    ] = None,
    set_: Settings = None,
    corners: Corners = False,
    time_limit: TimeLimit = None,
    download: Download = False,
    json_: Json = None,
    picture: Annotated[
        str, typer.Option(help=f"What --plot draws: {', '.join(_PICTURES)}.")
    ] = _PICTURES[0],
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Compare a model with the best design within its own budgets.

    Laws, ablations and [tokenizer] are those of the answer that SOURCE is, of --problem, or the
    defaults.

    Exit status: 0 compared, 2 bad input, 3 stopped by a limit.
    """
    with user_errors():
        check_plot(plot, plot_size)
        if picture not in _PICTURES:
            fail_choice("--picture", picture, _PICTURES)
        from modelsizer.optimizer.audit import audit as compare
        from modelsizer.optimizer.tables.clock import Clock, Ending
        from modelsizer.problems.architecture.sources import find_source
        from modelsizer.problems.designs.by_kind import by_kind
        from modelsizer.problems.interrupts import held
        from modelsizer.problems.laws.reading import law_setting
        from modelsizer.text.audit import print_audit

        read = find_source(source, download=download)
        architecture = read.architecture(say)
        clock = Clock.of(time_limit)
        with user_errors(ValueError):
            number = _trained_tokens(source, read, tokens)
            base = None
            if problem is not None:
                base = load(problem, set_)
            elif set_:
                fail("--set: needs --problem FILE")
            with held():
                found = compare(
                    architecture,
                    number,
                    sequence=sequence,
                    law=None if law is None else law_setting(law),
                    shape=shape,
                    solver=solver,
                    problem=base,
                    judged_by=_judged_by(read),
                    time_limit=before_drawing(clock, plot).share(2 if corners else 1),
                )
            cornered = None
            if corners:
                cornered = at_corners(
                    found.problem,
                    solver=solver,
                    time_limit=before_drawing(clock, plot).left.seconds,
                    answer=found.optimum,
                    beside=architecture,
                )
        label = labels([source])[0]
        ending = Ending(found.stop)
        content = found.to_dict()
        if cornered is not None:
            ending.stop = cornered.stop if ending.complete else ending.stop
            content |= cornered.figures() | {"complete": ending.complete, "stop": ending.stop}

        def show(console: Console) -> None:
            print_audit(console, label, found)
            if cornered is not None:
                from modelsizer.text.corners import print_corners

                print_corners(console, cornered, "the model")

        emit(
            content,
            json_,
            show,
            plot_file(
                plot,
                picture,
                (found, label)
                if picture == "audit"
                else by_kind(found.problem, {label: architecture} | found.rivals),
                title=f"{label} beside the best of its own budgets" if picture == "audit" else "",
                size=plot_size,
                clock=clock,
                ending=ending,
            ),
        )
    if not ending.complete:
        raise typer.Exit(STOPPED)


def _judged_by(read: Source) -> dict[str, Any] | None:
    """The tables of the problem that an answer holds."""
    tables = read.content.get("problem") if read.is_answer else None
    return tables if isinstance(tables, dict) else None


def _trained_tokens(source: str, read: Source, text: str | None) -> float:
    """The given tokens, or those of an answer, or those in the catalogue."""
    from modelsizer.problems.architecture.models import models
    from modelsizer.problems.units import parse_quantity

    if text is not None:
        try:
            return float(parse_quantity(text, "tokens"))
        except ValueError as error:
            fail(f"--tokens: {error}")
    model = models().get(source)
    own = read.content.get("tokens") if read.is_answer else model and model.tokens
    if isinstance(own, bool) or not isinstance(own, int | float):
        fail(f"{source}: tokens trained on are not known; give --tokens")
    return float(own)
