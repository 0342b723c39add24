"""Limits and laws whose numbers no double holds are refused, with their key."""

from __future__ import annotations

import random

import numpy as np
import pytest

from modelsizer import Problem, ProblemError, evaluate, load_architecture, solve
from modelsizer.optimizer.tables.spread import tables
from modelsizer.problems.magnitudes import most_parameters
from tests.support.layers_oracle import drawing
from tests.support.random_problems import valid_problem

CLUSTER = {"training.accelerator": "H100-SXM", "training.price_per_hour": 2.0}
LAW = {"E": 1.5, "A": 300.0, "alpha": 0.31, "B": 900.0, "beta": 0.33}


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("budgets.training_flops", "1e-300 FLOPs", "too small"),
        ("budgets.training_time", "1e-300 s", "too small"),
        ("budgets.tokens", "1e-250 tokens", "too small"),
        ("training.tokens", 1e299, "too large"),
        ("training.price_per_hour", 1e300, "too large"),
        ("training.price_per_hour", 1e-300, "too small"),
        ("training.mfu", 1e-300, "too small"),
        ("serving.custom_accelerator.bandwidth", 1e-300, "too small"),
        ("serving.memory_efficiency", 1e-100, "too small"),
        ("serving.kv_bytes", 1e-100, "too small"),
        ("lifetime.inference_tokens", 1e101, "too large"),
    ],
)
def test_refused_with_its_key(key: str, value: float, words: str) -> None:
    base = Problem.load("h100-cluster-90-days").with_settings(CLUSTER)
    settings: dict[str, object] = {key: value}
    if key == "training.tokens":
        base = Problem.load("fixed-2t-tokens").without("budgets.training_flops")
    if "custom" in key:
        settings = {"serving.custom_accelerator": {"bandwidth": value, "bf16_flops": 1e15}}
    with pytest.raises(ProblemError, match=words) as error:
        base.with_settings(settings)
    assert error.value.faults[0].key == key


@pytest.mark.parametrize("value", [1e300, pytest.param(1e150, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["training_time", "training_cost", "parameters", "kv_cache"])
def test_a_limit_that_nothing_reaches_changes_nothing(name: str, value: float) -> None:
    base = Problem.load("h100-cluster-90-days").with_settings(CLUSTER)
    base = base.with_settings({"budgets.training_flops": 1e24})
    one = solve(base.with_settings({f"budgets.{name}": value}))
    free = solve(base.without(f"budgets.{name}") if name in base.budgets.limits else base)
    assert one.status == "optimal"
    assert one.best.architecture == free.best.architecture
    assert one.best.loss == free.best.loss


def with_law(**changed: float) -> Problem:
    tables = Problem.load("one-h100-1e24").bare()
    tables |= {"laws": {"own": LAW | changed}, "objective": {"law": "own"}}
    return Problem.from_tables(tables)


@pytest.mark.parametrize(
    "changed",
    [{"outer": 1e300, "E": 0.0, "A": 1e300, "alpha": 1e-9}, {"alpha": 0.01, "outer": 1000.0}],
)
def test_a_law_that_overflows_everywhere_is_refused(changed: dict[str, float]) -> None:
    with pytest.raises(ProblemError, match="own gives no finite loss") as error:
        with_law(**changed)
    assert error.value.faults[0].key == "objective.law"


def test_a_design_of_infinite_loss_is_infeasible() -> None:
    """(300 / N^0.01)^129 is a double for large N only."""
    problem = with_law(alpha=0.01, outer=129.0, B=1e-9)
    large, small = solve(problem), load_architecture("gpt2")
    assert large.status == "optimal"
    found = evaluate(problem, small)
    assert found.loss == float("inf")
    assert found.violated == ("objective.law",)


def test_figures_of_an_accelerator_may_be_fractions() -> None:
    problem = Problem.load("phone-2gb")
    problem = problem.with_settings(
        {
            "training.custom_accelerator": {"bf16_flops": 1e12, "watts": 0.5},
            "training.mfu": 0.5,
            "training.tokens": 1e9,
        }
    )
    design = evaluate(problem, load_architecture("gpt2"))
    flops = design.exact["training_flops"]
    assert design.exact["training_energy"] == flops / 10**12 * 2 / 3600 / 1000 / 2


@pytest.mark.parametrize("seed", range(12))
def test_no_design_has_more_parameters_than_the_bound(seed: int) -> None:
    problem = valid_problem(seed)
    bound = most_parameters(problem.space, problem.training.sequence_length)
    table = next(tables(problem, names=["parameters"]))
    row = np.arange(len(table))
    assert table.linear["parameters"].at(row, table.count - 1).max() <= bound


@pytest.mark.parametrize("seed", [2, 3, 8, 10, 14, 20])
def test_no_design_of_several_kinds_has_more_parameters_than_the_bound(seed: int) -> None:
    raw = drawing.unlimited(random.Random(seed), seed)
    raw["objective"] = {"minimize": "parameters"}
    raw.pop("laws", None)
    problem = Problem.from_tables(raw)
    bound = most_parameters(problem.space, problem.training.sequence_length)
    most = 0
    for table in tables(problem, names=["parameters"]):
        row = np.arange(len(table))
        most = max(most, table.linear["parameters"].at(row, table.count - 1).max())
    assert 0 < most <= bound


def test_more_requests_than_are_told_apart_are_refused() -> None:
    settings = {"serving.accelerator": "H100-SXM", "budgets.concurrency": {"min": 10**6}}
    Problem.load("one-h100-1e24", settings)
    with pytest.raises(ProblemError, match=r"budgets\.concurrency.*too many.*1,000,000"):
        Problem.load("one-h100-1e24", settings | {"budgets.concurrency": {"min": 10**6 + 1}})
