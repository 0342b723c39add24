"""The argument SOURCE: a problem to solve, or an architecture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelsizer.commands.app import INFEASIBLE, STOPPED, fail, say
from modelsizer.commands.options import load
from modelsizer.problems.records import dataclass

if TYPE_CHECKING:
    from modelsizer.optimizer.result import Result
    from modelsizer.optimizer.tables.clock import Clock, Stop
    from modelsizer.problems.designs.evaluation import Evaluation
    from modelsizer.problems.problem import Problem

SOURCE = typer.Argument(
    metavar="SOURCE",
    help="A problem (a .toml file, or a name that `problems` lists), which is solved; or a "
    "model folder, its config.json or a .gguf file, an answer (- for standard input), a name "
    "that `models` lists, or ORG/NAME of the Hugging Face hub.",
)
Source = Annotated[str, SOURCE]

Under = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Evaluate a SOURCE that is no problem under this one.",
    ),
]


def is_problem(source: str) -> bool:
    """Whether a source is a problem, judged by its name."""
    from modelsizer.problems.reading import library

    return source.endswith(".toml") or source in library()


def labels(sources: list[str]) -> list[str]:
    """Names of sources without their folders, where these tell them apart."""
    short = [Path(source).name if "/" in source else source for source in sources]
    return [
        name if short.count(name) == 1 else source
        for name, source in zip(short, sources, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Chosen:
    """A design under a problem.

    Parameters
    ----------
    problem : Problem
    design : Evaluation
    stop : str
        Why the search for it ended; "proven" if it is the optimum, or was given.
    trained : bool
        Whether it is known how long it is trained, so that it has a loss.
    asks_training : bool
        Whether settings of a given architecture ask for its training memory.
    idle : tuple of str
        Settings of a given architecture that change no figure, and why.
    """

    problem: Problem
    design: Evaluation
    stop: Stop = "proven"
    trained: bool = True
    asks_training: bool = False
    idle: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether no better design can be found."""
        return self.stop == "proven"

    def to_dict(self) -> dict[str, Any]:
        """Whether the answer is of a proven design, for JSON."""
        return {"complete": self.complete, "stop": self.stop}

    @property
    def note(self) -> tuple[str, ...]:
        """What a report says of a design that is not proven."""
        if self.complete:
            return ()
        return ("The search was stopped: this is the best design found, not a proven one.",)


def solved(source: str, settings: list[str] | None, clock: Clock) -> Result:
    """Solve a problem; if there is no design, exit as the command solve does."""
    from modelsizer.optimizer.solver import Solver

    result = Solver(load(source, settings), clock=clock).solve(details=False)
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
    source: str,
    problem: str | None,
    settings: list[str] | None,
    clock: Clock,
    *,
    download: bool = False,
) -> Chosen:
    """Return the optimum of a problem, or an architecture evaluated under a problem.

    Parameters
    ----------
    source : str
    problem : str or None
        Problem to evaluate an architecture under; see `modelsizer.optimizer.one_design`.
    settings : list of str or None
        ``"key=value"`` overrides of the problem.
    clock : Clock
        Of the search for an optimum.
    download : bool
        Whether the configuration of a model of the hub may be downloaded.

    Raises
    ------
    ProblemError
        If the source or problem does not exist, or a setting is invalid.
    """
    if is_problem(source):
        if problem is not None:
            fail(f"--problem: {source} is a problem itself; name a config, an answer or a model")
        result = solved(source, settings, clock)
        return Chosen(result.chosen, result.best, result.stop)
    from modelsizer.optimizer.one_design import one_design
    from modelsizer.problems.architecture.sources import load_architecture
    from modelsizer.problems.key_values import read_pairs

    architecture = load_architecture(source, say, download=download)
    found = one_design(architecture, problem, read_pairs(settings or []))
    return Chosen(
        found.problem,
        found.design,
        trained=found.trained,
        asks_training=found.asks_training,
        idle=found.idle,
    )
