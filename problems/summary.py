"""A problem in figures: its size, its goal, its limits and the work of enumerating it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modelsizer.problems.problem import Problem

DESIGNS_PER_SECOND = 2e6
"""Designs that enumeration evaluates on one core, measured; only the order of magnitude matters."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A valid problem in figures.

    Parameters
    ----------
    problem : Problem
    width_options : int
        Combinations of all choices but the number of layers.
    designs : int
    layouts : int
        Parallel layouts of training.
    exhaustive_seconds : float
        An estimate.
    """

    problem: Problem
    width_options: int
    designs: int
    layouts: int
    exhaustive_seconds: float

    @property
    def goal(self) -> str:
        """The objective in words, such as ``minimize loss``."""
        return f"{self.problem.objective.sense} {self.problem.objective.quantity}"

    def to_dict(self) -> dict[str, Any]:
        """The keys of the JSON contract."""
        problem = self.problem
        return {
            "name": problem.name,
            "valid": True,
            "width_options": self.width_options,
            "designs": self.designs,
            "layouts": self.layouts,
            "exhaustive_seconds": self.exhaustive_seconds,
            "objective": self.goal,
            "law": problem.law.name,
            "shape": problem.shape.name,
            "limits": list(problem.budgets.limits),
            "scenarios": list(problem.scenarios),
        }


def summarize(problem: Problem) -> Summary:
    """Count the designs of a problem and estimate the work of enumerating them.

    Parameters
    ----------
    problem : Problem
    """
    counted = problem.counted
    return Summary(
        problem,
        counted.options,
        counted.designs,
        len(problem.layouts),
        round(counted.pairs / DESIGNS_PER_SECOND, 3),
    )
