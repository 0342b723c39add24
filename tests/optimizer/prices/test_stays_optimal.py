"""Ranges of limits in which a design stays optimal, against all designs at many limits."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from itertools import islice

import numpy as np
import pytest

from modelsizer import Problem
from modelsizer.optimizer.constraints import Constraint, constraints, moved
from modelsizer.optimizer.prices.resolver import Resolver, used
from modelsizer.optimizer.prices.stays_optimal import bisect, same_until, stays_optimal
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.evaluation import Evaluation, evaluate
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import Number
from tests.support import fine_menus
from tests.support.architectures import listed
from tests.support.random_problems import small

MOST_DESIGNS = 10  # plain loops over designs are slow
ASIDE = Fraction(1, 10**9)  # of a limit: just inside and just outside of a crossing
ULPS = 4e-16  # of a loss


def seeds(count: int, most: int = MOST_DESIGNS) -> Iterator[int]:
    def good() -> Iterator[int]:
        seed = 0
        while True:
            problem = small(seed)
            if problem.count_designs() <= most and Resolver(problem).today().design is not None:
                yield seed
            seed += 1

    return islice(good(), count)


def is_best(resolver: Resolver, own: Evaluation, all_: list[Evaluation]) -> bool:
    """Whether no design of all is better than one, up to the rounding of a loss."""
    if not own.feasible:
        return False
    exact = QUANTITIES[resolver.problem.objective.quantity].affine
    mine = resolver.value(own)
    slack = 0.0 if exact else ULPS * abs(mine)
    return all(resolver.value(other) >= mine - slack for other in all_ if other.feasible)


def at(
    resolver: Resolver, constraint: Constraint, limit: Number, everything: list[Architecture]
) -> list[Evaluation]:
    try:
        problem = moved(resolver.problem, constraint.at(limit))
    except ProblemError:
        return []
    return [evaluate(problem, architecture) for architecture in everything]


def around(constraint: Constraint, edge: Number | None) -> list[Number]:
    """An exact edge and its neighbours; limits on both sides of a crossing."""
    if edge is None:
        return []
    if QUANTITIES[constraint.quantity].form in ("affine", "inverse"):
        return [edge, math.nextafter(edge, -math.inf), math.nextafter(edge, math.inf)]
    share = Fraction(edge) / Fraction(constraint.limit)
    return [constraint.scaled(share * (1 - ASIDE)), constraint.scaled(share * (1 + ASIDE))]


def disagreements(problem: Problem, grid: int) -> tuple[int, list[object]]:
    resolver = Resolver(problem)
    design = resolver.today().best
    everything = list(dict.fromkeys(listed(resolver.problem)))
    looked, wrong = 0, []
    for constraint in constraints(resolver.problem):
        stays = stays_optimal(resolver, design, constraint)
        factors = [Fraction(float(f)) for f in np.geomspace(0.5, 2.0, grid)]
        limits = [
            *(constraint.scaled(f) for f in factors),
            *around(constraint, stays.start),
            *around(constraint, stays.end),
        ]
        for limit in limits:
            looked += 1
            all_ = at(resolver, constraint, limit, everything)
            own = [e for e in all_ if e.architecture == design.architecture]
            if (bool(own) and is_best(resolver, own[0], all_)) != stays.holds(limit):
                wrong.append((problem.name, constraint, stays, limit))
    return looked, wrong


@pytest.mark.parametrize("problems", [3, pytest.param(30, marks=pytest.mark.slow)])
def test_random_problems_against_all_designs(problems: int) -> None:
    looked = 0
    for seed in seeds(problems):
        count, wrong = disagreements(small(seed), grid=3)
        looked += count
        assert not wrong
    assert looked > 10 * problems  # edges were found, and stood on


@pytest.mark.slow
def test_random_problems_on_a_fine_grid() -> None:
    for seed in seeds(60, most=80):
        assert not disagreements(small(seed), grid=41)[1]


REFERENCE = Resolver(Problem.load("one-h100-1e24", fine_menus.ONE_H100))
TODAY = REFERENCE.today().best
BY_NAME = {constraint.name: constraint for constraint in constraints(REFERENCE.problem)}


def test_memory_of_the_reference_problem_is_exact_to_the_byte() -> None:
    constraint = BY_NAME["serving_memory"]
    stays = stays_optimal(REFERENCE, TODAY, constraint)
    assert stays.start == TODAY.exact["serving_memory"] == used(constraint, TODAY)
    assert isinstance(stays.end, int) and constraint.limit < stays.end

    def best(limit: int) -> Evaluation:
        found = REFERENCE.at(constraint, limit)
        assert found is not None
        return found

    assert best(stays.start).architecture == TODAY.architecture  # type: ignore[arg-type]
    assert best(stays.start - 1).architecture != TODAY.architecture  # type: ignore[operator]
    assert best(stays.end - 1).architecture == TODAY.architecture
    taken = best(stays.end)
    assert taken.loss < TODAY.loss and taken.exact["serving_memory"] == stays.end
    assert stays.to_dict() == {
        "from": stays.start, "to": stays.end, "from_inclusive": True, "to_inclusive": False,
    }  # fmt: skip


def test_compute_of_the_reference_problem_ends_where_two_designs_are_equal() -> None:
    constraint = BY_NAME["training_flops"]
    stays = stays_optimal(REFERENCE, TODAY, constraint)
    assert isinstance(stays.start, int) and isinstance(stays.end, int)
    for end, beyond in ((stays.start, 999_999), (stays.end, 1_000_001)):
        taken = REFERENCE.at(constraint, end * beyond // 1_000_000)
        assert taken is not None and taken.architecture != TODAY.architecture
        mine = REFERENCE.own(TODAY, constraint, end).loss
        assert REFERENCE.own(taken, constraint, end).loss == pytest.approx(mine, abs=1e-12)


def test_a_limit_that_leaves_nothing_out_stays_without_end() -> None:
    constraint = BY_NAME["kv_cache"]
    stays = stays_optimal(REFERENCE, TODAY, constraint)
    assert (stays.start, stays.end) == (TODAY.exact["kv_cache"], None)
    assert same_until(REFERENCE, TODAY, stays, constraint) == stays.start


def test_a_limit_of_the_loss_sets_the_tokens_where_a_lifetime_costs() -> None:
    few = {
        "space.layers": [32, 44],
        "space.d_model": [4096, 5120],
        "space.ffn_ratio": 3.5,
        "budgets.loss": 2.0,
    }
    looked, wrong = disagreements(Problem.load("served-10t-tokens", few), grid=3)
    assert looked > 8 and not wrong


def test_least_limits_mirror_most_limits() -> None:
    problem = Problem.load(
        "one-h100-1e24",
        fine_menus.ONE_H100
        | {"budgets.parameters": {"min": 150e9}, "budgets.serving_memory": "500 GB"},
    )
    resolver = Resolver(problem)
    today = resolver.today().best
    (constraint,) = (c for c in constraints(problem) if c.quantity == "parameters")
    stays = stays_optimal(resolver, today, constraint)
    assert stays.end == today.exact["parameters"]
    assert isinstance(stays.start, int) and stays.start < 150e9
    let_in, kept_out = (
        resolver.at(constraint, stays.start),
        resolver.at(constraint, stays.start + 1),
    )
    assert let_in is not None and let_in.loss < today.loss
    assert kept_out is not None and kept_out.architecture == today.architecture


def test_training_memory_follows_the_design_through_its_layouts() -> None:
    # Under these several layouts split today's design.
    settings = fine_menus.CLUSTER | {"training.mfu": 0.4, "serving.engine": "none"}
    problem = Problem.load("h100-cluster-90-days", settings)
    resolver = Resolver(problem)
    today = resolver.today().best
    (constraint,) = (c for c in constraints(problem) if c.quantity == "training_memory")
    stays = stays_optimal(resolver, today, constraint)
    assert isinstance(stays.start, int) and stays.start < today.exact["training_memory"]
    least = min(
        evaluate(moved(problem, constraint.at(limit)), today.architecture).exact["training_memory"]
        for limit in (constraint.limit, stays.start)
    )
    assert least == stays.start
    assert not resolver.own(today, constraint, stays.start - 1).feasible
    assert same_until(resolver, today, stays, constraint) == stays.start


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1000), (1000, 0), (0.0, 1000.0), (10**24, 2 * 10**24)]
)
def test_bisection_ends_at_neighbours(low: float, high: float) -> None:
    edge = 700 if max(low, high) <= 1000 else 13 * 10**23 + 7
    sign = 1 if high > low else -1
    good, bad = bisect(lambda limit: float(sign * (limit - edge)), low, high)
    assert sign * (good - edge) <= 0 < sign * (bad - edge)
    assert abs(bad - good) <= max(1, 2e-16 * edge)
