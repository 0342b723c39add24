"""The loss of a law, scaled by what it cannot see: its inverse, its order, its bound."""

from __future__ import annotations

import numpy as np
import pytest

from modelsizer import Problem
from modelsizer.problems.laws.ablations import Ablations
from modelsizer.problems.laws.features import of_stack, range_of_stack
from modelsizer.problems.laws.laws import PowerLaw
from modelsizer.problems.laws.published import TOKEN_LAWS, token_law
from modelsizer.problems.laws.quality import Judged, Quality, scaled, unscaled
from modelsizer.problems.laws.shapes import NoShape
from modelsizer.problems.laws.stack_values import EXPERTS
from tests.support.stacks import STRUCTURES, boxes, points, stack

MANY = 10_000


def test_scaling_has_an_inverse_and_leaves_a_law_below_its_constant_alone() -> None:
    loss, q = np.array([1.2, 1.8, 1.8001, 2.5, 9.0]), np.array([-0.02, 0.0, 0.01, 0.05, 2.0])
    there = scaled(loss, q, 1.8)
    assert there[0] == 1.2
    assert there[3] == pytest.approx(1.8 + 1.05 * 0.7)
    assert unscaled(there, q, 1.8) == pytest.approx(loss, rel=1e-15)


def test_without_ablations_the_loss_is_the_law_to_the_last_bit() -> None:
    problem = Problem.load("one-h100-1e24", {"objective.ablations": "none"})
    features = {"d_model": 4096.0, "layers": 32.0}
    law, shape = problem.law, problem.shape
    found = problem.quality.of(features).loss(7e9, 2e12)
    assert found == law.loss(7e9, 2e12) + shape.excess(4096.0, 32.0)


@pytest.mark.parametrize("q", [-0.02, 0.0, 0.3])
@pytest.mark.parametrize("name", ["besiroglu-2024", "kaplan-2020", "muennighoff-2023"])
def test_tokens_for_a_loss_reach_it(name: str, q: float) -> None:
    law = token_law(name)
    judged = Judged(law, 0.01, q, law.irreducible)
    loss = float(judged.loss(3e9, 4e11))
    assert float(judged.tokens_for(3e9, loss)) == pytest.approx(4e11, rel=1e-6)
    assert judged.tokens_for(3e9, law.irreducible) == np.inf


def test_what_no_law_falls_below_is_its_own_constant() -> None:
    for law in TOKEN_LAWS.values():
        if not law.features:
            assert law.irreducible == pytest.approx(float(law.loss(np.inf, np.inf)))
    assert token_law("kaplan-2020").irreducible == 0


def test_a_bound_over_boxes_holds_at_their_designs() -> None:
    random = np.random.default_rng(1)
    low, high = np.sort(random.uniform(-0.02, 0.5, (2, MANY)), axis=0)
    n = np.sort(10 ** random.uniform(7, 13, (2, MANY)), axis=0)
    tokens, ablations = 10 ** random.uniform(8, 14, MANY), Ablations("low", 4096)
    at = random.random((2, MANY))
    here = low + at[0] * (high - low), n[0] * (n[1] / n[0]) ** at[1]
    outer = PowerLaw("own", 1.0, 300.0, 0.3, 900.0, 0.3, outer=0.8)
    for law in (token_law("hoffmann-2022"), outer):
        quality = Quality(law, NoShape(), ablations)
        bound = quality.over(n[0], n[1], {ablations: low}, {ablations: high}).loss(1.0, tokens)
        loss = quality.of({ablations: here[0]}).loss(here[1], tokens)
        assert (bound <= loss * (1 + 1e-14)).all()


def test_the_pessimist_of_experts_is_the_dense_law_at_one_and_bounded_over_boxes() -> None:
    law, dense = token_law("ludziejewski-2025"), token_law("ludziejewski-2025-dense")
    assert law.parameter_kind == "active"
    assert law.of({EXPERTS: 1.0}).loss(3e9, 2e12) == pytest.approx(dense.loss(3e9, 2e12), rel=1e-9)
    random = np.random.default_rng(2)
    experts = np.sort(random.uniform(1, 300, (2, MANY)), axis=0)
    n = np.sort(10 ** random.uniform(7, 13, (2, MANY)), axis=0)
    tokens = 10 ** random.uniform(8, 14, MANY)
    bound = law.over(n[0], n[1], {EXPERTS: experts[0]}, {EXPERTS: experts[1]}).loss(1.0, tokens)
    at = random.random((2, MANY))
    here = law.of({EXPERTS: experts[0] + at[0] * (experts[1] - experts[0])})
    size = n[0] + at[1] * (n[1] - n[0])
    assert (bound <= here.loss(size, tokens) * (1 + 1e-14)).all()
    assert here.tokens_for(size, here.loss(size, tokens)) == pytest.approx(tokens, rel=1e-6)


def test_the_experts_of_a_stack_are_between_their_bounds_over_a_box() -> None:
    low, high = boxes(6, MANY)
    for full, between in STRUCTURES[:2]:
        ends = range_of_stack(EXPERTS, stack(low, full, between), stack(high, full, between))
        value = of_stack(EXPERTS, stack(points(1, low, high), full, between))
        assert (ends[0] <= value + 1e-9).all()
        assert (value <= ends[1] + 1e-9).all()
    dense = low | {"full_experts": 0 * low["d_model"], "other_experts": 0 * low["d_model"]}
    assert (of_stack(EXPERTS, stack(dense, *STRUCTURES[0])) == 1).all()
