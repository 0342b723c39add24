"""Problems that keep only some of their constraints."""

from __future__ import annotations

import math

import pytest

from modelsizer import Problem
from modelsizer.optimizer.explain.conflicts import any_design
from modelsizer.optimizer.explain.relaxer import UNLIMITED_TOKENS, Relaxer
from tests.support.enumerated import loss_of


def test_limits_are_those_of_the_file_then_those_of_the_space() -> None:
    problem = Problem.load("one-h100-1e24").with_settings(
        {"budgets.parameters": {"min": 1e9, "max": 40e9}, "training.tokens": 2e12}
    )
    limits = {limit.key: limit for limit in Relaxer(problem).limits}
    assert list(limits) == [
        "budgets.training_flops", "budgets.parameters.min", "budgets.parameters.max",
        "budgets.kv_cache", "budgets.serving_memory", "training.tokens",
        "space.layers.min", "space.layers.max", "space.d_model.min", "space.d_model.max",
        "space.aspect_ratio.min", "space.aspect_ratio.max",
    ]  # fmt: skip
    assert limits["training.tokens"].equality
    assert limits["budgets.parameters.min"].side == "min"
    assert limits["space.layers.max"].limit == 160
    ranged = problem.with_settings({"training.tokens": {"min": 1e12, "max": 2e12}})
    keys = [limit.key for limit in Relaxer(ranged).limits]
    assert {"training.tokens.min", "training.tokens.max"} <= set(keys)


def test_either_side_of_an_equality_may_give_way() -> None:
    problem = Problem.load("fixed-2t-tokens")
    relaxer = Relaxer(problem)
    tokens = next(limit for limit in relaxer.limits if limit.equality)
    fewer = relaxer.problem(relaxer.keys, [tokens.one_sided("max")]).training.tokens
    assert fewer is not None and (fewer.min, fewer.max) == (None, 2 * 10**12)
    moved = [tokens.one_sided("min", 10**12), tokens.one_sided("max")]
    both = relaxer.problem(relaxer.keys, moved).training.tokens
    assert both is not None and (both.min, both.max) == (10**12, 2 * 10**12)


def test_tokens_that_nothing_limits_are_endless_in_effect() -> None:
    problem = Problem.load("one-h100-1e24").with_settings({"budgets.loss": 1.9})
    relaxer = Relaxer(problem)
    free = relaxer.problem(["budgets.loss"])
    assert free.token_limits.most == UNLIMITED_TOKENS
    found = any_design(free)
    assert found is not None
    assert found.loss <= 1.9
    least = loss_of(free, found)(math.inf)
    assert found.loss == pytest.approx(least, rel=1e-15)


def test_tokens_that_are_only_asked_for_are_endless_however_many_they_are() -> None:
    many = 10 ** (len(str(int(UNLIMITED_TOKENS))) + 10)
    relaxer = Relaxer(
        Problem.load("one-h100-1e24")
        .without("training.tokens")
        .with_settings({"budgets.tokens": {"min": many}})
    )
    assert relaxer.problem(["budgets.tokens"]).token_limits.most >= many


def test_the_leverage_of_experts_moves_only_with_the_budget_that_it_is_taken_at() -> None:
    space = {"layers": 16, "d_model": 2048, "vocab_size": 32000,
             "experts": {"routed": 64, "active": 4, "granularity": 4}}  # fmt: skip
    objective = {"leverage_flops": "budget"}
    tables = {
        "space": space,
        "budgets": {"training_flops": 1e22, "loss": 2},
        "objective": objective,
    }
    relaxer = Relaxer(Problem.from_tables(tables))
    flops = next(limit for limit in relaxer.limits if limit.quantity == "training_flops")
    assert relaxer.problem(["budgets.loss"]).leverage_flops == 1e22
    assert relaxer.problem(relaxer.keys, [flops.at(3e22)]).leverage_flops == 3e22
