"""Problems without the limits that accelerators set by themselves."""

from __future__ import annotations

from modelsizer import Problem


def on_any_device(problem: Problem) -> Problem:
    """The problem with the limits lifted that follow from the memory of its accelerators."""
    return problem.without(*(f"budgets.{name}" for name in problem.device_limits))
