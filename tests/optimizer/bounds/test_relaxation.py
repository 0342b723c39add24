"""Every bound is a bound: at random points of random problems, relaxation <= exact value."""

from __future__ import annotations

import itertools
import math
import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from modelsizer import Problem
from modelsizer.optimizer.bounds.limits import depth_intervals
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.bounds.relaxation import Feature, power_bound
from modelsizer.optimizer.search.compare import box_designs
from modelsizer.optimizer.tables.spread import tables
from modelsizer.optimizer.tables.table import Linear, Table
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.quantities.rows import QUANTITIES
from tests.support.random_problems import STRIDE, random_tables, valid_problem


def some_points(table: Table, r: random.Random, count: int) -> tuple[Any, Any]:
    """Rows of a table, and a depth of each."""
    row = np.array([r.randrange(len(table)) for _ in range(count)])
    return row, np.array([[r.randrange(int(table.count[i, 0]))] for i in row])


def with_designs(seed: int) -> tuple[Model, Table, Any, Any]:
    """The first problem of a seed some of whose random designs are feasible, and those."""
    for number in itertools.count(seed, STRIDE):
        model = Model(valid_problem(number))
        table = next(tables(model.problem))
        row, j = some_points(table, random.Random(seed), 300)
        keeps = model.evaluate(table, row, j)[1]
        if keeps.any():
            return model, table, row[keeps], j[keeps]
    raise AssertionError


@pytest.mark.parametrize("seed", range(2000, 2040))
def test_relaxation_is_below_every_design(seed: int) -> None:
    """In boxes of depths around designs that keep every limit."""
    model, table, rows, depths = with_designs(seed)
    r = random.Random(seed)
    for at in (r.randrange(len(rows)) for _ in range(6)):
        row, inside = rows[at : at + 1], int(depths[at, 0])
        last = int(table.count[row[0], 0]) - 1
        ends = (r.randint(0, inside), r.randint(inside, last))
        low, high = np.array([[ends[0]]]), np.array([[ends[1]]])
        relaxed = model.relax(table, row, low, high)
        for j in {inside, *ends, r.randint(*ends)}:
            design = evaluate(model.problem, table.architecture(model.problem, int(row[0]), [j]))
            if not design.feasible:
                assert j != inside
                continue
            value = model.value_of(design)
            assert relaxed.least[0] <= value
            affine = relaxed.objective.constant[0] + relaxed.objective.slope[0, 0] * (j - ends[0])
            # The least value in its own scale; one rounding of exp or log is allowed for.
            assert model.to_value(affine) <= value + 1e-13 * abs(value)
            if relaxed.loss is not None:
                bound = relaxed.loss.constant[0] + relaxed.loss.slope[0, 0] * (j - ends[0])
                assert bound <= design.loss


NEAR = {"affine": 1e-15, "loss": 0.006, "tokens": 0.04, "flops": 0.004}
"""Share of a value that a bound of two neighbouring depths may be below it, by form."""


def test_bounds_of_two_neighbouring_depths_are_near() -> None:
    looked = dict.fromkeys(NEAR, 0)
    for seed in range(2000, 2060):
        model, table, rows, depths = with_designs(seed)
        inside = depths[:, 0] + 1 < table.count[rows, 0]
        row, low = rows[inside][:20], depths[inside][:20]
        first, one = model.evaluate(table, row, low)
        second, other = model.evaluate(table, row, low + 1)
        both = one & other
        least = np.minimum(first, second)[both]
        form = QUANTITIES[model.problem.objective.quantity].form
        relaxed = model.relax(table, row[both], low[both], low[both] + 1)
        assert (least - relaxed.least <= NEAR[form] * np.abs(least)).all()
        looked[form] += int(both.sum())
    assert min(looked.values()) > 30


