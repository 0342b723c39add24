"""Rivals are judged fairly: what they return is feasible and never better than the optimum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from benchmarks.rivals import (
    cpsat,
    evolution,
    highs_raw,
    numpy_enumeration,
    random_search,
    scip,
    scip_table,
)
from benchmarks.rivals.answer import RivalAnswer, Skipped
from benchmarks.rivals.statement import state
from benchmarks.rivals.tabulated import lower_hull, tabulate
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


@pytest.mark.parametrize("name", ["phone-2gb", "least-memory-2.15"])
@pytest.mark.parametrize("formulation", sorted(scip_table.FORMULATIONS))
def test_scip_chooses_from_a_table(name: str, formulation: str) -> None:
    pytest.importorskip("pyscipopt")
    problem = Problem.load(name)
    if name == "least-memory-2.15" and formulation == "rows":
        with pytest.raises(Skipped, match="no linear row"):
            scip_table.solve(problem, 60.0, formulation)
        return
    answer = scip_table.solve(problem, 60.0, formulation)
    assert answer.proof
    assert answer.value == solve(problem, solver="exhaustive").objective.value
    assert answer.claimed == pytest.approx(answer.value, rel=1e-9)


@pytest.mark.parametrize("name", ["phone-2gb", "least-memory-2.15"])
@pytest.mark.parametrize("formulation", sorted(cpsat.FORMULATIONS))
def test_cp_sat_chooses_from_a_table(name: str, formulation: str) -> None:
    pytest.importorskip("ortools")
    problem = Problem.load(name)
    answer = cpsat.solve(problem, 60.0, formulation)
    assert answer.proof
    assert answer.value == solve(problem, solver="exhaustive").objective.value
    assert answer.claimed == pytest.approx(answer.value, abs=1 / cpsat.UNITS)


def test_an_empty_table_proves_that_there_is_no_design() -> None:
    problem = PROBLEM.with_settings({"budgets.serving_memory": "100 MB"})
    assert not len(tabulate(problem))


def test_a_table_holds_every_feasible_design_once() -> None:
    table = tabulate(PROBLEM)
    everything = tabulate(PROBLEM, everything=True)
    assert len(everything) == PROBLEM.count_designs()
    assert sum(o.stop - o.start for o in table.options()) == len(table) < len(everything)
    assert table.value.min() == OPTIMUM
    assert len(set(zip(table.row.tolist(), table.j.tolist(), strict=True))) == len(table)


def test_the_lower_hull_leaves_out_what_is_above_it() -> None:
    x = np.arange(6)
    assert lower_hull(x, np.array([5.0, 4.0, 4.0, 1.0, 2.0, 4.0])).tolist() == [0, 3, 4, 5]
    assert lower_hull(x[:2], np.array([1.0, 3.0])).tolist() == [0, 1]
    assert lower_hull(x, (x - 3.0) ** 2).tolist() == x.tolist()


def test_what_rivals_cannot_state_is_skipped_with_the_reason() -> None:
    with pytest.raises(Skipped, match="objective is serving_memory"):
        state(Problem.load("least-memory-2.15"), tightened=True)
    for rival in (numpy_enumeration, random_search, evolution):
        with pytest.raises(Skipped, match="not written here"):
            rival.solve(Problem.load("h100-cluster-90-days"), SECONDS)


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
