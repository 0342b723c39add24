"""Under extreme settings the answer is exact, or the input is refused: no overflow, nan or warning."""

from __future__ import annotations

import json
import re
import warnings

import pytest

from modelsizer import Problem, ProblemError, explain, solve
from modelsizer.optimizer.explain.conflicts import Oracle
from modelsizer.optimizer.infeasible import TOGETHER
from tests.support.enumerated import sorted_by_hand
from tests.support.extreme_problems import contradictory_tables, extreme_tables
from tests.support.shared import seeds

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


@pytest.mark.parametrize("start", seeds(range(0, 90, 15), range(15, 90)))
def test_extremes_are_exact_or_refused(start: int) -> None:
    found = [check_extremes(seed, "bound", "exhaustive") for seed in range(start, start + 15)]
    assert {"refused", "infeasible", "optimal"} <= set(found)


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 5000, 100))
def test_extremes_are_exact_or_refused_at_length(start: int) -> None:
    for seed in range(start, start + 100):
        check_extremes(seed, "bound", "exhaustive")


@pytest.mark.slow
@pytest.mark.parametrize("start", range(0, 500, 50))
def test_mixed_integer_solvers_claim_no_more_than_is_true(start: int) -> None:
    for seed in range(start, start + 50):
        check_extremes(seed, "scipy", "pulp")


# Why a problem is infeasible


def infeasible_problem(seed: int) -> Problem | None:
    """A problem of contradictory limits, if its tables make a small infeasible one."""
    try:
        problem = Problem.from_tables(contradictory_tables(seed))
    except ProblemError:
        return None
    small = problem.count_designs() <= MOST_DESIGNS
    return problem if small and solve(problem, solver="exhaustive").status == "infeasible" else None


def check_reasons(problem: Problem) -> int:
    """Check that the limits that each sentence names exclude every design; returns how many do."""
    oracle, found = Oracle(problem), 0
    limits = oracle.relaxer.limits
    space = {limit.key for limit in limits if limit.of_space}
    of_tokens = ("tokens", "training_flops", "training_time", "training_cost", "training_energy")
    for words in map(str, solve(problem).warnings):
        named = set(re.findall(r"^budgets\.[a-z_]+|(?<=for )budgets\.[a-z_]+", words))
        named |= set(re.findall(r"(?<= at )(?:budgets|training)\.tokens", words))
        keys = {limit.key for limit in limits if limit.base in named}
        if "budgets.loss" in named:
            keys |= {limit.key for limit in limits if limit.quantity in of_tokens}
        if words == TOGETHER:
            assert all(oracle.feasible({limit.key, *space}) for limit in limits)
        elif named:
            assert not oracle.feasible({*keys, *space}), words
            found += 1
    return found


def test_reasons_are_true() -> None:
    problems = [found for seed in range(20) if (found := infeasible_problem(seed)) is not None]
    assert len(problems) > 5
    assert sum(check_reasons(problem) for problem in problems) > 10


@pytest.mark.slow
@pytest.mark.parametrize("start", range(1000, 1400, 100))
def test_reasons_are_true_at_length(start: int) -> None:
    for seed in range(start, start + 100):
        if (problem := infeasible_problem(seed)) is not None:
            check_reasons(problem)


@pytest.mark.parametrize("seed", [4])
def test_explain_ends_with_conflicts(seed: int) -> None:
    problem = infeasible_problem(seed)
    assert problem is not None
    found = explain(problem)
    assert found.with_space
    json.dumps(found.to_dict(), allow_nan=False)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100))
def test_explain_ends_with_conflicts_at_length(seed: int) -> None:
    if (problem := infeasible_problem(seed)) is not None:
        found = explain(problem, time_limit=20)
        assert found.with_space or not found.complete
        json.dumps(found.to_dict(), allow_nan=False)


def test_a_floor_of_flops_above_what_the_time_pays_for_is_explained() -> None:
    one = {
        "space.d_model": 4096,
        "space.layers": [8, 9],
        "space.kv_heads": 8,
        "space.ffn_ratio": 3.5,
        "space.aspect_ratio": {"min": 1},
    }
    ways = {"training.tensor_parallel": 1, "training.pipeline_parallel": 1}
    problem = Problem.load("h100-cluster-90-days", one | ways)
    found = explain(problem.with_settings({"budgets.training_flops.min": 1e27}))
    assert ("budgets.training_flops", "budgets.training_time") in found.conflicts
    assert {repair.key for repair in found.repairs} >= {
        "budgets.training_flops",
        "budgets.training_time",
    }
