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
        list[str] | None,
        typer.Option(
            metavar="KEY=A,B,...",
            help="Side by side with each value of a setting: serving.accelerator=H100-SXM,L40S; "
            "repeatable, for all combinations.",
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
    """Say how many users a design serves at once, and at what cost.

    As many requests as fit the accelerators and keep the limits that are set, such as
    budgets.decode_latency. The picture has a line for each value.

    Exit status: 0 done, 1 proven infeasible, 2 bad input, 3 stopped by a limit: the design is the
    best found, if there is one.
    """
    with user_errors():
        check_tables(csv)
        check_plot(plot, plot_size)
        contexts = _CONTEXTS if context is None else read_contexts(context)
        menus = _menus(each or [])
        machines, key = _machines(menus), ", ".join(menus)
        from modelsizer.optimizer.tables.clock import Clock, Ending
        from modelsizer.problems.designs.users import server

        clock = Clock.of(time_limit)
        first = [] if is_problem(source) else [f"{k}={texts[0]}" for k, texts in menus.items()]
        chosen = design_of(
            source, problem, [*first, *(set_ or [])], before_drawing(clock, plot), download=download
        )
        asked, ending = chosen.problem.under(chosen.design.layout), Ending(chosen.stop)
        architecture = chosen.design.architecture
        found = [server(asked, architecture, contexts, set_so, name) for name, set_so in machines]
        if all(one.lack for one in found):
            fail(found[0].lack)
        from modelsizer.problems.designs.assumptions import Assumptions
        from modelsizer.text.assumptions import serving_rows
        from modelsizer.text.users import print_users, users_csv

        assumed = [Assumptions.of(asked.with_settings(set_so)) for _, set_so in machines]
        rows, *others = (serving_rows(one, architecture) for one in assumed)
        rows = [row for row in rows if row[0] != "load" and all(row in other for other in others)]
        alone = [one.name for one, so in zip(found, assumed, strict=True)
                 if one.name and not one.lack and so.memory_alone]  # fmt: skip
        title = source if problem is not None else asked.name or source

        def show(console: Console) -> None:
            print_users(console, title, found, chosen.note, rows, key, alone)

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


def _menus(each: list[str]) -> dict[str, list[str]]:
    """Values, as text, of each ``KEY=A,B,...``."""
    from modelsizer.problems.key_values import split_list, split_pairs

    found: dict[str, list[str]] = {}
    for key, listed in split_pairs(each, "--each"):
        if key in found:
            fail(f"--each {key} is given twice; write all of its values in one")
        found[key] = split_list(listed)
    return found


def _machines(menus: dict[str, list[str]]) -> list[tuple[str, dict[str, Any]]]:
    """Name and settings of each combination of values; one without a name if there are no menus."""
    from itertools import product

    from modelsizer.problems.key_values import read_value

    return [
        (", ".join(texts), dict(zip(menus, map(read_value, texts), strict=True)))
        for texts in product(*menus.values())
    ]
