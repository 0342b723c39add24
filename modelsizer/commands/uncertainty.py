"""The command that carries a law's uncertainty to the answer: uncertainty."""

from __future__ import annotations

from typing import Annotated

import typer

from modelsizer.commands.app import INFEASIBLE, fail, told
from modelsizer.commands.law_options import CANDIDATES, DRAWS, load_under, under_draws
from modelsizer.commands.options import File, Json, Plot, PlotSize, Settings, Without, check_plot
from modelsizer.commands.output import emit, write_plot


def uncertainty(
    file: File,
    law: Annotated[
        str, typer.Option(metavar="LAW.toml", help="A law with bootstrap draws, of `fit -o`.")
    ],
    draws: Annotated[int, typer.Option(min=1, help="The first so many draws of the file.")] = DRAWS,
    candidates: Annotated[
        int, typer.Option(min=1, help="Most frequent winners to show.")
    ] = CANDIDATES,
    cvar: Annotated[
        float, typer.Option(metavar="Q", help="CVaR is the mean of the worst 1 - Q of the losses.")
    ] = 0.9,
    set_: Settings = None,
    without: Without = None,
    json_: Json = None,
    plot: Plot = None,
    plot_size: PlotSize = "wide",
) -> None:
    """Solve under every bootstrap draw of a fitted law: who wins, what each choice gives up.

    And the designs of least expected loss, worst-case loss, maximum regret and CVaR, proven over
    the draws. Exit status: 0 solved, 1 proven that no design fits, 2 bad input.
    """
    with told():
        check_plot(plot, plot_size)
        if not 0 <= cvar < 1:
            fail(f"--cvar: {cvar:g} is not a share from 0 to below 1")
        problem = load_under(file, set_, without, law)
        under = under_draws(problem, draws, most=candidates, tail=cvar)
        emit(under.to_dict, json_, under.show)
        found = under.found
        if found is not None and plot is not None:
            from modelsizer.plots.laws.uncertainty import uncertainty_figure

            write_plot(plot, lambda: uncertainty_figure(found, title=problem.name, size=plot_size))
    if found is None:
        raise typer.Exit(INFEASIBLE)
