"""The argument SOURCE: a problem to solve, or an architecture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from modelsizer.commands.app import INFEASIBLE, STOPPED, fail, say
from modelsizer.commands.options import load

if TYPE_CHECKING:
    from modelsizer.optimizer.result import Result
    from modelsizer.problems.designs.evaluation import Evaluation
    from modelsizer.problems.problem import Problem

Source = Annotated[
    str,
    typer.Argument(
        metavar="SOURCE",
        help="A problem (a .toml file, or a name that `problems` lists), which is solved; or a "
        "config.json or an answer (a path, or - for standard input), or a name that `models` "
        "lists.",
    ),
]

Under = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Of SOURCE that is no problem: evaluate it under this one.",
    ),
]


def is_problem(source: str) -> bool:
    """Whether a source is a problem, judged by its name."""
    from modelsizer.problems.reading import library

    return source.endswith(".toml") or source in library()


def solved(source: str, settings: list[str] | None) -> Result:
    """Solve a problem; if there is no design, exit as the command solve does."""
    from modelsizer.optimizer.solver import Solver

    result = Solver(load(source, settings)).solve(details=False)
    if result.design is not None:
        return result
    if result.status == "infeasible":
        why = f"proven infeasible, so it has no design; `modelsizer solve {source}` says why"
        status = INFEASIBLE
    else:
        why, status = "stopped before a design was found", STOPPED
    say(f"{source}: {why}")
    raise typer.Exit(status)


def design_of(
    source: str, problem: str | None, settings: list[str] | None
) -> tuple[Problem, Evaluation]:
    """Return the optimum of a problem, or an architecture evaluated under a problem.

    Parameters
    ----------
    source : str
    problem : str or None
        Problem to evaluate an architecture under; see `modelsizer.optimizer.one_design`.
    settings : list of str or None
        ``"key=value"`` overrides of the problem.

    Raises
    ------
    ProblemError
        If the source or problem does not exist, or a setting is invalid.
    """
    if is_problem(source):
        if problem is not None:
            fail(f"--problem: {source} is a problem itself; name a config, an answer or a model")
        result = solved(source, settings)
        return result.problem, result.best
    from modelsizer.optimizer.one_design import one_design
    from modelsizer.problems.architecture.sources import load_architecture
    from modelsizer.problems.key_values import read_pairs

    found = one_design(load_architecture(source), problem, read_pairs(settings or []))
    return found.problem, found.design
