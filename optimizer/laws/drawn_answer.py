"""A problem under the bootstrap draws in the file of its law."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

from modelsizer.optimizer.laws.corners import ablation_corners
from modelsizer.optimizer.laws.draws import Draws
from modelsizer.optimizer.laws.robust import DEFAULT_TAIL, Uncertainty, solve_draws
from modelsizer.optimizer.tables.clock import Clock, Ending, Stop
from modelsizer.problems.errors import ArgumentError, ProblemError, require_type
from modelsizer.problems.laws.ablations import Ablations
from modelsizer.problems.laws.files import LawFile
from modelsizer.problems.laws.laws import TokenLaw
from modelsizer.problems.laws.reading import PREFIX, load_law
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass
from modelsizer.problems.requirements.references import sized
from modelsizer.problems.shown import Drawn, Tabled

DRAWS, WINNERS = 500, 20
"""Default numbers of draws and of winners."""
_FEW = 100  # with fewer draws a 5 % quantile depends on fewer than five of them


@dataclass(frozen=True, slots=True)
class DrawnAnswer(Tabled, Drawn):
    """The answer to a problem under the draws of its law, and notes about the draws.

    Parameters
    ----------
    found : Uncertainty or None
        None where it is proven that no design keeps the limits, or the time was too short.
    draws : int
    notes : tuple of str
        For example that the draws are few.
    winners : int
        Most frequent winners to list.
    stop : Stop
        ``"proven"`` if the answer is complete, otherwise why it ended early.
    """

    found: Uncertainty | None
    draws: int
    notes: tuple[str, ...]
    winners: int = WINNERS
    stop: Stop = "proven"

    def _words(self) -> str:
        if self.found is None:
            return f"of {self.draws} draws: no design ({self.stop})"
        return self.found._words()

    @property
    def complete(self) -> bool:
        """Whether the answer is known."""
        return self.stop == "proven"

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        ended = {"complete": self.complete, "stop": self.stop}
        if self.found is None:
            status = "infeasible" if self.complete else "limit"
            return {"status": status, "draws": self.draws} | ended
        return self.found.to_dict(self.winners) | {"notes": list(self.notes)} | ended


def uncertainty(
    problem: Problem,
    draws: int = DRAWS,
    *,
    winners: int = WINNERS,
    cvar: float = DEFAULT_TAIL,
    corners: bool = False,
    time_limit: float | None = None,
) -> DrawnAnswer:
    """Solve a problem under every bootstrap draw of its law.

    The answer has the optimal designs of the draws, and the designs of minimum expected loss,
    worst-case loss, maximum regret and conditional value at risk, proven over the draws.

    Parameters
    ----------
    problem : Problem
        Its law is the file of a fit with a bootstrap, ``objective.law = "file:PATH"``.
    draws : int
        Number of draws to use, from the start of the file.
    winners : int
        Most frequent winners to list.
    cvar : float
        q of the conditional value at risk, the mean of the worst 1 - q of the losses; in [0, 1).
    corners : bool
        Combine each draw with each end of the band of what no law sees of an architecture.
    time_limit : float, optional
        Seconds. The answer is of all designs together: if it is not known by then, or at an
        interruption, none is returned, as not complete.

    Returns
    -------
    DrawnAnswer

    Raises
    ------
    ArgumentError
        If `cvar` is not in [0, 1), or the time limit is negative.
    ProblemError
        If the law has no draws, or its form is not supported.

    Examples
    --------
    >>> from modelsizer import Problem
    >>> problem = Problem.load("phone-2gb", {"objective.law": "file:docs/mylaw.toml"})
    >>> uncertainty(problem, 20).found.draws
    20
    """
    require_type("problem", problem, Problem)
    if not 0 <= cvar < 1:
        raise ArgumentError("cvar", f"{cvar:g} is not a share from 0 to below 1")
    clock, ending = Clock.of(time_limit), Ending()
    fitted = _file_of(problem)
    laws = fitted.drawn_laws[:draws]
    notes = []
    if len(laws) < draws:
        notes.append(f"{fitted.path} has {len(laws)} draws, fewer than the {draws} asked for")
    if len(laws) < _FEW:
        notes.append(f"{len(laws)} draws are few for quantiles of 5 and 95 %; fit with more")
    found, limit = None, problem.budgets.loss
    reference = "" if limit is None or limit.ends != ("max",) else limit.max_as
    with ending:
        read = ablation_corners(problem) if corners else None
        # Of the designs of least loss only whether they reach a limit depends on it.
        free = problem.without("budgets.loss") if reference else problem
        found = solve_draws(free, laws, tail=cvar, clock=clock, corners=read)
        if found is not None and reference:
            notes.append(_reached(free, reference, found, laws, tuple((read or {}).values())))
    return DrawnAnswer(found, len(laws), tuple(notes), winners, ending.stop)


def _reached(
    problem: Problem,
    reference: str,
    found: Uncertainty,
    laws: Sequence[TokenLaw],
    readings: Sequence[Ablations | None],
) -> str:
    """A sentence on the draws in which a design reaches the loss of a model by the same draw."""
    length, model = problem.training.sequence_length, sized(problem, reference)
    draws = Draws.of([law.on_sequences(length) for law in laws], tuple(readings))
    limits = [model.loss(draws.quality(k, problem.quality)) for k in range(len(draws))]
    reached = sum(map(operator.le, found.least, limits))
    return (
        f"budgets.loss, {reference}: in {reached} of {len(limits)} draws some design reaches the "
        "loss that the model has by the same draw; no design is left out for it"
    )


def _file_of(problem: Problem) -> LawFile:
    """Return the file of the problem's law; it must have draws."""
    name = problem.objective.law
    how = "modelsizer fit RUNS --bootstrap 500 -o mylaw.toml"
    if not name.startswith(PREFIX):
        raise ProblemError.of(
            "objective.law",
            f"{name} has no bootstrap draws; give --law mylaw.toml, made by `{how}`",
        )
    fitted = load_law(name.removeprefix(PREFIX))
    if not fitted.draws:
        raise ProblemError.of("bootstrap.draws", f"has none; make them by `{how}`", fitted.path)
    return fitted
