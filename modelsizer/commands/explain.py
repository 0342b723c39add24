"""The command explain: why a problem is infeasible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import STOPPED, user_errors
from modelsizer.commands.options import File, Json, Settings, TimeLimit, load
from modelsizer.commands.output import emit
from modelsizer.commands.progress_lines import counter

if TYPE_CHECKING:
    from rich.console import Console


def explain(
    file: File,
    why: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY", help="Say whether changing this limit or setting can help; repeatable."
        ),
    ] = None,
    weight: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=W",
            help="Weight of a change of a limit, a setting or a menu, in place of its own (of "
            "budgets 1, of the loss 100; docs/how-to/questions.md has all). Repeatable.",
        ),
    ] = None,
    set_: Settings = None,
    time_limit: TimeLimit = None,
    json_: Json = None,
) -> None:
    """Say why no design keeps every limit, and what would repair it.

    Exit status: 0 explained, or nothing to explain; 2 bad input, 3 stopped by a limit.
    """
    with user_errors():
        problem = load(file, set_)
        from modelsizer.optimizer.explain.explain import explain as explained
        from modelsizer.problems.key_values import read_pairs
        from modelsizer.text.explain import explanation_dict, print_explanation

        with counter("conflicts") as progress:
            found = explained(
                problem,
                why=why or (),
                weights=read_pairs(weight or [], "--weight"),
                time_limit=time_limit,
                progress=progress,
            )

        def show(console: Console) -> None:
            print_explanation(console, found)

        emit(explanation_dict(found), json_, show)
    if not found.complete:
        raise typer.Exit(STOPPED)
