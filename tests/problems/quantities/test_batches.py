"""The largest batch at which costs keep their limits."""

from __future__ import annotations

from modelsizer import Problem, evaluate, load_architecture

DECIMALS = 1.0009765625123
PARTS = ("attention", "ffn", "embedding", "head", "other")


def test_costs_of_weights_of_many_decimals_do_not_overflow() -> None:
    settings = {
        "serving.accelerator": "H100-SXM",
        "serving.weight_bytes": {**dict.fromkeys(PARTS, 1), "ffn": DECIMALS},
    }
    problem = Problem.load("h100-cluster-90-days").with_settings(settings)
    llama = load_architecture("llama-3-8b")
    most = evaluate(problem, llama).quantity("concurrency")
    limit = problem.budgets.limits["decode_latency"].max
    assert most and limit is not None
    here, next_one = (
        evaluate(problem.with_settings({"serving.batch_size": batch}), llama)
        for batch in (most, most + 1)
    )
    assert here.quantity("decode_latency") <= limit
    assert len(next_one.violated) > len(here.violated)
