"""Rivals are judged fairly: what they return is feasible and never better than the optimum."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.rivals import evolution, highs_raw, numpy_enumeration, random_search, scip
from benchmarks.rivals.answer import RivalAnswer, Skipped
from benchmarks.rivals.statement import state
from modelsizer import Problem, solve
from modelsizer.plots import growth, rivals
from modelsizer.problems.designs.evaluation import evaluate

PROBLEM = Problem.load("phone-2gb")
OPTIMUM = solve(PROBLEM, solver="exhaustive").best.loss
SECONDS = 0.2


def check(problem: Problem, answer: RivalAnswer, optimum: float) -> None:
    assert answer.value is not None
    assert answer.value >= optimum
    assert answer.architecture is not None
    assert evaluate(problem, answer.architecture).feasible
    assert not answer.proof
    assert 0 < answer.solver_seconds <= answer.seconds


@pytest.mark.parametrize("rival", [numpy_enumeration, random_search, evolution])
def test_a_rival_finds_a_feasible_design_no_better_than_the_optimum(rival: Any) -> None:
    answer = rival.solve(PROBLEM, SECONDS)
    check(PROBLEM, answer, OPTIMUM)
    assert answer.bound is None


def test_the_raw_relaxation_bounds_the_optimum_from_below() -> None:
    problem = Problem.load("fixed-2t-tokens")
    optimum = solve(problem, solver="exhaustive").best.loss
    answer = highs_raw.solve(problem, 60.0)
    check(problem, answer, optimum)
    assert answer.bound is not None
    assert optimum - 1e-3 < answer.bound < optimum


@pytest.mark.parametrize(
    "name", ["phone-2gb", "one-h100-1e24", "eight-h100-128k", "exercise-1e24", "fixed-2t-tokens"]
)
def test_plain_numpy_agrees_with_the_program(name: str) -> None:
    problem = Problem.load(name)
    answer = numpy_enumeration.solve(problem, 60.0)
    assert answer.value == solve(problem, solver="exhaustive").best.loss


def test_scip_proves_the_optimum() -> None:
    pytest.importorskip("pyscipopt")
    answer = scip.solve(PROBLEM, 60.0)
    assert answer.proof
    assert answer.value == OPTIMUM
    assert answer.bound == pytest.approx(OPTIMUM, abs=1e-7)


def test_what_rivals_cannot_state_is_skipped_with_the_reason() -> None:
    other = Problem.load("least-memory-2.15")
    for rival in (numpy_enumeration, random_search, evolution):
        with pytest.raises(Skipped, match="objective is serving_memory"):
            rival.solve(other, SECONDS)
    with pytest.raises(Skipped, match="objective"):
        state(other, tightened=True)
    with pytest.raises(Skipped, match="not written here"):
        numpy_enumeration.solve(Problem.load("h100-cluster-90-days"), SECONDS)


def test_growth_draws_a_labelled_line_for_each_solver() -> None:
    rows = [
        (solver, 10.0**k, scale * 10.0 ** (k * slope), 50.0 + k, (solver, k) != ("c", 6))
        for solver, scale, slope in (("a", 1e-3, 0.5), ("b", 1e-3, 1.0), ("c", 1.1e-3, 1.0))
        for k in range(3, 7)
    ]
    figure = growth(rows)
    seconds, memory = figure.axes
    assert [t.get_text() for t in seconds.texts] == [
        "a ∝ n^0.50",
        "b ∝ n^1.00",
        "c ∝ n^1.00",
    ]
    assert [t.get_text() for t in memory.texts] == ["a", "b", "c"]
    heights = [t.get_position()[1] for t in seconds.texts]
    assert len(set(heights)) == len(heights)


def test_rivals_marks_who_has_a_proof() -> None:
    figure = rivals([("ours", 0.03, True, ""), ("theirs", 2.0, False, "1e-4 nats worse")])
    (axes,) = figure.axes
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert [dot.get_markerfacecolor() == "white" for dot in dots] == [False, True]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["ours", "theirs"]
    assert axes.texts[1].get_text() == "2 s, 1e-4 nats worse"
