"""Repairs, verified by solving at the repaired limit and one unit tighter."""

from __future__ import annotations

import math
from typing import Any

import pytest

from modelsizer import Problem, ProblemError, Solver, solve
from modelsizer.optimizer.constraints import Constraint, constraints
from modelsizer.optimizer.explain.conflicts import Oracle
from modelsizer.optimizer.explain.explain import explain
from modelsizer.optimizer.explain.menu_repairs import menu_keys, menu_steps
from modelsizer.optimizer.explain.repairs import Repair, limit_repairs
from modelsizer.optimizer.explain.setting_repairs import holds_with
from modelsizer.optimizer.explain.setting_steps import COUNTS, NUMBERS, steps
from modelsizer.problems.problem import Problem as AnyProblem
from modelsizer.problems.quantities.rows import QUANTITIES
from tests.support.enumerated import designs_of
from tests.support.infeasible import INFEASIBLE, applied, explained, problem_of
from tests.support.shared import LAW_ALONE, reference, reference_json, seeds
from tests.support.tight_problems import infeasible_problems, tight


def tighter(problem: AnyProblem, limits: dict[str, Constraint], repair: Repair) -> Any:
    """The value one unit nearer to what was asked for."""
    value = repair.value
    if repair.key in limits:
        away = -1 if repair.side == "max" else 1
        limit = limits[repair.key]
        if limit.of_space and limit.quantity != "aspect_ratio":
            return value + away * int(getattr(problem.space, limit.quantity).step)
        if limit.whole:
            return value + away
        return math.nextafter(value, away * math.inf)
    if repair.key == "serving.accelerators":
        return value - problem.serving.tensor_parallel
    return value + (1 if value < repair.before else -1)


def steps_of(problem: Problem, key: str) -> list[Repair]:
    return menu_steps(problem, key) if key in menu_keys(problem) else steps(problem, key)


@pytest.mark.parametrize("name", INFEASIBLE)
def test_repairs_are_exact_to_the_unit(name: str) -> None:
    problem, found = problem_of(name), explained(name)
    assert not found.feasible
    assert found.repairs
    limits = {limit.key: limit for limit in found.limits}

    def status(asked: Problem) -> str:
        return Solver(asked).solve(details=False).status

    assert status(problem) == "infeasible"
    for repair in found.repairs:
        assert status(problem.with_settings(repair.made)) == "optimal", repair
        if repair.key not in limits and repair.key not in (*NUMBERS, *COUNTS):
            for step in steps_of(problem, repair.key):
                if (step.cost or 0.0) < (repair.cost or 0.0):
                    assert not holds_with(Oracle(problem), step.made), step
            continue
        assert status(applied(problem, limits, repair, repair.value)) == "optimal", repair
        almost = applied(problem, limits, repair, tighter(problem, limits, repair))
        assert status(almost) == "infeasible", repair


@pytest.mark.parametrize("name", INFEASIBLE)
def test_what_cannot_help_is_not_offered(name: str) -> None:
    problem, found = problem_of(name), explained(name)
    offered = {repair.key for repair in found.repairs}
    for limit in found.limits:
        if limit.of_space or limit.key != limit.base:
            continue
        try:
            without = problem.without(limit.key)
        except ProblemError:
            continue  # nothing would limit the tokens
        found_one = Solver(without).solve(details=False).status == "optimal"
        assert found_one == (limit.key in offered), limit.key


def test_no_way_is_mended_by_the_published_least_memory() -> None:
    found = explain(Problem.load(reference("known_optima/no-way.toml"), LAW_ALONE))
    want = reference_json("known_optima/answers.json")["no-way"]["least_serving_memory"]
    values = {repair.key: repair.value for repair in found.repairs}
    assert values["budgets.serving_memory"] == want == 100_739_732_480
    assert found.conflicts == (("budgets.serving_memory",),)
    # Two accelerators hold 201.48 GB: of 40 GB each it takes six.
    assert values["serving.accelerators"] == math.ceil(2 * want / 40e9)
    assert values["serving.kv_bytes"] == 0.5


def test_a_throughput_may_ask_for_a_larger_batch() -> None:
    problem = Problem.load("phone-2gb").with_settings(
        {"serving.accelerator": "H100-SXM", "budgets.decode_throughput": {"min": 2000},
         "budgets.parameters": {"min": 1.5e9}}
    )  # fmt: skip
    (batch,) = [r for r in explain(problem).repairs if r.key == "serving.batch_size"]
    assert isinstance(batch.value, int)
    assert batch.value > 1
    for value, status in ((batch.value, "optimal"), (batch.value - 1, "infeasible")):
        assert solve(problem.with_settings({batch.key: value})).status == status


@pytest.mark.parametrize("index", seeds(range(25), range(6, 25)))
def test_single_repairs_are_those_of_plain_loops(index: int) -> None:
    problem = tight(infeasible_problems(index + 1)[index])
    limits = constraints(problem)
    oracle = Oracle(problem)
    found = {repair.key: repair for _, repairs in limit_repairs(oracle) for repair in repairs}
    for limit in limits:
        if limit.equality or not QUANTITIES[limit.quantity].affine:
            continue
        freer = oracle.relaxer.problem(oracle.all - {limit.key})
        values = [d.exact[limit.quantity] for d in designs_of(freer) if d.feasible]
        assert (limit.key in found) == bool(values)
        if values:
            most = limit.side == "max"
            wanted = math.ceil(min(values)) if most else math.floor(max(values))
            assert found[limit.key].value == wanted
