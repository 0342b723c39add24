"""Slopes, criteria, exchanges and the bound of plans, against independent computations."""

from __future__ import annotations

from itertools import combinations_with_replacement, pairwise
from statistics import NormalDist

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import linprog

from modelsizer.optimizer.fitting.forms import FORMS, Array
from modelsizer.optimizer.planning.best_size import log_best_size, size_slope
from modelsizer.optimizer.planning.certificate import Room, relax
from modelsizer.optimizer.planning.exchange import exchange
from modelsizer.optimizer.planning.information import (
    CRITERIA,
    Criterion,
    Linearised,
    Question,
    of_weights,
)
from modelsizer.optimizer.planning.law_point import mean_huber, noise_of, of_form, of_law
from modelsizer.problems.laws.laws import PowerLaw
from modelsizer.problems.laws.published import token_law

BESIROGLU = of_law(token_law("besiroglu-2024"))
OUTER = of_law(PowerLaw("outer", 1.6, 2.1e4, 0.52, 9.1e4, 0.51, 0.42))
POINTS = {"chinchilla": BESIROGLU, "gemstones": of_form("gemstones"), "bian": of_form("bian"),
          "chinchilla-outer": OUTER}  # fmt: skip


def columns_of(count: int, seed: int = 0) -> dict[str, Array]:
    """Runs of many sizes, tokens and shapes."""
    generator = np.random.default_rng(seed)
    depth = generator.integers(4, 40, count).astype(float)
    width = 64.0 * generator.integers(4, 40, count)
    n = 12 * depth * width**2 + 2e7
    return {"N": n, "D": n * np.exp(generator.uniform(1.5, 6, count)), "width": width,
            "depth": depth}  # fmt: skip


TARGET = {"N": np.array([7e10]), "D": np.array([1.4e12]), "width": np.array([8192.0]),
          "depth": np.array([80.0])}  # fmt: skip


def question_of(
    criterion: Criterion, form: str = "chinchilla", count: int = 60, targets: int = 1
) -> tuple[Question, Linearised]:
    point, columns = POINTS[form], columns_of(count)
    draws = point.values * np.exp(0.02 * np.random.default_rng(1).standard_normal((3, 1)))
    linear = Linearised(point.form, draws, columns)
    sizes = np.geomspace(0.5, 2, targets)
    wanted = {name: column * np.ones(targets) for name, column in TARGET.items()}
    wanted |= {"N": TARGET["N"] * sizes, "D": TARGET["D"] / sizes}
    rows = linear.rows(columns)
    have = np.zeros((3, rows.shape[2], rows.shape[2]))
    return Question(criterion, rows, linear.rows(wanted), have), linear


@pytest.mark.parametrize("form", FORMS)
def test_variances_are_those_of_least_squares_by_finite_differences(form: str) -> None:
    point, columns = POINTS[form], columns_of(40)
    law = point.form

    def slopes(at: dict[str, Array]) -> Array:
        found = []
        for i, value in enumerate(point.values):
            step = np.zeros(len(point.values))
            step[i] = 1e-6 * value
            up, down = (np.log(law.loss(point.values + s, at)) for s in (step, -step))
            found.append((up - down) / 2e-6)  # by relative steps of each coefficient
        return np.array(found).T

    g, c = slopes(columns), slopes(TARGET)[0]
    covariance = np.linalg.inv(g.T @ g)
    linear = Linearised(law, point.values[None, :], columns)
    told = of_weights(linear.rows(columns), np.ones(40))
    question = Question("target", linear.rows(columns), linear.rows(TARGET), 0 * told)
    assert question.variances(told)[0, 0] == pytest.approx(c @ covariance @ c, rel=1e-3)
    errors = np.sqrt(np.diag(linear.covariance(told)[0])) / point.values
    assert errors == pytest.approx(np.sqrt(np.diag(covariance)), rel=1e-3)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize("targets", [1, 3])
def test_gradient_and_second_derivatives(criterion: Criterion, targets: int) -> None:
    question, _ = question_of(criterion, "gemstones", targets=targets)
    w = np.random.default_rng(2).uniform(0.2, 1, 60)
    some = np.array([3, 17, 40])
    slope, bend = question.parts(w, some)
    assert question.gradient(w)[some] == pytest.approx(slope)
    for i, at in enumerate(some):
        step = np.zeros(60)
        step[at] = 1e-5
        rise = (question.value(w + step) - question.value(w - step)) / 2e-5
        assert slope[i] == pytest.approx(rise, rel=1e-5)
        turned = (question.parts(w + step, some)[0] - question.parts(w - step, some)[0]) / 2e-5
        assert bend[i] == pytest.approx(turned, rel=1e-4, abs=1e-9)
    assert np.linalg.eigvalsh(bend).min() > -1e-12  # convex


