"""What is as good within the error of the law, against plain loops over every design."""

from __future__ import annotations

from unittest.mock import patch

import pytest

from modelsizer import Problem, Solver, near_ties, solve
from modelsizer.optimizer.surveys import near_ties as module
from modelsizer.optimizer.tables import store
from modelsizer.optimizer.tables.clock import Clock
from tests.support.enumerated import sorted_by_hand
from tests.support.layers_oracle import compare, drawing
from tests.support.layers_oracle.search import Oracle
from tests.support.random_problems import layout_tables, small, valid_problem
from tests.support.shared import seeds

OWN = 0.02  # error of a law of a problem's own
MIXED = (3, 22, 58, 81)
DENSE = (0, 2, 13, 14, 26, 28)
FEW = {"space.layers": [24, 40, 56], "space.d_model": [4096, 6144, 8192, 11264]}


def with_error(problem: Problem) -> Problem:
    """The problem under a law whose error is known."""
    if problem.law.rms is not None:
        return problem
    if problem.laws:
        return problem.with_settings({"laws.own.rms": OWN})
    return problem.with_settings({"objective.law": "hoffmann-2022"})


@pytest.mark.parametrize("seed", seeds(range(120), set(range(120)) - set(MIXED)))
@pytest.mark.parametrize("boxes", [False, True])
def test_mixed_spaces_agree_with_plain_loops(seed: int, boxes: bool) -> None:
    tables = drawing.tables(seed)
    problem = with_error(Problem.from_tables(tables))
    oracle = Oracle(problem.to_dict())
    with patch.object(store, "LISTABLE", 0 if boxes else store.LISTABLE):
        found = near_ties(solve(problem))
    if oracle.quantity != "loss" or not oracle.points:
        assert found is None
        return
    assert found is not None
    assert found.within == problem.law.rms
    most = oracle.points[0].loss + problem.law.rms
    inside = [point for point in oracle.points if point.loss <= most]
    assert (found.designs, found.complete) == (len(inside), True)
    assert {least.name for least in found.cheapest} >= {"serving_memory", "active_parameters"}
    told = found.to_dict()["cheapest"]
    for name, least in told.items():
        if name == "decode_latency":
            continue
        want = min(inside, key=lambda point: (point.costs[name], point.tie))
        assert least["proven"]
        assert least["value"] == float(want.costs[name])
        assert least["loss"] == pytest.approx(want.loss, rel=1e-12)
        assert least["tokens"] == pytest.approx(want.tokens, rel=1e-9)
        shown = compare.architecture(want.design)
        assert {key: least["architecture"][key] for key in shown} == shown


@pytest.mark.parametrize("seed", seeds(range(50), set(range(50)) - set(DENSE)))
def test_dense_spaces_agree_with_evaluating_every_design(seed: int) -> None:
    problem = with_error(small(seed))
    wanted = sorted_by_hand(problem)
    found = near_ties(solve(problem))
    if problem.objective.quantity != "loss" or not wanted:
        assert found is None
        return
    assert found is not None
    assert found.within is not None
    inside = [design for design in wanted if design.loss <= wanted[0].loss + found.within]
    assert (found.designs, found.complete) == (len(inside), True)
    for least in found.cheapest:
        want = min(inside, key=lambda d: (d.exact[least.name], d.tie_key))
        assert (least.proven, least.design.architecture) == (True, want.architecture)


@pytest.mark.parametrize("seed", seeds(range(9), range(8)))
def test_a_design_counts_once_whatever_its_layouts(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MERGED_AT", 100)
    problem = valid_problem(seed, layout_tables)
    if seed == 8:
        problem = Problem.load("h100-cluster-90-days", FEW)
    assert len(problem.layouts) > 1
    wanted = sorted_by_hand(problem)
    found = near_ties(solve(problem))
    if not wanted:
        assert found is None
        return
    assert found is not None
    assert found.within is not None
    inside = {d.architecture for d in wanted if d.loss <= wanted[0].loss + found.within}
    assert found.designs == len(inside)
    assert "decode_latency" in {least.name for least in found.cheapest}


def test_a_law_of_unknown_error_has_no_near_ties() -> None:
    result = solve(Problem.load("fixed-2t-tokens", {"objective.law": "kaplan-2020"}))
    found = near_ties(result)
    assert found is not None
    assert found.to_dict() == {"within": None, "designs": None, "complete": False, "cheapest": {}}


def test_there_are_none_without_a_proven_optimum_of_the_loss() -> None:
    assert near_ties(solve(Problem.load("least-memory-2.15"))) is None
    assert near_ties(solve(Problem.load("one-h100-1e24"), time_limit=0.0)) is None
    impossible = Problem.load("fixed-2t-tokens", {"budgets.loss": 1.7})
    assert near_ties(solve(impossible)) is None


def test_a_limit_of_the_loss_below_the_error_remains() -> None:
    free = with_error(small(14))
    most = solve(free).best.loss + 0.001
    problem = free.with_settings({"budgets.loss": most})
    held = near_ties(solve(problem))
    assert held is not None
    assert held.within is not None
    assert held.within > 0.001
    assert all(least.design.loss <= most for least in held.cheapest)
    assert held.designs == len(sorted_by_hand(problem))


def test_what_the_time_leaves_is_no_more_than_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    solver = Solver(Problem.load("one-h100-1e24"))
    result = solver.solve()
    whole = module.ties_of(result, solver, Clock())
    assert whole is not None
    assert whole.designs is not None
    cut = module.ties_of(result, solver, Clock.of(0.0))
    assert cut is not None
    assert cut.designs is not None
    assert not cut.complete
    assert 1 <= cut.designs < whole.designs
    assert not any(least.proven for least in cut.cheapest)
    monkeypatch.setattr(module, "MOST_COUNTED", 100)
    many = module.ties_of(result, solver, Clock())
    assert many is not None
    assert (many.designs, many.complete) == (100, False)


def test_a_design_at_the_edge_is_decided_exactly() -> None:
    problem = small(14).with_settings({"objective.law": "besiroglu-2024"})
    losses = sorted(design.loss for design in sorted_by_hand(problem))
    assert len(losses) > 12
    for at in range(3, 12):
        error = losses[at] - losses[0]
        law = {"E": 1.8172, "A": 482.01, "alpha": 0.3478, "B": 2085.43, "beta": 0.3658}
        own = problem.with_settings({"laws.own": law | {"rms": error}, "objective.law": "own"})
        found = near_ties(solve(own))
        assert found is not None
        assert found.designs == sum(loss <= losses[0] + error for loss in losses)
