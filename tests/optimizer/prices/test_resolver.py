"""Optima that follow from others, without a solve, are those that a solve finds."""

from __future__ import annotations

from fractions import Fraction

import pytest

from modelsizer import Problem, Solver
from modelsizer.optimizer.constraints import Constraint, constraints, moved
from modelsizer.optimizer.prices.prices import prices
from modelsizer.optimizer.prices.resolver import Resolver
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.errors import ProblemError
from tests.support.random_problems import small
from tests.support.shared import seeds

PERCENTS = (25, -25, 10, -10, 1, -1, 60, -60)


def alone(solver: Solver, constraint: Constraint) -> Evaluation | None:
    try:
        changed = moved(solver.problem, constraint)
        return solver.solve(problem=changed, details=False).design
    except ProblemError:
        return None


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    solves: list[int] = []
    found = Solver._found

    def count(self: Solver, *args: object) -> object:
        solves.append(1)
        return found(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(Solver, "_found", count)
    return solves


def check(problem: Problem) -> None:
    resolver, solver = Resolver(problem), Solver(problem)
    if resolver.today().design is None:
        return
    for constraint in constraints(resolver.problem):
        for percent in PERCENTS:
            limit = constraint.scaled(Fraction(100 + percent, 100))
            found, known = resolver.at(constraint, limit), alone(solver, constraint.at(limit))
            assert found == known


@pytest.mark.parametrize("seed", seeds(range(40), {*range(40)} - {0, 8, 14}))
def test_an_optimum_that_follows_is_the_one_that_a_solve_finds(seed: int) -> None:
    check(small(seed))


def test_where_one_design_stays_the_best_two_solves_of_compute_are_enough() -> None:
    problem = Problem.load("one-h100-1e24")
    resolver = Resolver(problem)
    today = resolver.today().best
    compute = next(c for c in constraints(problem) if c.quantity == "training_flops")
    assert resolver.without_caps(compute) is not None
    for factor in (Fraction(9, 10), Fraction(11, 10)):
        resolver.at(compute, compute.scaled(factor))
    resolver.ask = None  # type: ignore[assignment, method-assign]
    found = resolver.at(compute, compute.scaled(Fraction(21, 20)))
    assert found is not None and found.architecture == today.architecture
    assert resolver.held_between(compute, found.loss) is not None


@pytest.mark.parametrize("change", [
    {"objective.law": "kaplan-2020"},  # an outer power
    {"objective.leverage_flops": "budget"},  # experts count otherwise
    {"objective.minimize": "kv_cache", "budgets.loss": 2.1},
    {"training.tokens": 4e12},
])  # fmt: skip
def test_optima_between_others_are_solved_where_designs_may_cross_twice(
    change: dict[str, object],
) -> None:
    problem = Problem.load("one-h100-1e24", change)
    resolver = Resolver(problem)
    resolver.today()
    compute = next(c for c in constraints(problem) if c.quantity == "training_flops")
    assert resolver.without_caps(compute) is None


@pytest.mark.parametrize("change", [
    {"training.tokens": {"min": 1.8e12}},
    {"training.tokens": {"max": 2.2e12}},
    {"budgets.loss": 2.185},
    {"budgets.loss": {"min": 2.18}},
    {"lifetime.inference_tokens": 1e12, "budgets.lifetime_flops": 3.65e22},
])  # fmt: skip
def test_other_limits_of_tokens_and_of_the_loss_are_kept(change: dict[str, object]) -> None:
    check(Problem.load("phone-2gb", change | {"budgets.training_flops": 3e22}))


def test_prices_of_the_reference_problem_take_few_solves(monkeypatch: pytest.MonkeyPatch) -> None:
    solves = counted(monkeypatch)
    prices(Problem.load("one-h100-1e24"))
    assert len(solves) <= 32