@pytest.mark.parametrize("seed", range(2100, 2130))
def test_vectorised_values_are_the_exact_ones(seed: int) -> None:
    model, table, rows, depths = with_designs(seed)
    problem = model.problem
    others, other_depths = some_points(table, random.Random(seed), 15)
    row, j = np.concatenate([rows[:5], others]), np.concatenate([depths[:5], other_depths])
    value, keeps = model.evaluate(table, row, j)
    assert keeps.any()
    for i in range(len(row)):
        design = evaluate(problem, table.architecture(problem, int(row[i]), j[i]))
        assert design.feasible == keeps[i]
        if design.feasible:
            assert value[i] == pytest.approx(model.value_of(design), rel=1e-12)


@pytest.mark.parametrize("exponent", [-2.0, -0.5, -0.02, 0.3, 0.999, 1.0, 1.7])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_power_terms_of_either_sign_and_bend(exponent: float, sign: float) -> None:
    low, high = np.array([3.0, 1e9, 5.0]), np.array([700.0, 4e9, 5.0])
    feature = Feature(low, high, np.ones((3, 1)))
    bound = power_bound(sign, exponent, feature)
    for share in np.linspace(0, 1, 101):
        u = low + share * (high - low)
        exact = sign * u**exponent
        below = bound.constant + bound.slope[:, 0] * (u - low)
        # Rounding is of the size of the larger end, not of a small value at the other.
        largest = np.maximum(low**exponent, high**exponent)
        assert (below <= exact + 1e-14 * largest).all()


def two_kinds(seed: int) -> tuple[Problem, Table]:
    """A table whose rows have two kinds of layer: the arithmetic must not assume one."""
    tables_ = random_tables(0) | {"objective": {"minimize": "loss"}}
    tables_["space"] = {
        "layers": {"min": 2, "max": 12}, "d_model": {"min": 512, "max": 1024, "step": 128},
        "head_dim": 64, "vocab_size": 32000,
    }  # fmt: skip
    tables_["training"] = {"sequence_length": 2048}
    tables_["budgets"] = {"training_flops": 1e20, "kv_cache": 4e8}
    tables_.pop("laws", None)
    problem = Problem.from_tables(tables_)
    table = next(tables(problem))
    rng = np.random.default_rng(seed)

    def second(linear: Linear) -> Linear:
        scale = rng.integers(1, 4, size=(len(table), 1))
        return Linear(
            linear.base, np.hstack([linear.unit, linear.unit * scale]), linear.denominator
        )

    linear = {name: second(q) for name, q in table.linear.items() if name != "layers"}
    layers = table.linear["layers"]
    linear["layers"] = Linear(layers.base, np.hstack([layers.unit, layers.unit]), 1)
    step, count = table.depths.step, table.count
    depths = replace(
        table.depths,
        step=np.concatenate([step, step], axis=2),
        count=np.concatenate([count, count], axis=1),
    )
    return problem, replace(table, depths=depths, linear=linear)


@pytest.mark.parametrize("seed", range(5))
def test_two_kinds_of_layer(seed: int) -> None:
    """Bounds and intervals with two depths, against every design of the boxes."""
    problem, table = two_kinds(seed)
    model = Model(problem)
    row = np.arange(len(table))
    low, high = np.zeros_like(table.count), table.count - 1
    relaxed = model.relax(table, row, low, high)
    cut_low, cut_high = depth_intervals(table, model.rules(table), row, low, high)
    seen = 0
    for part, j in box_designs(row, low, high, 500):
        value, keeps = model.evaluate(table, part, j)
        seen += len(part)
        assert (relaxed.least[part] <= value).all()
        affine = relaxed.objective.constant[part] + (relaxed.objective.slope[part] * j).sum(axis=1)
        assert (affine <= value).all()
        inside = ((j >= cut_low[part]) & (j <= cut_high[part])).all(axis=1)
        assert (inside | ~keeps).all()
    assert seen == table.designs


def test_log_scale_round_trip() -> None:
    for objective in ({"minimize": "tokens"}, {"maximize": "tokens"}):
        tables_ = random_tables(1)
        tables_["training"] = {"tokens": {"min": 1e9, "max": 1e12}}
        tables_["objective"] = objective
        tables_.pop("laws", None)
        model = Model(Problem.from_tables(tables_))
        value = model.sign * 3e11
        assert model.to_value(model.from_value(value)) == pytest.approx(value)
        assert math.isfinite(model.from_value(value))
