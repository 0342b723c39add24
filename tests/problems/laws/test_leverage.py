"""The leverage of experts: the paper's figures, its limits, its bound over boxes, exactness."""

from __future__ import annotations

import numpy as np
import pytest

from modelsizer import Problem, ProblemError
from modelsizer.problems.architecture.accounting import layer_parts
from modelsizer.problems.laws.leverage import (
    DENOMINATOR,
    LawSize,
    leverage,
    leverage_of,
    most_leverage,
)
from tests.support.stacks import ENDS, STRUCTURES, boxes, one, points, stack

ROWS = 150


def test_figures_of_the_fit() -> None:
    shares = (1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64)
    for flops, want in (
        (1e20, (1.296, 1.680, 2.155, 2.710, 3.303, 3.862)),
        (1e22, (1.433, 2.055, 2.902, 3.989, 5.252, 6.000)),
    ):
        assert [float(leverage(a, 2, flops)) for a in shares] == pytest.approx(want, abs=6e-4)
    fineness = (1, 2, 4, 8, 11.3, 16, 32)
    by_g = [float(leverage(1 / 16, g, 1e20)) for g in fineness]
    assert by_g == pytest.approx((2.100, 2.710, 3.212, 3.497, 3.535, 3.498, 3.214), abs=6e-4)


def test_it_is_at_least_one_at_most_six_and_no_more_at_rarer_experts() -> None:
    assert leverage(1.0, 2, 3e20) == 1
    assert leverage(1 / 64, 12, 1e24) == 6
    assert leverage(0.001, 8, 1e19) == leverage(0.008, 8, 1e19)


@pytest.mark.parametrize("flops", [1e17, 3e20, 1e25])
def test_the_most_of_a_box_is_above_each_of_its_points_and_at_one(flops: float) -> None:
    random = np.random.default_rng(5)
    a = np.sort(random.uniform(0.001, 1.0, (2, 10_000)) ** 3, axis=0)
    g = np.sort(2.0 ** random.uniform(-2, 7, (2, 10_000)), axis=0)
    most = most_leverage((a[0], a[1]), (g[0], g[1]), flops)
    reached = np.zeros(10_000)
    for share in np.linspace(0, 1, 5):
        for fineness in np.linspace(0, 1, 9):
            at = a[0] + share * (a[1] - a[0]), g[0] * (g[1] / g[0]) ** fineness
            here = leverage(*at, flops)
            assert (here <= most * (1 + 1e-13)).all()
            reached = np.maximum(reached, here)
    assert (reached >= most * 0.98).mean() > 0.99


def test_a_point_is_a_box_of_itself() -> None:
    assert float(most_leverage((0.1, 0.1), (4, 4), 1e20)) == float(leverage(0.1, 4, 1e20))


@pytest.mark.parametrize("kind", ["total", "non_embedding"])
def test_one_design_has_the_n_that_it_has_in_a_table(kind: str) -> None:
    low, high = boxes(2, ROWS)
    w = points(3, low, high)
    size = LawSize(kind, "tian-2025", 3e20)  # type: ignore[arg-type]
    full, between = STRUCTURES[0]
    whole = stack(w, full, between)
    table = size.of(whole.trunk, whole.kinds)
    assert table.denominator == DENOMINATOR
    for i in range(ROWS):
        alone = one(w, i, full, between)
        n = size.of(alone.trunk, alone.kinds)
        mine = n.at(alone.counts)
        counts = [int(group.count[i]) for group in whole.groups]
        base, per = table.base[i], [int(each[i]) for each in table.per_layer]
        total = int(base) + sum(a * b for a, b in zip(per, counts, strict=True))
        assert mine * DENOMINATOR == total


def test_a_layer_is_worth_at_most_all_that_it_holds_and_at_least_what_is_active() -> None:
    low, high = boxes(4, ROWS)
    whole = stack(points(5, low, high), "grouped", "window")
    layer = whole.groups[1].layer
    parts = layer_parts(layer, whole.trunk)
    sizes = {
        how: LawSize("total", how, 3e20).of(whole.trunk, [layer])
        for how in ("active", "tian-2025", "total")
    }  # fmt: skip
    worth = sizes["tian-2025"].per_layer[0] / DENOMINATOR
    assert (worth >= parts.active - 1 / DENOMINATOR).all() and (worth <= parts.total).all()
    assert (worth == parts.total).any() and (worth < parts.total).any()
    assert (sizes["active"].per_layer[0] == parts.active).all()
    assert (sizes["total"].per_layer[0] == parts.total).all()


def test_a_law_of_active_parameters_counts_these_alone() -> None:
    whole = stack({name: np.array([most]) for name, (_, most) in ENDS.items()}, *STRUCTURES[0])
    kinds = whole.kinds
    found = LawSize("active", "tian-2025", 3e20).of(whole.trunk, kinds)
    assert found.denominator == 1
    assert (found.per_layer[1] == layer_parts(kinds[1], whole.trunk).active).all()
    assert leverage_of(kinds[0], 4096, 3e20) == 1


def test_the_budget_is_the_most_flops_allowed_and_refused_where_there_are_none() -> None:
    key = {"objective.leverage_flops": "budget"}
    problem = Problem.load("one-h100-1e24", key)
    assert problem.settings.leverage_flops == 1e24
    assert problem.with_settings({"budgets.training_flops": 3e23}).settings.leverage_flops == 3e23
    assert Problem.load("one-h100-1e24").settings.leverage_flops == 3e20
    with pytest.raises(ProblemError, match=r"leverage_flops.*give budgets"):
        Problem.load("fixed-2t-tokens", key).without("budgets.training_flops")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("experts", "all", "tian-2025, active, total"),
        ("ablations", "mid", "low, middle, high, none"),
        ("leverage_flops", -1, "range"),
        ("leverage_flops", "budgets", '"budget"'),
    ],
)
def test_keys_that_are_none(key: str, value: object, words: str) -> None:
    with pytest.raises(ProblemError, match=f"objective.{key}.*{words}"):
        Problem.load("one-h100-1e24", {f"objective.{key}": value})
