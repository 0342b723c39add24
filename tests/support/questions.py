"""Questions that one solver is asked one after another."""

from __future__ import annotations

import random

from modelsizer import Problem, ProblemError
from tests.support.layers_oracle import drawing

LAWS = ("hoffmann-2022", "besiroglu-2024", "kaplan-2020", "sardana-2024", "muennighoff-2023")


def others(problem: Problem, seed: int) -> list[Problem]:
    """The problem with other limits, laws and goals."""
    r, found = random.Random(seed), [problem]
    budgets = problem.to_dict()["budgets"]
    for _ in range(5):
        settings: dict[str, object] = {"objective.law": r.choice(LAWS)} if r.random() < 0.5 else {}
        settings |= {
            f"budgets.{name}": limit * r.uniform(0.6, 1.6)
            for name, limit in budgets.items()
            if isinstance(limit, int | float) and r.random() < 0.7
        }
        try:
            found.append(problem.with_settings(settings))
        except ProblemError:
            continue
    return found


def by_kinds(seed: int) -> Problem:
    return Problem.from_tables(drawing.tables(seed))
