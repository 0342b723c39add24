"""No text is on a front, a line or a star, whatever the problem."""

from __future__ import annotations

import pytest
from numpy.random import default_rng

from modelsizer import Problem, solve
from modelsizer.optimizer.fronts.run import front
from modelsizer.pictures.registry import draw
from tests.support.covered import covered
from tests.support.figure_checks import check
from tests.support.shared import seeds

NAME = '<script> "$x^2$" & ' + "a long name " * 400
BASES = ("phone-2gb", "one-h100-1e24", "mixture-on-one-card")


def drawn_from(seed: int) -> Problem:
    """A problem of the library with limits and menus of its own."""
    random = default_rng(seed)
    base = Problem.load(BASES[seed % len(BASES)])
    settings: dict[str, object] = {"name": NAME}
    for name, limit in base.budgets.limits.items():
        if limit.max is not None and random.random() < 0.7:
            settings[f"budgets.{name}"] = float(limit.max) * float(random.uniform(0.3, 3.0))
    depths = sorted({int(n) for n in random.integers(8, 80, random.integers(2, 30))})
    settings["space.layers"] = depths
    return base.with_settings(settings)


@pytest.mark.parametrize("seed", seeds(range(9), {*range(9)} - {3}))
@pytest.mark.parametrize("size", ["wide", "column"])
def test_random_problems(seed: int, size: str) -> None:
    problem = drawn_from(seed)
    result = solve(problem)
    if result.design is None:
        return
    figures = [draw("landscape", result, title=problem.name, size=size)]
    found = front(problem, ["loss", "serving_memory"])
    if len(found):
        figures.append(draw("front", found, title=problem.name, size=size))
    if problem.counted.pairs < 500_000:
        figures.append(draw("depth", problem, title=problem.name, size=size))
    for figure in figures:
        check(figure)
        assert not covered(figure), (seed, size)
