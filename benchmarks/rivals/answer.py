"""The result of a rival, checked by the program's own exact evaluation."""

from __future__ import annotations

import time
from dataclasses import dataclass

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.problem import Problem


class Skipped(Exception):  # noqa: N818 - a reason, not an error
    """Raised if a rival cannot state a problem, or is not installed; the message says why."""


@dataclass(frozen=True, slots=True)
class RivalAnswer:
    """Result of a rival.

    Parameters
    ----------
    value : float or None
        Objective of its design, by `modelsizer.problems.designs.evaluation.evaluate`; None if it
        returned no design or an infeasible one.
    bound : float or None
        Claimed lower bound on the objective of every design; None if it proves none.
    proof : bool
        Whether the rival claims that its design is optimal, or that there is none.
    seconds, solver_seconds : float
        Seconds of the process, including building the model, and of the solver alone.
    words : str
        Why it stopped, and the size of its model.
    architecture : Architecture or None
        The design.
    claimed : float or None
        The objective of its design as the rival has it; None if it does not say.
    """

    value: float | None
    bound: float | None
    proof: bool
    seconds: float
    solver_seconds: float
    words: str
    architecture: Architecture | None = None
    claimed: float | None = None


class Stopwatch:
    """Measures the time since its creation, and of the solver between `start` and `stop`."""

    def __init__(self) -> None:
        self._made = time.perf_counter()
        self._started = self._made
        self.solver = 0.0

    @property
    def elapsed(self) -> float:
        return time.perf_counter() - self._made

    def start(self) -> None:
        self._started = time.perf_counter()

    def stop(self) -> None:
        self.solver += time.perf_counter() - self._started


def objective_of(problem: Problem, found: Evaluation) -> float:
    """The objective of an evaluated design, to minimise."""
    sign = -1.0 if problem.objective.sense == "maximize" else 1.0
    return sign * float(found.exact[problem.objective.quantity])


def answered(
    problem: Problem,
    design: Architecture | Evaluation | None,
    clock: Stopwatch,
    words: str,
    *,
    bound: float | None = None,
    proof: bool = False,
    claimed: float | None = None,
) -> RivalAnswer:
    """The answer for a design; infeasible designs count as none."""
    found = evaluate(problem, design) if isinstance(design, Architecture) else design
    if found is not None and not found.feasible:
        words, found = f"{words}; its design breaks {', '.join(found.violated)}", None
    return RivalAnswer(
        None if found is None else objective_of(problem, found),
        bound,
        proof and found is not None,
        clock.elapsed,
        clock.solver,
        words,
        None if found is None else found.architecture,
        claimed,
    )


def without_design(clock: Stopwatch) -> RivalAnswer:
    """The answer if no entry of a complete table is feasible, which proves that no design is."""
    return RivalAnswer(None, None, True, clock.elapsed, clock.solver, "infeasible")
