"""Scenarios as cases in which the same designs are judged."""

from __future__ import annotations

from collections.abc import Sequence

from modelsizer.optimizer.cases import Case, CaseDesign, Cases, designs_of
from modelsizer.optimizer.result import Result
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.errors import ModelsizerError
from modelsizer.problems.problem import Problem
from modelsizer.problems.units import Number

_SEVERAL = 2
MOST_PAIRS = 2_500
"""Pairs of a scenario and a design up to which each is evaluated."""


def cases_of_scenarios(scenarios: Sequence[tuple[str, Problem, Result]]) -> Cases | None:
    """The optimum of each scenario in each of them, whose objective is one.

    None if they are too many, or if fewer than two have an optimum.
    """
    optima = {name: _optimum(result) for name, _, result in scenarios}
    if sum(design is not None for design in optima.values()) < _SEVERAL:
        return None
    designs = designs_of(optima.items())
    if len(designs) * len(scenarios) > MOST_PAIRS:
        return None
    objective = scenarios[0][2].objective
    cases = tuple(
        Case(name, result.status, None if optima[name] is None else result.objective.value)
        for name, _, result in scenarios
    )
    values = tuple(
        tuple(_value(name, problem, result, each) for each in designs)
        for name, problem, result in scenarios
    )
    return Cases("scenario", objective.name, objective.sense, cases, designs, values)


def _optimum(result: Result) -> Evaluation | None:
    return result.design if result.status == "optimal" else None


def _value(name: str, problem: Problem, result: Result, design: CaseDesign) -> Number | None:
    """Value of a design in a scenario; None where it breaks a limit, or has no place there."""
    if _optimum(result) is None:
        return None
    if name in design.best_in:
        return result.objective.value
    try:
        found = evaluate(problem, design.architecture)
        return found.quantity(result.objective.name) if found.feasible else None
    except (ModelsizerError, ValueError):  # such as ways that do not divide its heads
        return None
