"""Sentences on constraints that no design of a space keeps."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer import Problem, solve
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.infeasible import TOGETHER, why_infeasible
from modelsizer.optimizer.tables import store
from modelsizer.optimizer.tables.clock import Clock
from tests.support.fine_menus import ONE_H100

ONE = "one-h100-1e24"
ALONE: list[tuple[dict[str, Any], str]] = [
    ({"budgets.serving_memory": "1 MB"}, "budgets.serving_memory <= 1 MB: the least of"),
    ({"budgets.parameters": {"min": 1e15, "max": 2e15}}, "budgets.parameters >= 1e15: the most of"),
    ({"budgets.decode_throughput": {"min": 1e9}, "serving.accelerator": "H100-SXM"},
     "budgets.decode_throughput >= 1B tokens/s: the most of"),
]  # fmt: skip


@pytest.mark.parametrize("listable", [True, False])
@pytest.mark.parametrize(("settings", "words"), ALONE)
def test_a_limit_that_no_design_keeps_is_named_with_the_best_there_is(
    settings: dict[str, Any], words: str, listable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = Problem.load(ONE, settings)
    listed = why_infeasible(Model(problem), Clock())
    monkeypatch.setattr(store, "LISTABLE", store.LISTABLE if listable else 0)
    first, *_ = why_infeasible(Model(problem), Clock())
    assert first.startswith(words) and first == listed[0]


def test_a_loss_below_the_floor_of_the_law_is_named_beside_others() -> None:
    """On any data, whatever the tokens: two limits that no design keeps, each by itself."""
    settings = {"budgets.serving_memory": "1 MB", "budgets.loss": 1.2, "training.tokens": 1e12}
    memory, loss, *_ = why_infeasible(Model(Problem.load(ONE, settings)), Clock())
    assert memory.startswith("budgets.serving_memory <= 1 MB")
    assert loss.startswith("budgets.loss <= 1.2: the least loss of any design of the space, on any")
    reached = why_infeasible(Model(Problem.load(ONE, settings | {"budgets.loss": 1.9})), Clock())
    assert not any("budgets.loss" in words for words in reached)


def test_too_little_time_for_the_least_training_flops() -> None:
    flops = {"min": 1e27, "max": 1e28}
    result = solve(Problem.load("h100-cluster-90-days", {"budgets.training_flops": flops}))
    assert result.status == "infeasible"
    first, *_ = result.warnings
    assert str(first) == (
        "budgets.training_time <= 90 days: too little for budgets.training_flops >= 1e27"
    )


def test_limits_that_some_design_keeps_alone_are_not_named() -> None:
    problem = Problem.load(
        ONE,
        ONE_H100 | {"budgets.serving_memory": "2 GB", "budgets.parameters": {"min": 1e9}},
    )
    assert why_infeasible(Model(problem), Clock())[0] == TOGETHER


def test_a_band_between_two_depths_is_broken_at_neither_end_alone() -> None:
    space = {"layers": [8, 16], "d_model": 1024, "head_dim": 64, "kv_heads": 4, "d_ff": 4096,
             "vocab_size": 32000}  # fmt: skip
    budgets = {"training_flops": 1e20, "parameters": {"min": 190e6, "max": 250e6}}
    model = Model(Problem.from_tables({"space": space, "budgets": budgets}))
    assert solve(model.problem).status == "infeasible"
    assert why_infeasible(model, Clock())[0] == TOGETHER
