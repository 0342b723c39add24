"""Money for a million output tokens: what the accelerators cost while they are made."""

from __future__ import annotations

from fractions import Fraction

import pytest

from modelsizer import Problem, evaluate, load_architecture, solve
from modelsizer.problems.units import exact

ASKED = {
    "serving.accelerator": "H100-SXM", "serving.accelerators": 4, "serving.tensor_parallel": 2,
    "serving.batch_size": 48, "serving.context_length": 2048, "serving.prompts": 4,
    "serving.prompt_length": 1536, "prices.H100-SXM": 2.37,
}  # fmt: skip


def asked(name: str = "one-h100-1e24", **settings: object) -> Problem:
    return Problem.load(name, ASKED | settings)


def test_it_is_the_price_of_the_accelerators_over_their_throughput() -> None:
    found = evaluate(asked(), load_architecture("llama-3-8b")).exact
    a_second = exact(2.37) * 4 / 3600
    assert found["serving_cost"] == a_second / found["decode_throughput"] * 10**6


def test_prompts_are_paid_for_where_the_answers_have_a_length() -> None:
    model = load_architecture("mixtral-8x7b")
    alone = evaluate(asked(), model).exact
    found = evaluate(asked(**{"serving.output_length": 512}), model).exact
    a_second = exact(2.37) * 4 / 3600
    prompt = Fraction(found["prefill_latency"]) / 4
    assert found["serving_cost"] - alone["serving_cost"] == a_second * prompt / 512 * 10**6
    long = evaluate(asked(**{"serving.output_length": 10**9}), model).exact
    assert float(long["serving_cost"]) == pytest.approx(float(alone["serving_cost"]), rel=1e-3)


@pytest.mark.parametrize("solver", ["bound", "scipy"])
def test_it_is_a_budget_and_an_objective(solver: str) -> None:
    limited = asked(**{"budgets.serving_cost": 0.6, "serving.output_length": 256})
    found = solve(limited, solver=solver)
    assert found.status == "optimal"
    assert found.best.architecture == solve(limited, solver="exhaustive").best.architecture
    assert 0 < found.best.exact["serving_cost"] <= exact(0.6)
    assert found.best.loss > solve(asked()).best.loss
    least = limited.with_settings({"budgets.loss": 2.1, "objective.minimize": "serving_cost"})
    assert solve(least, solver=solver).best.exact["serving_cost"] < found.best.exact["serving_cost"]
