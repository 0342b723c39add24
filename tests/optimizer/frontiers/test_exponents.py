"""Exponents recovered, implied and published; isoFLOP curves and their minima."""

from __future__ import annotations

import math

import numpy as np
import pytest

from modelsizer import Problem, Solver
from modelsizer.optimizer.frontiers.exponents import PUBLISHED, exponents, fit_power, implied
from modelsizer.optimizer.frontiers.frontier import Frontier, frontier
from modelsizer.optimizer.frontiers.isoflops import CURVES, curves_along, isoflops
from modelsizer.optimizer.sweeps.numeric_setting import NumericSetting
from modelsizer.problems.laws.published import token_law
from modelsizer.problems.laws.shapes import WidthDepthShape, shape_law
from tests.support.shared import LAW_ALONE

FLOPS = "budgets.training_flops"


def swept(problem: Problem, low: int, high: int, points: int = 13) -> Frontier:
    values = NumericSetting.of(problem, FLOPS).between(low, high, points)
    return frontier(problem, FLOPS, values, band=False)


# Fits


@pytest.mark.parametrize("power", [0.5126, -0.025, 1.0])
def test_powers_are_recovered_exactly(power: float) -> None:
    compute = np.geomspace(1e20, 1e26, 9)
    found = fit_power("parameters", compute, 3e-2 * compute**power)
    assert found.exponent == pytest.approx(power, abs=1e-12)
    assert found.standard_error < 1e-12
    assert found.r2 == pytest.approx(1.0, abs=1e-9)
    assert found.points == 9


def test_standard_error_and_r2_are_those_of_least_squares() -> None:
    """Against NumPy's own fit and its covariance, on points off the line."""
    compute = np.geomspace(1e20, 1e24, 7)
    values = compute**0.5 * np.array([1.1, 0.9, 1.05, 1.0, 0.93, 1.2, 0.97])
    found = fit_power("tokens", compute, values)
    x, y = np.log(compute), np.log(values)
    (slope, _), covariance = np.polyfit(x, y, 1, cov=True)
    assert found.exponent == pytest.approx(slope, rel=1e-12)
    assert found.standard_error == pytest.approx(covariance[0, 0] ** 0.5, rel=1e-9)
    assert found.r2 == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2, rel=1e-9)


def test_what_is_constant_has_exponent_zero() -> None:
    found = fit_power("layers", [1e20, 1e21, 1e22], [7, 7, 7])
    assert (found.exponent, found.standard_error, found.r2) == (0.0, 0.0, 1.0)


@pytest.mark.parametrize("compute", [[1e20, 1e21], [1e20, 1e20, 1e20]])
def test_two_points_or_one_budget_are_no_fit(compute: list[float]) -> None:
    with pytest.raises(ValueError, match="needs 3 points"):
        fit_power("tokens", compute, compute)


# The law's own exponent


FINE = {
    "space.layers": {"min": 4, "max": 200},
    "space.d_model": {"min": 512, "max": 20480},
    "space.head_dim": 128,
    "space.vocab_size": 32000,
    "space.tied_embeddings": True,
    "training.flops": "6ND",
    "objective.shape": "none",
    **LAW_ALONE,
}


@pytest.mark.parametrize("law", ["besiroglu-2024", "hoffmann-2022"])
def test_fitted_size_grows_as_the_law_says(law: str) -> None:
    """With C = 6ND, no law of shape and a fine menu: beta / (alpha + beta)."""
    base = Problem.load("exercise-1e24").with_settings(FINE)
    problem = base.with_settings({"space.aspect_ratio": {"min": 8}, "objective.law": law})
    known = token_law(law)
    right = known.beta / (known.alpha + known.beta)  # type: ignore[attr-defined]
    found = {e.quantity: e for e in exponents(swept(problem, 10**21, 10**24))}
    assert found["parameters"].exponent == pytest.approx(right, abs=0.01)
    assert found["tokens"].exponent == pytest.approx(1 - right, abs=0.01)
    # Blind to shape, the law has no exponent of depth or width to tell.
    assert not {"layers", "d_model"} & set(found)
    assert implied(problem)[0].exponents["parameters"] == pytest.approx(right, rel=1e-15)


def test_implied_exponents_are_those_of_the_continuous_optimum() -> None:
    """The law minimised numerically at two budgets a factor of 10^4 apart."""
    problem = Problem.load("exercise-1e24")
    law = problem.law
    sizes = []
    for flops in (1e21, 1e25):
        n = np.geomspace(1e8, 1e13, 2_000_001)
        sizes.append(n[int(np.argmin(law.loss(n, flops / (6 * n))))])
    slope = math.log(sizes[1] / sizes[0]) / math.log(1e4)
    of_law, of_shape = implied(problem)
    assert of_law.exponents["parameters"] == pytest.approx(slope, abs=1e-5)
    assert of_law.exponents["parameters"] == pytest.approx(0.5126, abs=5e-5)
    shape = shape_law("gemstones-2025")
    assert isinstance(shape, WidthDepthShape)
    (wide, deep), (wider, deeper) = shape.ideal(1024, 16), shape.ideal(4096, 64)
    growth = math.log(4**3)  # of w^2 L between the two
    n = of_law.exponents["parameters"]
    assert of_shape.exponents["d_model"] == pytest.approx(n * math.log(wider / wide) / growth)
    assert of_shape.exponents["layers"] == pytest.approx(n * math.log(deeper / deep) / growth)


def test_kaplan_counts_without_embeddings() -> None:
    problem = Problem.load("exercise-1e24").with_settings({"objective.law": "kaplan-2020"})
    (law, *_) = implied(problem)
    # With alpha_N / alpha_D and 1 as exponents: 1 / (1 + 0.076 / 0.103).
    assert law.exponents["non_embedding_parameters"] == pytest.approx(0.103 / 0.179)
    assert "parameters" not in law.exponents


