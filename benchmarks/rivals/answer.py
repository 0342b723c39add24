"""What a rival returns, judged by the program's own exact evaluation."""

from __future__ import annotations

import time
from dataclasses import dataclass

from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.problem import Problem


class Skipped(Exception):  # noqa: N818 - a reason, not an error
    """A rival cannot state a problem, or is not installed; the words say why."""


@dataclass(frozen=True, slots=True)
class RivalAnswer:
    """What a rival got.

    Parameters
    ----------
    loss : float or None
        Of the design that it returned, by `modelsizer.problems.designs.evaluation.evaluate`; None
        if it returned none or one that breaks a limit.
    bound : float or None
        No design has less loss, if the rival is right; None where it proves nothing.
    proof : bool
        Whether the rival claims that its design is optimal.
    seconds, solver_seconds : float
        In the process, building the model included; and in the solver alone.
    words : str
        What stopped it, and how large its model was.
    architecture : Architecture or None
        The design.
    """

    loss: float | None
    bound: float | None
    proof: bool
    seconds: float
    solver_seconds: float
    words: str
    architecture: Architecture | None = None


class Stopwatch:
    """Seconds since it was made, and of the solver alone between `start` and `stop`."""

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


def answered(
    problem: Problem,
    design: Architecture | Evaluation | None,
    clock: Stopwatch,
    words: str,
    *,
    bound: float | None = None,
    proof: bool = False,
) -> RivalAnswer:
    """The answer that a design amounts to; one that breaks a limit is none."""
    found = evaluate(problem, design) if isinstance(design, Architecture) else design
    if found is not None and not found.feasible:
        words, found = f"{words}; its design breaks {', '.join(found.violated)}", None
    return RivalAnswer(
        None if found is None else found.loss,
        bound,
        proof and found is not None,
        clock.elapsed,
        clock.solver,
        words,
        None if found is None else found.architecture,
    )
