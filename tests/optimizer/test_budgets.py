"""Budgets that leave no design out, against every design of the space."""

from __future__ import annotations

import re
from typing import Any

import pytest

from modelsizer import Problem, solve
from modelsizer.optimizer.budgets import IDLE
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.units import format_quantity
from tests.support.enumerated import designs_of
from tests.support.problem_text import GOOD

GOOD_PROBLEM = Problem.parse(GOOD)
CLUSTER = {"training.accelerator": "H100-SXM", "training.accelerators": 64}


def idle(problem: Problem) -> dict[str, str]:
    """What the warnings say of each redundant budget: the most that any design uses."""
    told = " ".join(str(warning) for warning in solve(problem).warnings if IDLE in str(warning))
    return dict(re.findall(r"(\w+) [^(,:]+ \(at most ([^)]+) used\)", told))


def most_used(problem: Problem, name: str) -> float:
    """The most that any design within the other limits uses."""
    freer = problem.without(f"budgets.{name}")
    return max(float(d.exact[name]) for d in designs_of(freer) if d.feasible)


@pytest.mark.parametrize("share", [0.999, 1.001])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("parameters", {}),
        ("kv_cache", {"budgets.parameters": 3e8}),
        ("serving_memory", {}),
        ("tokens", {}),
        ("tokens", {"training.tokens": {"max": 1e11}}),
        ("training_flops", {"training.tokens": {"max": 1e11}}),
        ("training_flops", {"budgets.tokens": {"max": 1e11}}),
        ("training_flops", {"budgets.tokens": {"max": 2e11}, "training.tokens": {"max": 1e11}}),
        ("training_time", {**CLUSTER, "training.tokens": {"max": 1e11}}),
        ("training_cost", {**CLUSTER, "training.price_per_hour": 2.0,
                           "training.tokens": {"max": 1e11}}),
    ],
)  # fmt: skip
def test_a_budget_is_idle_where_no_design_reaches_it(
    name: str, settings: dict[str, Any], share: float
) -> None:
    free = GOOD_PROBLEM.with_settings(settings)
    if QUANTITIES[name].form == "flops" and name != "training_flops":
        free = free.without("budgets.training_flops")
    used = most_used(free.with_settings({f"budgets.{name}": 1e300}), name)
    asked = free.with_settings({f"budgets.{name}": share * used})
    told = idle(asked)
    assert (name in told) == (share > 1)
    if share > 1:
        assert told[name] == format_quantity(used, QUANTITIES[name].dimension)


def test_nothing_is_said_of_two_budgets_of_training_flops() -> None:
    """Each limits the tokens that the other would leave."""
    asked = GOOD_PROBLEM.with_settings(
        {**CLUSTER, "training.tokens": {"max": 1e11}, "budgets.training_time": "900 days",
         "budgets.training_flops": 1e30}
    )  # fmt: skip
    assert not idle(asked)


def test_a_token_limit_between_two_doubles_makes_no_other_limit_bind() -> None:
    """A design's tokens are rounded down to a double; that is no better design without a limit."""
    asked = GOOD_PROBLEM.with_settings(
        {"budgets.tokens": {"min": 8e10, "max": 2034169054900.2927}, "budgets.kv_cache": "1 TB",
         "budgets.training_flops": 1e30, "objective.maximize": "tokens", "objective.minimize": None}
    )  # fmt: skip
    used = {(use.name, use.side): use.binding for use in solve(asked).budgets}
    assert used["tokens", "max"]
    assert not any(binding for key, binding in used.items() if key != ("tokens", "max"))


def test_the_only_budget_binds_only_where_it_does() -> None:
    tables = GOOD_PROBLEM.to_dict() | {"budgets": {"kv_cache": 10**15}, "training": {}}
    tables["objective"] = {"minimize": "parameters"}
    assert not solve(Problem.from_tables(tables)).budgets[0].binding
    tables["objective"] = {"maximize": "parameters"}
    tables["budgets"] = {"kv_cache": 3 * 10**8}
    assert solve(Problem.from_tables(tables)).budgets[0].binding
