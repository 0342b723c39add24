"""The command uncertainty: solve a problem under every draw of a fitted law."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import INFEASIBLE, STOPPED, user_errors
from modelsizer.commands.law_options import load_under
from modelsizer.commands.options import (
    Csv,
    File,
    Json,
    Plot,
    PlotSize,
    Settings,
    TimeLimit,
    Verbose,
    Without,
    check_plot,
    check_tables,
)
from modelsizer.commands.output import (
    before_drawing,
    emit,
    plot_file,
    say_infeasible,
    say_unknown,
    text_file,
)

if TYPE_CHECKING:
    from rich.console import Console


def uncertainty(
    file: File,
    law: Annotated[
        str,
        typer.Option(
            metavar="LAW.toml", help="The law: a file with bootstrap draws, as `fit -o` writes it."
        ),
    ],
    draws: Annotated[int, typer.Option(min=1, help="Use the first N draws of the file.")] = 500,
    candidates: Annotated[int, typer.Option(min=1, help="Show the N most frequent winners.")] = 20,
    cvar: Annotated[
        float,
        typer.Option(metavar="Q", help="Take CVaR as the mean of the worst 1 - Q of the losses."),
    ] = 0.9,
    corners: Annotated[
        bool,
        typer.Option(
            "--corners",
            help="Combine each draw with each end of what no law sees of an architecture.",
        ),
    ] = False,
    set_: Settings = None,
    without: Without = None,
    time_limit: TimeLimit = None,
    json_: Json = None,
    csv: Csv = None,
    verbose: Verbose = False,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Solve under every draw of a fitted law, and say who wins.

    Also the designs of least expected loss, worst-case loss, maximum regret and CVaR, proven over
    the draws.

    Exit status: 0 solved, 1 proven infeasible, 2 bad input, 3 stopped by a limit, before the
    answer: it is of all designs together.
    """
    with user_errors():
        check_tables(csv)
        check_plot(plot, plot_size)
        problem = load_under(file, set_, without, law)
        from modelsizer.optimizer.laws.drawn_answer import uncertainty as solve_draws
        from modelsizer.optimizer.tables.clock import Clock
        from modelsizer.problems.interrupts import held
        from modelsizer.text.cases import cases_csv

        seconds = before_drawing(Clock.of(time_limit), plot).left.seconds
        with held():
            answer = solve_draws(
                problem,
                draws,
                winners=candidates,
                cvar=cvar,
                corners=corners,
                time_limit=seconds,
            )
        found = answer.found

        def show(console: Console) -> None:
            if not answer.complete:
                say_unknown(console, answer.stop)
                return
            if found is None:
                say_infeasible(console)
                return
            from modelsizer.text.uncertainty import print_uncertainty

            print_uncertainty(console, found, answer.winners, answer.notes, verbose=verbose)

        def rows() -> str:
            return cases_csv(None if found is None else found.cases(answer.winners))

        drawn, table = (plot, csv) if found is not None else (None, None)
        picture = plot_file(drawn, "uncertainty", found, title=problem.name, size=plot_size)
        emit(answer.to_dict, json_, show, text_file("--csv", table, rows), picture)
    if not answer.complete:
        raise typer.Exit(STOPPED)
    if found is None:
        raise typer.Exit(INFEASIBLE)
