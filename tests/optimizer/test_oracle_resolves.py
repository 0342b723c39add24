"""A solver that keeps its tables between questions agrees with the oracle on each."""

from __future__ import annotations

import random
from typing import Any

import pytest

from modelsizer import Problem, ProblemError, Solver
from tests.support.every_setting import problem
from tests.support.oracle.search import Oracle
from tests.support.oracle.verdict import disagreements
from tests.support.shared import seeds

SETTINGS: dict[str, list[Any]] = {
    "serving.batch_size": [1, 2, 8, 32], "serving.context_length": [600, 4096],
    "serving.kv_policy": ["windowed", "full"],
    "serving.weight_bytes": [2, 1, 0.5, {"attention": 1, "embedding": 0.5}],
    "serving.kv_bytes": [1, 2], "serving.tensor_parallel": [1, 2, 4],
    "serving.latency": ["low", "high"], "serving.compute": ["bf16", "fp8"],
    "serving.prompts": [1, 4], "serving.prompt_length": [100, 3000],
    "serving.overhead": [0, 1e-4], "training.zero_stage": [0, 1, 2, 3],
    "training.recompute": ["none", "selective", "half", "full"],
    "training.microbatch_size": [1, 3], "training.dropout": [True, False],
    "training.flash_attention": [True, False], "training.fused_kernels": [True, False],
    "training.sequence_parallel": [True, False], "training.interleave": [1, 2],
    "training.optimizer_bytes": [4, 12], "training.weight_bytes": [2, 4],
    "training.logit_bytes": [0, 12], "training.sequence_length": [1024, 4096],
    "training.flops": ["exact", "causal", "6ND"], "training.mfu": [0.3, 0.6],
    "training.price_per_hour": [1, 5], "training.pue": [1.2], "training.accelerators": [8, 64],
    "training.unique_tokens": [1e10, 1e12], "training.tensor_parallel": [1, [1, 2]],
    "training.data_parallel": [1, [1, 2, 8]], "training.pipeline_parallel": [1, [1, 2]],
    "lifetime.inference_tokens": [1e10, 1e12], "lifetime.prefill_share": [0.1, 0.9],
    "lifetime.decode_mfu": [0.02], "serving.output_length": [50, 2000],
    "prices.H100-SXM": [1, 5], "prices.H200-SXM": [3],
    "objective.law": ["besiroglu-2024", "kaplan-2020", "muennighoff-2023"],
}  # fmt: skip
CHANGES, MOST = 6, 2500


def changed(r: random.Random, asked: Problem) -> tuple[str, Any]:
    """A setting and another value, or a limit moved."""
    key = r.choice([*SETTINGS, *(name for name in asked.budgets.limits for _ in range(3))])
    if key in SETTINGS:
        return key, r.choice(SETTINGS[key])
    limit = asked.budgets.limits[key]
    value = limit.min if limit.max is None else limit.max
    assert value is not None
    moved = float(f"{value * r.choice([0.9, 1.05, 1.5]):.5g}")
    return f"budgets.{key}", {"min": moved} if limit.max is None else moved


@pytest.mark.parametrize("seed", seeds([6, 10, *range(100, 200)], range(100, 200)))
def test_kept_tables_give_the_answers_of_the_oracle(seed: int) -> None:
    r = random.Random(seed)
    asked = problem(seed)
    solver, settings = Solver(asked), dict[str, Any]()
    solver.solve()
    for _ in range(CHANGES):
        key, value = changed(r, asked)
        try:
            now = asked.with_settings(settings | {key: value})
        except ProblemError:
            continue
        oracle = Oracle(now.to_dict())
        if len(oracle.options) > MOST:
            continue
        settings[key] = value
        result = solver.solve(settings)
        assert disagreements(oracle, result.to_dict()) == [], (settings, asked.to_toml())