@pytest.mark.parametrize("criterion", CRITERIA)
def test_exchanges_are_what_they_change(criterion: Criterion) -> None:
    question, _ = question_of(criterion, targets=2)
    counts = np.zeros(60)
    counts[:7], counts[20] = 1, 2
    out = np.flatnonzero(counts)
    change = question.exchanges(counts, out)
    before = question.value(counts)
    for i, gone in enumerate(out):
        for j in (2, 20, 33, 59):
            moved = counts.copy()
            moved[gone] -= 1
            moved[j] += 1
            assert change[i, j] == pytest.approx(question.value(moved) - before, abs=1e-8)


def test_runs_that_tell_nothing_have_no_finite_criterion() -> None:
    question, _ = question_of("target")
    few = np.zeros(60)
    few[:4] = 1  # five coefficients
    assert question.value(few) == np.inf
    same = dict.fromkeys(("N", "D"), np.full(9, 1e9))
    with pytest.raises(ValueError, match="cannot tell the coefficients"):
        Linearised(BESIROGLU.form, BESIROGLU.draws, same)


def test_the_linear_program_is_solved() -> None:
    generator = np.random.default_rng(3)
    for repeats, runs in ((1, 6), (2, 5), (3, 40)):
        slope, costs = -generator.exponential(size=30), generator.exponential(size=30) / 5
        slope[:3] = 0.5
        room = Room(costs, runs, repeats)
        weights, bound, price = room.least(slope)
        rows = np.vstack([np.ones(30), costs])
        exact = linprog(slope, rows, [runs, 1.0], bounds=(0, repeats))
        assert bound == pytest.approx(exact.fun, rel=1e-9)
        assert slope @ weights == pytest.approx(exact.fun, rel=1e-6)
        assert room.allows(weights * (1 - 1e-9))
        assert price == pytest.approx(-exact.ineqlin.marginals[1], rel=1e-3, abs=1e-6)


@pytest.mark.parametrize("criterion", CRITERIA)
@pytest.mark.parametrize(("repeats", "budget"), [(1, 0.35), (1, 0.6), (2, 0.3)])
def test_no_plan_of_a_small_instance_is_below_the_bound(
    criterion: Criterion, repeats: int, budget: float
) -> None:
    question, linear = question_of(criterion, count=13, targets=2)
    flops = linear.columns["N"] * linear.columns["D"]
    costs = np.sqrt(flops)  # so that the dear do not decide alone
    room = Room(costs / (budget * costs.sum()), 7, repeats)
    best = np.inf
    for chosen in combinations_with_replacement(range(13), 7):
        counts = np.bincount(chosen, minlength=13).astype(float)
        if room.allows(counts):
            best = min(best, question.value(counts))
    assert np.isfinite(best)
    relaxed = relax(question, room)
    found = exchange(question, room, relaxed)
    assert relaxed.bound <= best <= found.value + 1e-12
    assert found.value <= best + 0.02  # and the search finds the best or next to it
    assert relaxed.value - relaxed.bound <= 2e-3  # the bound is the relaxation's own
    assert relaxed.value <= best + 2e-3
    assert room.allows(found.counts)
    assert question.value(found.counts) == pytest.approx(found.value)


def test_mean_huber_is_the_integral_and_noise_its_inverse() -> None:
    for sigma, delta in ((0.01, 1e-3), (1e-3, 1e-3), (1e-4, 1e-3)):

        def huber(r: float, delta: float = delta, sigma: float = sigma) -> float:
            size = abs(r)
            value = r * r / 2 if size < delta else delta * (size - delta / 2)
            return value * NormalDist(0, sigma).pdf(r)

        ends = [-9 * sigma, *(e for e in (-delta, delta) if abs(e) < 9 * sigma), 9 * sigma]
        exact = sum(quad(huber, a, b)[0] for a, b in pairwise(ends))
        assert mean_huber(sigma, delta) == pytest.approx(exact, rel=1e-6)
        told = {"objective": 100 * exact, "used": 100, "delta": delta}
        assert noise_of(told) == pytest.approx(sigma, rel=1e-5)
    assert noise_of({"used": 100, "delta": 1e-3}) is None


@pytest.mark.parametrize("form", FORMS)
def test_the_best_size_and_its_slopes(form: str) -> None:
    point, flops = POINTS[form], 1e24
    law, values = point.form, point.values
    sizes = np.geomspace(1e8, 1e13, 40001)
    runs = {"N": sizes, "D": flops / 6 / sizes, "width": 0 * sizes + 4096, "depth": 0 * sizes + 64}
    best = np.log(sizes[law.loss(values, runs).argmin()])
    assert float(log_best_size(law, values, np.log(flops), TARGET)) == pytest.approx(best, abs=1e-3)
    for i, slope in enumerate(size_slope(law, values, flops, TARGET)):
        step = np.zeros(len(values))
        step[i] = 1e-6 * values[i]
        up, down = (
            float(log_best_size(law, values + s, np.log(flops), TARGET)) for s in (step, -step)
        )
        assert slope == pytest.approx((up - down) / (2 * step[i]), rel=1e-5, abs=1e-12)
