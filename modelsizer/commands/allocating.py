"""The command allocate: where parameters and FLOPs go."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import Json, Settings, app, check_ending, emit, fail, told

if TYPE_CHECKING:
    from problems.architecture import Architecture
    from problems.problem import Problem

_CONTEXTS = (4096, 32768, 131072)
_EXIT = {"infeasible": 1, "limit": 3}


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is allocated, at which contexts if none is given, and what to add to the report."""

    architecture: Architecture
    title: str
    contexts: tuple[int, ...] = _CONTEXTS
    notes: tuple[str, ...] = ()


@app.command()
def allocate(
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A problem file or a name that `problems` lists (its best design), or whatever "
            "`describe` reads: a config.json, an answer, a name that `models` lists.",
        ),
    ],
    context: Annotated[
        str | None,
        typer.Option(
            metavar="TOKENS,...",
            help="Contexts at which FLOPs are counted; by default 4096,32768,131072, and of a "
            "problem its training sequence length and serving context.",
        ),
    ] = None,
    set_: Settings = None,
    json_: Json = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="PATH", help="Write every count to a .csv file.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Draw the shares as bars: .png, .svg or .pdf."),
    ] = None,
    plot_size: Annotated[
        str, typer.Option(help="wide, or column for the column of a paper.")
    ] = "wide",
) -> None:
    """Show where the parameters and the FLOPs go: by component, by layer, by context.

    Exit status: 0 done, 1 the problem is proven infeasible, 2 bad input.
    """
    with told():
        if csv is not None:
            check_ending("--csv", csv, (".csv",))
        if plot is not None:
            from plots.saving import FORMATS
            from plots.style import SIZES

            check_ending("--plot", plot, FORMATS)
            if plot_size not in SIZES:
                fail(f"--plot-size: {plot_size!r} is not one of {', '.join(SIZES)}")
        contexts = None if context is None else _read_contexts(context)
        asked = _asked(source, set_ or [])
        from modelsizer.allocation_report import csv_text, print_allocation
        from problems.allocation import allocate as count

        found = count(asked.architecture, asked.contexts if contexts is None else contexts)
        if csv is not None:
            from modelsizer.files import write_text

            write_text(csv, csv_text(found))
        if plot is not None:
            from modelsizer.files import write_whole
            from plots.allocation import allocation
            from plots.saving import save

            figure = allocation(found, asked.title, plot_size)
            write_whole(plot, lambda part: save(figure, part))
        emit(
            {"source": source} | found.to_dict(),
            json_,
            lambda console: print_allocation(console, asked.title, found, asked.notes),
        )


def _read_contexts(text: str) -> tuple[int, ...]:
    """Contexts of ``"4096,32768"``, each once."""
    from problems.units import parse_quantity

    found = []
    for part in text.split(","):
        try:
            value = parse_quantity(part, "count")
        except ValueError as error:
            fail(f"--context: {error}")
        if not isinstance(value, int) or value < 1:
            fail(f"--context: {part.strip()!r} is not a whole number of tokens, 1 or more")
        found.append(value)
    return tuple(dict.fromkeys(found))


def _asked(source: str, settings: list[str]) -> _Asked:
    """The best design of a problem, or an architecture as it is."""
    from problems.reading import library

    if source.endswith(".toml") or source in library():
        from modelsizer.settings import parse_settings
        from problems.problem import Problem

        return _best(source, Problem.load(source, parse_settings(settings)))
    if settings:
        fail(f"--set: {source} is an architecture, and settings are of a problem")
    from problems.sources import load_architecture

    architecture = load_architecture(source)
    return _Asked(architecture, "standard input" if source == "-" else source)


def _best(source: str, problem: Problem) -> _Asked:
    from optimizer.solver import Solver

    result = Solver(problem).solve(details=False)
    if (design := result.design) is None:
        reason = (
            "proven infeasible, so there is no design to allocate; `modelsizer solve` says why"
            if result.status == "infeasible"
            else "stopped before a design was found"
        )
        print(f"{source}: {reason}", file=sys.stderr)
        raise typer.Exit(_EXIT[result.status])
    notes = []
    if result.status != "optimal":
        notes.append("The search was stopped: this is the best design found, not a proven one.")
    if problem.training.flops != "exact":
        notes.append(f'The problem itself counts training FLOPs as "{problem.training.flops}".')
    contexts = dict.fromkeys((problem.training.sequence_length, problem.context_length))
    title = problem.name or source
    return _Asked(design.architecture, title, tuple(contexts), tuple(notes))
