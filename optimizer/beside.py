"""Designs beside a searched space: the better of them and of what the space holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.result import PROVEN, Result
from modelsizer.optimizer.solver import remarks
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.designs.evaluation import Evaluation


def best_with(result: Result, designs: Sequence[Evaluation], clock: Clock) -> Result:
    """The result of a space that other designs are added to.

    What was proven of the space holds of the larger set too: the bound of a minimum is the lesser
    of the space's and of the designs' values. Of equals the space's design stands.

    Parameters
    ----------
    result : Result
        Of the space.
    designs : sequence of Evaluation
        Under the result's problem; those that break a constraint are passed over.
    clock : Clock

    Returns
    -------
    Result
        The very same where no design is better.
    """
    goal = result.objective
    sign = -1 if goal.sense == "maximize" else 1
    feasible = [design for design in designs if design.feasible]
    if not feasible:
        return result
    best = min(feasible, key=lambda design: sign * design.exact[goal.name])
    held = result.design
    if held is not None and sign * held.exact[goal.name] <= sign * best.exact[goal.name]:
        return result
    value = best.quantity(goal.name)
    bound = result.bound
    if result.status == "infeasible":
        bound = float(value)
    elif bound is not None:
        bound = sign * min(sign * bound, sign * float(value))
    uses, warnings = remarks(Model(result.problem), best, clock, deep=False)
    return replace(
        result,
        status="optimal" if result.stop in PROVEN else "limit",
        objective=replace(goal, value=value),
        bound=bound,
        design=best,
        budgets=uses,
        warnings=tuple(warnings),
    )
