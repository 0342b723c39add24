"""Every design of a problem, evaluated one by one."""

from __future__ import annotations

from modelsizer import Problem
from modelsizer.optimizer.bounds.model import Model
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from tests.support.architectures import listed


def all_designs(problem: Problem) -> list[Evaluation]:
    """Every design that keeps the limits, evaluated one by one."""
    found = {}
    for table in Model(problem).tables():
        for row in range(len(table)):
            for j in range(int(table.count[row, 0])):
                design = evaluate(problem, table.architecture(problem, row, [j]))
                if design.feasible:
                    found[design.architecture] = design
    return list(found.values())


def designs_of(problem: Problem) -> list[Evaluation]:
    """Every design of a space, evaluated."""
    return [evaluate(problem, architecture) for architecture in dict.fromkeys(listed(problem))]


def sorted_by_hand(problem: Problem) -> list[Evaluation]:
    """Feasible designs in the order of the problem's objective."""
    kept = [design for design in designs_of(problem) if design.feasible]
    sign = -1 if problem.objective.sense == "maximize" else 1
    name = problem.objective.quantity
    return sorted(kept, key=lambda d: (sign * d.exact[name], d.tie_key, d.architecture.block))
