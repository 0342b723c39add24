"""The continuous relaxation: costs at real widths, its optimum, and its multipliers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from modelsizer import Problem
from modelsizer.optimizer.constraints import constraints, moved
from modelsizer.optimizer.prices.continuous import Relaxation, relax
from modelsizer.optimizer.prices.real_widths import polynomials
from modelsizer.optimizer.prices.resolver import Resolver
from modelsizer.problems.designs.costs import costs
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.quantities.auxiliary import LAW_PARAMETERS, TRAINING_FLOPS_PER_TOKEN
from tests.support import fine_menus
from tests.support.architectures import uniform
from tests.support.shared import LAW_ALONE

STEP = 1e-3  # of a limit, for finite differences
LIBRARY = ["one-h100-1e24", "eight-h100-128k", "fixed-2t-tokens", "h100-cluster-90-days",
           "least-memory-2.15", "phone-2gb"]  # fmt: skip


def today(problem: Problem) -> Evaluation:
    return Resolver(problem).today().best


def relaxed(problem: Problem, design: Evaluation) -> Relaxation:
    found = relax(problem, design)
    assert found is not None
    return found


def test_costs_extended_to_real_widths_are_the_exact_ones_at_whole_ones() -> None:
    problem = Problem.load(
        "one-h100-1e24", fine_menus.ONE_H100 | LAW_ALONE | {"serving.accelerator": "H100-SXM"}
    )
    design = today(problem)
    names = ["parameters", "kv_cache", "serving_memory", "decode_latency", "prefill_latency",
             TRAINING_FLOPS_PER_TOKEN, LAW_PARAMETERS]  # fmt: skip
    found = polynomials(problem, design, names)
    d_model = design.architecture.trunk.d_model
    for wide, layers in ((d_model, 68), (7 * 128, 11), (5 * d_model // 4, 90)):
        other = uniform(
            problem, block="llama", d_model=wide, heads=wide // 128, kv_heads=1, head_dim=128,
            d_ff=4 * wide, vocab_size=128256, tied_embeddings=False, layers=layers,
        )  # fmt: skip
        kinds = other.kinds
        exact = costs(problem, other.trunk, kinds, design.layout, names)
        assert set(found) == set(exact)
        for name, cost in found.items():
            value = cost.at(wide / d_model, layers)
            near = 1e-7 if "latency" in name else 1e-12  # latencies are kept in whole picoseconds
            assert value == pytest.approx(float(exact[name].at([layers])), rel=near)


@pytest.mark.parametrize("name", LIBRARY)
def test_the_relaxed_optimum_is_no_worse_and_keeps_its_limits(name: str) -> None:
    problem = Problem.load(name)
    design = today(problem)
    found = relaxed(problem, design)
    value = float(design.exact[problem.objective.quantity])
    assert found.objective <= value * (1 + 1e-6)  # today's design is a point of it
    space = problem.space
    assert space.d_model.numbers[0] - 1e-6 <= found.d_model <= space.d_model.numbers[-1] + 1e-6
    assert space.layers.numbers[0] - 1e-6 <= found.layers <= space.layers.numbers[-1] + 1e-6


@pytest.mark.parametrize("name", LIBRARY)
def test_multipliers_are_the_slopes_of_the_relaxed_optimum(name: str) -> None:
    problem = Problem.load(name)
    assert slopes_checked(problem) >= 2


def test_multipliers_at_the_upper_ends_of_the_menus() -> None:
    largest = {"space.layers": {"min": 4, "max": 12}, "space.d_model": {"min": 512, "max": 1024}}
    problem = Problem.load("one-h100-1e24", fine_menus.ONE_H100 | largest)
    found = relaxed(problem, today(problem))
    assert (found.layers, found.d_model) == (pytest.approx(12), pytest.approx(1024))
    assert slopes_checked(problem) >= 1


def slopes_checked(problem: Problem) -> int:
    """Compare every multiplier with a finite difference; return how many are not zero."""
    design = today(problem)
    found = relaxed(problem, design)
    some = 0
    for constraint in constraints(problem):
        slope = found.multipliers[constraint.key]
        assert slope is not None
        limits = [float(constraint.limit) * (1 + step) for step in (-STEP, STEP)]
        values = [
            relaxed(moved(problem, constraint.at(limit)), design).objective for limit in limits
        ]
        near = float(np.diff(values)[0] / np.diff(limits)[0])
        scale = found.objective / float(constraint.limit)
        assert slope == pytest.approx(near, rel=0.01, abs=1e-6 * scale)
        some += slope != 0
    return some


def test_least_limits_and_the_most_sought() -> None:
    tables: dict[str, Any] = {
        "budgets.decode_throughput": {"min": 700},
        "serving.accelerator": "H100-SXM",
        "budgets.parameters": {"min": 20e9},
        "budgets.serving_memory": "90 GB",
    }
    problem = Problem.load("one-h100-1e24", fine_menus.ONE_H100 | tables).without(
        "budgets.kv_cache"
    )
    problem = problem.with_settings({"objective.maximize": "tokens"})
    design = today(problem)
    found = relaxed(problem, design)
    slope = found.multipliers["budgets.parameters"]
    assert slope is not None and slope < 0  # more parameters asked for, fewer tokens
    least = found.multipliers["budgets.training_flops"]
    assert least == pytest.approx(found.objective / 1e24, rel=1e-6)  # tokens are C / F
    assert found.to_dict()["is_bound"] is False


def test_closed_form_of_chinchilla() -> None:
    """No limit but compute, 6ND and no shape term: Chinchilla's own optimum.

    At the optimum alpha A/N^alpha = beta B/D^beta (Hoffmann et al. 2022, eq. 4), and by the
    envelope theorem C dL/dC = -beta B / D^beta.
    """
    problem = Problem.load(
        "exercise-1e24", LAW_ALONE | {"objective.shape": "none", "training.flops": "6ND"}
    )
    found = relaxed(problem, today(problem))
    assert found.tokens is not None
    n = 1e24 / 6 / found.tokens
    law: Any = problem.law
    slope = found.multipliers["budgets.training_flops"]
    data = law.beta * law.B / found.tokens**law.beta
    assert slope is not None and slope * 1e24 == pytest.approx(-data, rel=1e-4)
    assert law.alpha * law.A / n**law.alpha == pytest.approx(data, rel=1e-3)
    assert math.isclose(found.objective, float(law.loss(n, found.tokens)), rel_tol=1e-9)


def test_experts_that_a_law_sees_are_held() -> None:
    space = {"layers": [16, 24], "d_model": [1024, 2048], "vocab_size": 32000,
             "experts": {"routed": 64, "active": 4, "granularity": 4, "dense_layers": 1}}  # fmt: skip
    tables = {"space": space, "budgets": {"training_flops": 1e22},
              "objective": {"law": "ludziejewski-2025"}}  # fmt: skip
    problem = Problem.from_tables(tables)
    found = relaxed(problem, today(problem))
    assert found.multipliers["budgets.training_flops"] < 0
