"""The command that carries a law's uncertainty to the answer: uncertainty."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelsizer.commands.app import (
    INFEASIBLE,
    File,
    Json,
    Plot,
    PlotSize,
    Settings,
    Without,
    app,
    check_plot,
    emit,
    fail,
    load,
    told,
    write_plot,
)

if TYPE_CHECKING:
    from rich.console import Console

    from problems.laws import PowerLaw

_FEW = 100  # draws below which a 5 % quantile stands on fewer than five of them


@app.command()
def uncertainty(
    file: File,
    law: Annotated[
        str, typer.Option(metavar="LAW.toml", help="A law with bootstrap draws, of `fit -o`.")
    ],
    draws: Annotated[int, typer.Option(min=1, help="The first so many draws of the file.")] = 500,
    candidates: Annotated[int, typer.Option(min=1, help="Most frequent winners to show.")] = 20,
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
        laws, notes = _draws(law, draws)
        problem = load(file, [*(set_ or []), f"objective.law=file:{law}"], without)
        from modelsizer.uncertainty_report import print_uncertainty
        from optimizer.laws.robust import uncertainty as under_all

        found = under_all(problem, laws, tail=cvar)

        def content() -> dict[str, Any]:
            if found is None:
                return {"status": "infeasible", "draws": len(laws)}
            return found.to_dict(candidates) | {"notes": notes}

        def show(console: Console) -> None:
            if found is None:
                console.print("No design keeps the limits; `modelsizer explain` says why.")
            else:
                print_uncertainty(console, found, candidates, notes)

        emit(content, json_, show)
        if found is not None and plot is not None:
            from plots.uncertainty import uncertainty_figure

            write_plot(plot, lambda: uncertainty_figure(found, title=problem.name, size=plot_size))
    if found is None:
        raise typer.Exit(INFEASIBLE)


def _draws(path: str, wanted: int) -> tuple[tuple[PowerLaw, ...], list[str]]:
    """The first draws of a law's file, and what is to be said of their number."""
    from problems.errors import ProblemError
    from problems.law_files import load_law

    fitted = load_law(path)
    laws = fitted.drawn_laws[:wanted]
    if not laws:
        raise ProblemError.of(
            "bootstrap.draws", "has none; fit the law with --bootstrap 500", fitted.path
        )
    notes = []
    if len(laws) < wanted:
        notes.append(f"{path} has {len(laws)} draws, fewer than the {wanted} asked for")
    if len(laws) < _FEW:
        notes.append(f"{len(laws)} draws are few for quantiles of 5 and 95 %; fit with more")
    return laws, notes
