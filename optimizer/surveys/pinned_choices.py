"""The cost of pinned and forbidden choices: compare the optimum with and without them."""

from __future__ import annotations

from typing import Any

from modelsizer.optimizer.result import PROVEN, Result
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.tables.clock import Clock, Stop
from modelsizer.problems.problem import Problem
from modelsizer.problems.records import dataclass


@dataclass(frozen=True, slots=True)
class PinnedChoices:
    """A problem solved with and without some pinned or forbidden choices.

    Parameters
    ----------
    choices : tuple of str
        The choices as the user wrote them.
    result : Result
        Result with the choices.
    free : Result
        Result without the choices.
    """

    choices: tuple[str, ...]
    result: Result
    free: Result

    @classmethod
    def of(
        cls, choices: tuple[str, ...], result: Result, free: Problem, solver: str, clock: Clock
    ) -> PinnedChoices:
        """Solve the problem without the choices, and compare.

        Parameters
        ----------
        choices : tuple of str
        result : Result
            Result with the choices.
        free : Problem
            The problem without them.
        solver : str
            See `modelsizer.optimizer.solver.solve`.
        clock : Clock
        """
        return cls(choices, result, Solver(free, solver=solver, clock=clock).solve(details=False))

    @property
    def stop(self) -> Stop:
        """``"proven"`` if the cost is known, otherwise why one of the solves ended early."""
        stops: tuple[Stop, ...] = (self.result.stop, self.free.stop)
        return next((stop for stop in stops if stop not in PROVEN), "proven")

    @property
    def cost(self) -> float | None:
        """How much they worsen the objective; None if either has no optimum, or no proven one."""
        if self.stop != "proven":
            return None
        mine, theirs = self.result.objective.value, self.free.objective.value
        if mine is None or theirs is None:
            return None
        sign = -1 if self.result.objective.sense == "maximize" else 1
        return sign * (float(mine) - float(theirs))

    def to_dict(self) -> dict[str, Any]:
        """Convert to a mapping for JSON."""
        return {
            "choices": list(self.choices),
            "free": {"status": self.free.status, "objective": self.free.objective.value},
            "cost": self.cost,
        }
