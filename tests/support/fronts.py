"""Goals of random problems, and their fronts by comparing every design with every other."""

from __future__ import annotations

import random
from fractions import Fraction

import numpy as np

from modelsizer import Problem
from modelsizer.optimizer.fronts.front import Front
from modelsizer.optimizer.fronts.goals import parse_goals, question
from modelsizer.problems.quantities.rows import QUANTITIES
from tests.support.enumerated import designs_of

Vector = tuple[Fraction | float, ...]


def some_goals(problem: Problem, seed: int) -> list[str]:
    """Two or three goals that the problem can be asked for."""
    r = random.Random(seed)
    names = [n for n in QUANTITIES if not problem.lacks(n)]
    goals = r.sample(names, r.choice([2, 2, 3]))
    if r.random() < 0.5 and "loss" not in goals:
        goals[-1] = "loss"
    return ["-" + g if r.random() < 0.1 and g != "loss" else g for g in goals]


def by_hand(problem: Problem, names: list[str]) -> dict[Vector, int]:
    """Nondominated vectors with the number of designs at each, by comparing all with all."""
    goals = parse_goals(problem, names)
    asked = question(problem, goals)
    vectors: dict[Vector, int] = {}
    for design in designs_of(asked):
        if design.feasible:
            vector = tuple(g.sign * float(design.exact[g.name]) for g in goals)
            vectors[vector] = vectors.get(vector, 0) + 1
    return {
        v: n
        for v, n in vectors.items()
        if not any(o != v and all(a <= b for a, b in zip(o, v, strict=True)) for o in vectors)
    }


def vectors_of(found: Front) -> dict[Vector, int]:
    signs = [goal.sign for goal in found.goals]
    return {
        tuple(s * v for s, v in zip(signs, values, strict=True)): int(n)
        for *values, n in zip(
            *(found.values[g.name] for g in found.goals), found.designs, strict=True
        )
    }


def near(first: dict[Vector, int], second: dict[Vector, int]) -> bool:
    """Whether two fronts are one, doubles of tokens and FLOPs up to their last digit."""
    if len(first) != len(second):
        return False
    pairs = zip(sorted(first.items()), sorted(second.items()), strict=True)
    return all(
        n == m and np.allclose(np.array(a, float), np.array(b, float), rtol=1e-14, atol=0)
        for (a, n), (b, m) in pairs
    )
