"""Infeasible problems of every kind, explained once, and problems with a repair made."""

from __future__ import annotations

from functools import cache
from typing import Any

from modelsizer import Problem
from modelsizer.optimizer.constraints import Constraint
from modelsizer.optimizer.explain.explain import Explanation, explain
from modelsizer.optimizer.explain.repairs import Repair
from tests.support.fine_menus import CLUSTER, FIXED_2T, ONE_H100

_NARROW: dict[str, object] = {"space.d_model": {"min": 4096, "max": 6144, "step": 256},
                              "training.tensor_parallel": [4, 8],
                              "training.pipeline_parallel": [1, 4]}  # fmt: skip
"""Fewer widths and layouts, so that explanations are quick."""
INFEASIBLE: dict[str, tuple[str, dict[str, object]]] = {
    "memory": ("one-h100-1e24", {"budgets.serving_memory": "3.5 GB",
                                 "budgets.parameters": {"min": 1e9}}),
    "loss": ("one-h100-1e24", {"budgets.loss": 1.965}),
    "tokens x FLOPs": ("fixed-2t-tokens", {**FIXED_2T, "budgets.parameters": {"min": 20e9}}),
    "latency": (
        "h100-cluster-90-days",
        {**CLUSTER, "serving.engine": "none", "budgets.decode_latency": "4 ms"} | _NARROW,
    ),
    "throughput": ("one-h100-1e24", {"budgets.decode_throughput": {"min": 3000},
                                     "serving.accelerator": "H100-SXM",
                                     "space.layers": {"min": 60, "max": 160}}),
    "ends": ("one-h100-1e24", {**ONE_H100, "budgets.parameters": {"min": 30e9, "max": 31e9},
                               "space.layers": {"min": 100, "max": 120},
                               "space.aspect_ratio": {"min": 60, "max": 70}}),
    "training memory": ("h100-cluster-90-days", {"budgets.training_memory": "3 GB"} | _NARROW),
    "lifetime": ("served-10t-tokens", {"budgets.lifetime_flops": 8e22, "budgets.loss": 2.1}),
    "cost": ("h100-cluster-90-days", {"budgets.training_cost": 1e5, "budgets.loss": 2.0,
                                      } | _NARROW | {"training.tensor_parallel": 8}),
}  # fmt: skip


def problem_of(name: str) -> Problem:
    file, settings = INFEASIBLE[name]
    return Problem.load(file).with_settings(settings)


@cache
def explained(name: str) -> Explanation:
    return explain(problem_of(name))


def applied(problem: Problem, limits: dict[str, Constraint], repair: Repair, value: Any) -> Any:
    """The problem as a user would write it with one repair made."""
    limit = limits.get(repair.key)
    if limit is None:
        return problem.with_settings({repair.key: value})
    if limit.equality:
        ends = {"min": value, "max": limit.limit}
        ends = ends if repair.side == "min" else {"min": limit.limit, "max": value}
        return problem.with_settings({limit.base: ends})
    if limit.key == limit.base:
        return problem.with_settings({limit.key: {limit.side: value}})
    return problem.with_settings({limit.key: value})
