"""Repairs against plain loops over the designs of the changed problem."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from modelsizer import Problem, ProblemError
from modelsizer.optimizer.constraints import constraints
from modelsizer.optimizer.explain.change_costs import cost_of
from modelsizer.optimizer.explain.explain import Explanation, explain
from modelsizer.optimizer.explain.menu_repairs import menu_keys, menu_steps
from modelsizer.optimizer.explain.repairs import Repair
from modelsizer.optimizer.explain.setting_steps import NUMBERS, SETTINGS, steps
from modelsizer.problems.quantities.rows import QUANTITIES
from tests.support.enumerated import designs_of
from tests.support.random_problems import small

MOST_DESIGNS = 600
MIXED: tuple[dict[str, Any], ...] = (
    {"experts": {"routed": [0, 4], "active": 2, "granularity": 2, "dense_layers": [0, 1]}},
    {"full_every": [1, 2], "window": 512},
    {"full_every": 2, "between": "gated-deltanet"},
)


def mixed(seed: int) -> Problem:
    """A random problem of few designs, of several kinds of layer."""
    tables = small(seed).to_dict()
    tables["space"] |= MIXED[seed % len(MIXED)]
    tables["training"]["sequence_length"] = tables["serving"]["context_length"] = 2048
    return Problem.from_tables(tables)


def feasible(problem: Problem, settings: Mapping[str, object]) -> bool | None:
    """Whether some design is feasible with other settings; None if there are too many to list."""
    try:
        changed = problem.with_settings(settings)
    except ProblemError:
        return False
    if changed.count_designs() > MOST_DESIGNS:
        return None
    return any(design.feasible for design in designs_of(changed))


def check_repairs(problem: Problem) -> Explanation:
    """Check every repair and alternative of an infeasible problem."""
    found = explain(problem)
    assert found.feasible is False and found.complete
    costs = [repair.cost for repair in found.repairs]
    assert costs == sorted(costs, key=lambda cost: cost or 0.0)
    for repair in found.repairs:
        assert feasible(problem, repair.made) is not False, repair
        _check_none_is_smaller(problem, repair)
    cheapest = min((cost for cost in costs if cost is not None), default=math.inf)
    _check_nothing_is_cheaper(problem, cheapest)
    for each in found.alternatives:
        assert math.isclose(each.cost, sum(change.cost or 0.0 for change in each.repairs))
        assert each.cost < cheapest and len(each.repairs) > 1
        assert feasible(problem, each.made) is not False, each.made
        for change in each.repairs:
            rest = [other for other in each.repairs if other is not change]
            made = {key: value for other in rest for key, value in other.made.items()}
            assert not feasible(problem, made), (change.key, each.made)
    return found


def _check_none_is_smaller(problem: Problem, repair: Repair) -> None:
    if repair.key in NUMBERS and isinstance(repair.value, int):
        nearer = repair.value + (1 if repair.value < repair.before else -1)  # type: ignore[operator]
        assert nearer == repair.before or not feasible(problem, {repair.key: nearer})
    elif repair.key in SETTINGS:
        for step in steps(problem, repair.key):
            if (step.cost or 0.0) < (repair.cost or 0.0):
                assert not feasible(problem, step.made), step


def _check_nothing_is_cheaper(problem: Problem, cheapest: float) -> None:
    """No step of a setting or a menu, and no limit of what a design uses, costs less."""
    every = [step for key in SETTINGS for step in steps(problem, key)]
    every += [step for key in menu_keys(problem) for step in menu_steps(problem, key)]
    for step in every:
        if (step.cost or 0.0) < cheapest * (1 - 1e-9):
            assert not feasible(problem, step.made), step
    designs = designs_of(problem)
    for limit in constraints(problem):
        if limit.equality or not QUANTITIES[limit.quantity].affine:
            continue
        for design in designs:
            if set(design.violated) == {limit.base}:
                used = design.quantity(limit.quantity)
                assert cost_of(limit.key, limit.limit, used) >= cheapest * (1 - 1e-9)
