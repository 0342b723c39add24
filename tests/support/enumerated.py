"""All designs of a problem, one by one."""

from __future__ import annotations

from modelsizer.optimizer.bounds.model import Model
from modelsizer.problems.designs.evaluation import Evaluation, evaluate

from modelsizer import Problem


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
