"""The cheapest joint repair against plain loops over designs and tokens."""

from __future__ import annotations

import math

import numpy as np
import pytest

from modelsizer import solve
from modelsizer.optimizer.constraints import Constraint, constraints
from modelsizer.optimizer.explain.change_costs import priced, weight_of
from modelsizer.optimizer.explain.conflicts import Oracle
from modelsizer.optimizer.explain.joint_repair import joint_repair
from modelsizer.optimizer.explain.repairs import limit_repairs
from modelsizer.problems.designs.evaluation import Evaluation, judge
from modelsizer.problems.laws.quality import Judged
from modelsizer.problems.problem import Problem as AnyProblem
from modelsizer.problems.quantities.rows import QUANTITIES
from tests.support.enumerated import designs_of
from tests.support.infeasible import applied


def excess_of(limit: Constraint, used: float) -> float:
    ratio = math.log(used / float(limit.limit))
    if limit.equality:
        return abs(ratio)
    return max(0.0, ratio) if limit.side == "max" else max(0.0, -ratio)


def cheapest_by_hand(problem: AnyProblem, weights: dict[str, float]) -> float:
    """The least total cost of any design at any tokens of a fine grid, in plain loops."""
    limits = constraints(problem)

    def judged(design: Evaluation) -> Judged:
        return judge(problem.quality, design.architecture)

    def of_tokens(design: Evaluation, tokens: np.ndarray) -> np.ndarray:
        total = np.zeros_like(tokens)
        loss = judged(design).loss(design.law_parameters, tokens)
        for limit in limits:
            form = QUANTITIES[limit.quantity].form
            used = {"tokens": tokens, "flops": tokens * design.training_flops_per_token,
                    "loss": loss}.get(form)  # fmt: skip
            if used is not None:
                total += weight_of(limit.key, weights) * np.array(
                    [excess_of(limit, u) for u in used]
                )
        return total

    best = math.inf
    for design in designs_of(problem):
        cost = sum(
            weight_of(limit.key, weights) * excess_of(limit, float(design.exact[limit.quantity]))
            for limit in limits
            if QUANTITIES[limit.quantity].affine
        )
        points = [float(limit.limit) / (design.training_flops_per_token if form == "flops" else 1)
                  for limit in limits
                  if (form := QUANTITIES[limit.quantity].form) in ("flops", "tokens")]  # fmt: skip
        points += [
            t for limit in limits if limit.quantity == "loss"
            if math.isfinite(t := float(judged(design).tokens_for(
                design.law_parameters, float(limit.limit))))
        ]  # fmt: skip
        if cost < best and points:
            grid = np.geomspace(min(points) / 2, max(points) * 50, 400)
            cost += float(of_tokens(design, np.array([*points, *grid])).min())
        best = min(best, cost)
    return best


def check_joint_repair(problem: AnyProblem, index: int) -> None:
    oracle = Oracle(problem)
    weights = {} if index % 2 else {oracle.relaxer.keys[0]: 5.0}
    found = joint_repair(oracle, weights)
    assert found is not None
    by_hand = cheapest_by_hand(problem, weights)
    assert found.cost <= by_hand * (1 + 1e-9) + 1e-9
    assert found.cost >= by_hand * (1 - 0.02) - 1e-9  # the grid is 3 % apart, at a flat minimum
    parts = [r.cost or 0 for r in found.repairs]
    assert found.cost == pytest.approx(sum(parts))
    single = [
        priced(r, weights).cost or 0
        for key, repairs in limit_repairs(oracle)
        for r in repairs
        if not key.startswith("space")
    ]
    assert found.cost <= min(single, default=math.inf) * (1 + 1e-9)
    limits = {limit.key: limit for limit in oracle.relaxer.limits}
    mended = problem
    for repair in found.repairs:
        mended = applied(mended, limits, repair, repair.value)
    assert solve(mended).status == "optimal"
