"""Every design of a problem, evaluated one by one."""

from __future__ import annotations

from typing import Any

from modelsizer import Problem
from modelsizer.optimizer.bounds.model import Model
from modelsizer.problems.architecture.architecture import Architecture
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


def unseen(problem: Problem, architecture: Architecture) -> float:
    """What no law sees of a design, as a share of its reducible loss."""
    judged = problem.quality.ablations
    return 0.0 if judged is None else sum(map(float, judged.terms(architecture).values()))


def loss_at(problem: Problem, design: Evaluation, tokens: float, law: Any = None) -> float:
    """Loss of a design on so many tokens, by the problem's law of N and D or another."""
    law = problem.law if law is None else law
    predicted = float(law.loss(float(design.law_parameters), tokens))
    reducible = max(predicted - law.irreducible, 0.0)
    return predicted + unseen(problem, design.architecture) * reducible + design.shape_excess


def sorted_by_hand(problem: Problem) -> list[Evaluation]:
    """Feasible designs in the order of the problem's objective."""
    kept = [design for design in designs_of(problem) if design.feasible]
    sign = -1 if problem.objective.sense == "maximize" else 1
    name = problem.objective.quantity
    return sorted(kept, key=lambda d: (sign * d.exact[name], d.tie_key, d.architecture.block))
