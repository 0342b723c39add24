"""The cost of pinned and forbidden choices: compare the optimum with and without them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelsizer.optimizer.result import Result


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

    @property
    def cost(self) -> float | None:
        """How much they worsen the objective; None if either problem has no optimum."""
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
