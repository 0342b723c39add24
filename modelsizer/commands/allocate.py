"""The command allocate: shares of parameters and FLOPs by component."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import STOPPED, fail, say, user_errors
from modelsizer.commands.contexts import read_contexts
from modelsizer.commands.design_source import Chosen, Source, is_problem, solved
from modelsizer.commands.options import (
    Csv,
    Download,
    Json,
    Plot,
    PlotSize,
    Settings,
    TimeLimit,
    check_plot,
    check_tables,
)
from modelsizer.commands.output import before_drawing, emit, plot_file, text_file
from modelsizer.problems.records import dataclass

if TYPE_CHECKING:
    from modelsizer.optimizer.tables.clock import Clock, Stop
    from modelsizer.problems.architecture.architecture import Architecture

_CONTEXTS = (4096, 32768, 131072)


@dataclass(frozen=True, slots=True)
class _Source:
    """An architecture to allocate, its default contexts, and notes for the report."""

    architecture: Architecture
    title: str
    contexts: tuple[int, ...] = _CONTEXTS
    notes: tuple[str, ...] = ()
    stop: Stop = "proven"


def allocate(
    source: Source,
    context: Annotated[
        str | None,
        typer.Option(
            metavar="TOKENS,...",
            help="Contexts at which FLOPs are counted; by default 4096,32768,131072, and of a "
            "problem its training sequence length and serving context.",
        ),
    ] = None,
    time_limit: TimeLimit = None,
    set_: Settings = None,
    download: Download = False,
    json_: Json = None,
    csv: Csv = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Show where the parameters and the FLOPs of a design go.

    The picture is of the shares, as bars.

    Exit status: 0 done, 1 proven infeasible, 2 bad input, 3 stopped by a limit.
    """
    with user_errors():
        check_tables(csv)
        check_plot(plot, plot_size)
        contexts = None if context is None else read_contexts(context)
        from modelsizer.optimizer.tables.clock import Clock, Ending

        clock = Clock.of(time_limit)
        asked = _source(source, set_, before_drawing(clock, plot), download)
        ending = Ending(asked.stop)
        from modelsizer.problems.architecture.allocation import allocate as count
        from modelsizer.text.allocate import allocation_csv, print_allocation

        found = count(asked.architecture, asked.contexts if contexts is None else contexts)
        emit(
            {"source": source, "complete": ending.complete, "stop": ending.stop} | found.to_dict(),
            json_,
            lambda console: print_allocation(console, asked.title, found, asked.notes),
            text_file("--csv", csv, lambda: allocation_csv(found)),
            plot_file(
                plot,
                "allocation",
                found,
                title=asked.title,
                size=plot_size,
                clock=clock,
                ending=ending,
            ),
        )
    if not ending.complete:
        raise typer.Exit(STOPPED)


def _source(source: str, settings: list[str] | None, clock: Clock, download: bool) -> _Source:
    """Return the optimum of a problem, or a given architecture."""
    if is_problem(source):
        return _best(source, settings, clock)
    if settings:
        fail(f"--set: {source} is an architecture, and settings are of a problem")
    from modelsizer.problems.architecture.sources import load_architecture

    architecture = load_architecture(source, say, download=download)
    return _Source(architecture, "standard input" if source == "-" else source)


def _best(source: str, settings: list[str] | None, clock: Clock) -> _Source:
    result = solved(source, settings, clock)
    chosen = Chosen(result.chosen, result.best, result.stop)
    problem, notes = result.problem, list(chosen.note)
    if problem.training.flops != "exact":
        notes.append(f'The problem itself counts training FLOPs as "{problem.training.flops}".')
    contexts = dict.fromkeys((problem.training.sequence_length, problem.context_length))
    title = problem.name or source
    return _Source(result.best.architecture, title, tuple(contexts), tuple(notes), result.stop)
