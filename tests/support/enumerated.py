"""Every design of a problem, evaluated one by one."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from modelsizer import Problem
from modelsizer.optimizer.bounds.model import Model
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.laws.ablations import Ablations
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
    return _share(problem.quality.ablations, architecture)


@lru_cache(maxsize=4096)
def _share(judged: Ablations | None, architecture: Architecture) -> float:
    return 0.0 if judged is None else sum(map(float, judged.terms(architecture).values()))


def loss_of(problem: Problem, design: Evaluation, law: Any = None) -> Callable[[float], float]:
    """Loss of a design by its tokens, by the problem's law of N and D or another."""
    law = problem.law if law is None else law
    share, n = unseen(problem, design.architecture), float(design.law_parameters)

    def loss(tokens: float) -> float:
        predicted = float(law.loss(n, tokens))
        return predicted + share * max(predicted - law.irreducible, 0.0) + design.shape_excess

    return loss


def sorted_by_hand(problem: Problem) -> list[Evaluation]:
    """Feasible designs in the order of the problem's objective."""
    kept = [design for design in designs_of(problem) if design.feasible]
    sign = -1 if problem.objective.sense == "maximize" else 1
    name = problem.objective.quantity
    return sorted(kept, key=lambda d: (sign * d.exact[name], d.tie_key, d.architecture.block))
