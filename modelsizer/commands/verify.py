"""The command verify: check a saved answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import STOPPED, user_errors
from modelsizer.commands.options import Json, TimeLimit
from modelsizer.commands.output import emit

if TYPE_CHECKING:
    from rich.console import Console


def verify(
    answer: Annotated[
        str,
        typer.Argument(
            metavar="ANSWER",
            help="The JSON that `solve` or `whatif` wrote: a path, or - for standard input.",
        ),
    ],
    problem: Annotated[
        str | None,
        typer.Option(
            metavar="FILE", help="Take this problem, for an answer that does not hold its own."
        ),
    ] = None,
    solver: Annotated[
        str | None,
        typer.Option(help="Prove it by this solver, as of `solve`; by default the answer's own."),
    ] = None,
    time_limit: TimeLimit = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Compute its figures again, without the proof.")
    ] = False,
    json_: Json = None,
) -> None:
    """Check a saved answer: compute its figures and prove it again.

    It needs no other file. What differs may be the version or a catalogue here, an edited problem
    or figure, or a claim that is not so. The proof of an answer that a limit stopped gets twice the
    time that it took, unless there is a --time-limit.

    Exit status: 0 all agrees, 2 bad input, 3 something differs or could not be proven again.
    """
    with user_errors():
        from modelsizer.optimizer.answers.verify import verify_answer
        from modelsizer.problems.problem import Problem
        from modelsizer.text.verify import print_verified

        given = None if problem is None else Problem.load(problem)
        with user_errors(ValueError):
            found = verify_answer(
                answer, problem=given, solver=solver, time_limit=time_limit, quick=quick
            )

        def show(console: Console) -> None:
            print_verified(console, found)

        emit(found.to_dict(), json_, show)
    if not found.agrees:
        raise typer.Exit(STOPPED)
