"""Under extreme settings the answer is exact, or the input is refused: no overflow, nan or warning."""

from __future__ import annotations

import json
import warnings

import pytest

from modelsizer import Problem, ProblemError, solve
from tests.support.enumerated import sorted_by_hand
from tests.support.extreme_problems import extreme_tables

MOST_DESIGNS = 300


def check_extremes(seed: int, *solvers: str) -> str:
    """Compare solvers with designs evaluated one by one; returns what became of the problem."""
    try:
        problem = Problem.from_tables(extreme_tables(seed))
    except ProblemError as error:
        assert error.faults[0].key, error
        return "refused"
    if problem.count_designs() > MOST_DESIGNS:
        return "large"
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        best = next(iter(sorted_by_hand(problem)), None)
        for solver in solvers:
            result = solve(problem, solver=solver)
            assert result.status == ("infeasible" if best is None else "optimal"), solver
            json.dumps(result.to_dict(), allow_nan=False)
            if best is not None:
                assert result.best.architecture == best.architecture, solver
                assert result.objective.value == best.quantity(problem.objective.quantity)
    return "infeasible" if best is None else "optimal"


@pytest.mark.parametrize("start", range(0, 200, 50))
def test_extremes_are_exact_or_refused(start: int) -> None:
    found = [check_extremes(seed, "bound", "exhaustive") for seed in range(start, start + 50)]
    assert {"refused", "infeasible", "optimal"} <= set(found)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 5000, 100))
def test_extremes_are_exact_or_refused_at_length(start: int) -> None:
    for seed in range(start, start + 100):
        check_extremes(seed, "bound", "exhaustive")
