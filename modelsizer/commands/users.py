"""The command users: how many requests a design serves at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelsizer.commands.app import STOPPED, fail, user_errors
from modelsizer.commands.contexts import read_contexts
from modelsizer.commands.design_source import Source, Under, design_of, is_problem
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

if TYPE_CHECKING:
    from rich.console import Console

_CONTEXTS = (4096, 8192, 16384, 32768, 65536, 131072)
_OF_A_LOAD = ("load", "prefill", "served by")
"""Assumptions that the tables show, or that differ between machines."""


def users(
    source: Source,
    problem: Under = None,
    context: Annotated[
        str | None,
        typer.Option(
            metavar="TOKENS,...", help="Tokens of each request; 4096,8192,...,131072 by default."
        ),
    ] = None,
    each: Annotated[
        str | None,
        typer.Option(
            metavar="KEY=A,B,...",
            help="Side by side with each value of a setting: serving.accelerator=H100-SXM,L40S.",
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
    """Say how many users a design serves at once, by context, and what each sees and costs.

    As many requests as fit the accelerators and keep the limits that are set, such as
    budgets.decode_latency. The picture has a line for each value.
    Exit status: 0 done, 1 proven infeasible, 2 bad input, 3 stopped by a limit: the
    design is the best found, if there is one.
    """
    with user_errors():
        check_tables(csv)
        check_plot(plot, plot_size)
        contexts = _CONTEXTS if context is None else read_contexts(context)
        key, values = _values(each)
        from modelsizer.optimizer.tables.clock import Clock, Ending
        from modelsizer.problems.designs.users import server

        clock = Clock.of(time_limit)
        first = [f"{key}={text}" for text in values][:1] if not is_problem(source) else []
        chosen = design_of(
            source, problem, [*first, *(set_ or [])], before_drawing(clock, plot), download=download
        )
        asked, ending = chosen.problem.under(chosen.design.layout), Ending(chosen.stop)
        architecture = chosen.design.architecture
        machines: list[tuple[str, dict[str, Any]]] = [
            (text, {key: value}) for text, value in values.items()
        ]
        found = [
            server(asked, architecture, contexts, settings, name)
            for name, settings in machines or [("", {})]
        ]
        if all(one.lack for one in found):
            fail(found[0].lack)
        from modelsizer.problems.designs.assumptions import Assumptions
        from modelsizer.text.assumptions import serving_rows
        from modelsizer.text.users import print_users, users_csv

        assumed = Assumptions.of(asked)
        rows = serving_rows(assumed, architecture)
        rows = [row for row in rows if row[0] not in _OF_A_LOAD or (row[0] != "load" and not each)]
        title = source if problem is not None else asked.name or source

        def show(console: Console) -> None:
            print_users(console, title, found, chosen.note, rows, key)

        emit(
            chosen.to_dict() | {"each": key or None, "servers": [one.to_dict() for one in found]},
            json_,
            show,
            text_file("--csv", csv, lambda: users_csv(found)),
            plot_file(
                plot, "users", found, title=title, size=plot_size, clock=clock, ending=ending
            ),
        )
    if not ending.complete:
        raise typer.Exit(STOPPED)


def _values(text: str | None) -> tuple[str, dict[str, Any]]:
    """Key and values of ``KEY=A,B,...``, each by its text."""
    if text is None:
        return "", {}
    from modelsizer.problems.key_values import read_value, split_list, split_pairs

    ((key, listed),) = split_pairs([text], "--each")
    return key, {each: read_value(each) for each in split_list(listed)}
