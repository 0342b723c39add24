"""What pinned and forbidden choices cost: the optimum with them beside the optimum without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelsizer.optimizer.result import Result


@dataclass(frozen=True, slots=True)
class PinnedChoices:
    """A problem solved with some choices pinned or forbidden, and without.

    Parameters
    ----------
    choices : tuple of str
        As the user wrote them.
    result : Result
        With them.
    free : Result
        Without them.
    """

    choices: tuple[str, ...]
    result: Result
    free: Result

    @property
    def cost(self) -> float | None:
        """By how much they worsen the objective; None where either has no optimum."""
        mine, theirs = self.result.objective.value, self.free.objective.value
        if mine is None or theirs is None:
            return None
        sign = -1 if self.result.objective.sense == "maximize" else 1
        return sign * (float(mine) - float(theirs))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "choices": list(self.choices),
            "free": {"status": self.free.status, "objective": self.free.objective.value},
            "cost": self.cost,
        }