def test_published_pairs_sum_to_one() -> None:
    """C is proportional to N D, so the two exponents of a paper share it out."""
    pairs = 0
    for row in PUBLISHED:
        size = row.exponents.get("parameters", row.exponents.get("non_embedding_parameters"))
        if size is not None:
            assert size + row.exponents["tokens"] == pytest.approx(1.0)
            pairs += 1
    assert pairs == 6
    besiroglu = implied(Problem.load("exercise-1e24"))[0].exponents["parameters"]
    stated = next(row for row in PUBLISHED if row.source.startswith("Besiroglu"))
    assert stated.exponents["parameters"] == round(besiroglu, 3)


# What is left out


def test_points_that_a_menu_or_a_limit_holds_are_not_fitted() -> None:
    edge = swept(Problem.load("exercise-1e24"), 10**24, 10**26, 9)
    free = [point for point in edge.points if point.free]
    assert 3 <= len(free) < len(edge.points)
    assert {e.points for e in exponents(edge)} == {len(free)}
    sizes = [p.design.parameters.total for p in free if p.design is not None]
    by_hand = np.polyfit(np.log([float(p.limit) for p in free]), np.log(sizes), 1)[0]
    assert exponents(edge)[0].exponent == pytest.approx(by_hand, abs=1e-6)
    held = swept(Problem.load("one-h100-1e24"), 10**24, 10**26, 5)
    assert all(point.held for point in held.points)
    assert exponents(held) == ()


def test_other_sweeps_and_objectives_have_no_exponents() -> None:
    phone = Problem.load("phone-2gb")
    over = "budgets.serving_memory"
    assert exponents(frontier(phone, over, [10**9, 2 * 10**9, 4 * 10**9])) == ()
    least = Problem.load("least-memory-2.15")
    assert exponents(frontier(least, FLOPS, [10**23, 2 * 10**23, 4 * 10**23])) == ()


def test_a_fixed_depth_has_no_exponent() -> None:
    problem = Problem.load("exercise-1e24").with_settings(
        {"space.layers": 60, "space.aspect_ratio": {"min": 16, "max": 512}}
    )
    names = {e.quantity for e in exponents(swept(problem, 10**22, 10**24, 5))}
    assert "d_model" in names and "layers" not in names


# Curves of equal FLOPs


@pytest.mark.parametrize("name", ["exercise-1e24", "one-h100-1e24", "h100-cluster-90-days"])
def test_the_minimum_of_a_curve_is_the_proven_optimum(name: str) -> None:
    problem = Problem.load(name)
    solver = Solver(problem)
    budgets = (3 * 10**22, 10**24, 7 * 10**24)
    curves = isoflops(problem, budgets)
    assert [curve.training_flops for curve in curves] == list(budgets)
    for curve in curves:
        best = solver.solve({FLOPS: curve.training_flops}, details=False).best
        assert curve.best == best
        assert (np.diff(curve.parameters) > 0).all()


def test_each_bin_holds_its_least_loss() -> None:
    """A bin's design is the optimum of a solve that is limited to the bin."""
    problem = Problem.load("exercise-1e24")
    bins = 2
    (curve,) = isoflops(problem, [10**23], bins=bins)
    solver = Solver(problem)
    for design in curve.designs[:: len(curve.designs) // 4]:
        bin_ = math.floor(math.log2(design.parameters.total) * bins)
        ends = {"min": math.ceil(2 ** (bin_ / bins)), "max": math.floor(2 ** ((bin_ + 1) / bins))}
        again = solver.solve({FLOPS: 10**23, "budgets.parameters": ends}, details=False)
        assert again.best.loss == design.loss


def test_limits_of_the_file_hold_on_a_curve() -> None:
    (curve,) = isoflops(Problem.load("one-h100-1e24"), [10**24])
    assert all(design.feasible for design in curve.designs)
    assert curve.parameters.max() <= 40e9
    none = Problem.load("one-h100-1e24").with_settings({"budgets.serving_memory": "1 kB"})
    assert isoflops(none, [10**24]) == ()


def test_a_space_too_large_to_look_at_is_refused_with_both_numbers() -> None:
    problem = Problem.load("exercise-1e24").to_dict()
    problem["space"] = {
        "layers": {"min": 1, "max": 1000}, "d_model": {"min": 128, "max": 128 * 5001},
        "vocab_size": 32_000, "kv_group": 1,
    }  # fmt: skip
    with pytest.raises(ValueError, match="has 5,001,000; 5,000,000 are the most"):
        isoflops(Problem.from_tables(problem), [10**24])


def test_curves_along_a_frontier_are_spread_over_its_points() -> None:
    exercise = Problem.load("exercise-1e24")
    found = swept(exercise, 10**22, 10**24, 9)
    curves = curves_along(found)
    assert [c.training_flops for c in curves] == [p.limit for p in found.points[::2]]
    assert len(curves) == CURVES
    # Beyond what the largest design can use, more FLOPs buy nothing: one curve, not several.
    full = Problem.load("one-h100-1e24")
    high = swept(full, 10**25, 10**27, 5)
    least = min(p.limit for p in high.points if p.value == high.points[-1].value)
    assert [c.training_flops for c in curves_along(high)][-1] == least < 10**27
    for other in (
        frontier(exercise, "budgets.parameters", [10**9, 10**10], band=False),
        frontier(full.with_settings({"budgets.serving_memory": "1 kB"}), FLOPS, [10**24]),
    ):
        assert curves_along(other) == ()
