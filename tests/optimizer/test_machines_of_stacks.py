"""Engines find the same best design under limits of machines, of stacks of several kinds."""

from __future__ import annotations

import random

import pytest

from modelsizer import Problem, ProblemError
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.tables import store
from tests.support.machine_problems import NAMES, problem_of

ENGINES = ("exhaustive", "bound", "scipy")
QUICK = (2, 28, 35)


def limited(seed: int) -> Problem | None:
    """A problem with a limit at or above the least that a design uses."""
    made, r = problem_of(seed), random.Random(seed)
    if made is None:
        return None
    raw, _, _ = made
    limit, goal = r.sample(NAMES, 2)
    least = Problem.from_tables(raw | {"objective": {"minimize": limit}})
    found = Solver(least, solver="exhaustive").solve(details=False)
    most = float(found.best.exact[limit]) * r.choice([1.0, 1.1, 1.5, 3.0])
    asked = {"objective": {"minimize": r.choice(["loss", goal])}, "budgets": {limit: most}}
    try:
        return Problem.from_tables(raw | asked)
    except ProblemError:
        return None


@pytest.mark.parametrize("seeds", [QUICK, pytest.param(range(150), marks=pytest.mark.slow)])
def test_engines_agree_on_quantities_of_machines(
    seeds: range, monkeypatch: pytest.MonkeyPatch
) -> None:
    solved = 0
    for seed in seeds:
        if (problem := limited(seed)) is None:
            continue
        found = [Solver(problem, solver=engine).solve(details=False) for engine in ENGINES]
        with monkeypatch.context() as patch:
            patch.setattr(store, "LISTABLE", 0)  # by boxes
            found.append(Solver(problem, solver="bound").solve(details=False))
        assert {result.status for result in found} <= {"optimal", "infeasible"}, seed
        assert len({result.status for result in found}) == 1, seed
        if found[0].design is not None:
            answers = {(result.best.architecture, result.best.layout) for result in found}
            assert len(answers) == 1, seed
            solved += 1
    assert solved >= len(seeds) // 2
