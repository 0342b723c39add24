"""Surveys that are stopped at any time claim nothing that the whole survey contradicts."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from modelsizer import Problem, Ranking, rank
from modelsizer.optimizer.frontiers.frontier import frontier
from modelsizer.optimizer.frontiers.isoflops import isoflops
from modelsizer.optimizer.surveys.depth_width import depth_width, optimal_size
from modelsizer.optimizer.surveys.landscape import Landscape, landscape
from modelsizer.optimizer.surveys.region import region
from modelsizer.optimizer.tables.clock import StoppedError
from tests.support.clocks import Countdown

PROBLEM = Problem.load("one-h100-1e24")
LOOKS = [0, 1, 3, 6, 14]
SHAPES = depth_width(PROBLEM, 30e9, layers=64)


@cache
def ranked() -> Ranking:
    return rank(PROBLEM, keep_all=True)


@cache
def layouts() -> Ranking:
    return rank(Problem.load("h100-cluster-90-days"), top=5)


@cache
def whole_map() -> Landscape:
    return landscape(PROBLEM)


@pytest.fixture(autouse=True)
def in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelsizer.optimizer.search.compare.DESIGNS_AT_ONCE", 9_000)


@pytest.mark.parametrize("looks", LOOKS)
def test_a_ranking(looks: int) -> None:
    part = rank(PROBLEM, keep_all=True, clock=Countdown(looks))
    losses = [design.loss for design in part.best]
    assert losses == sorted(losses) and len(losses) == min(20, part.feasible)
    assert part.looked_at <= ranked().looked_at and part.feasible <= ranked().feasible
    assert all(d.loss >= best.loss for d, best in zip(part.best, ranked().best, strict=False))
    assert not part.complete or part.looked_at == ranked().looked_at
    assert part.to_dict()["stop"] == ("proven" if part.complete else "time")
    if part.complete:
        assert losses == [design.loss for design in ranked().best]


@pytest.mark.parametrize("looks", [0, 2, 5, 9])
def test_a_ranking_over_layouts_has_each_design_once(looks: int) -> None:
    part = rank(
        Problem.load("h100-cluster-90-days"), top=5, group_by="layers", clock=Countdown(looks)
    )
    shown = [(d.tie_key, d.architecture.block) for d in part.best]
    assert len(set(shown)) == len(shown)
    assert all(d.loss >= layouts().best[0].loss for d in part.best)
    assert sum(group.designs for group in part.groups) in (0, part.feasible)


@pytest.mark.parametrize("looks", LOOKS)
def test_shapes_of_one_size(looks: int) -> None:
    part = depth_width(PROBLEM, 30e9, layers=64, clock=Countdown(looks))
    assert {row.layers for row in part.rows} <= {row.layers for row in SHAPES.rows}
    near = {row.layers: abs(row.parameters - 30e9) for row in SHAPES.rows}
    assert all(abs(row.parameters - 30e9) >= near[row.layers] for row in part.rows)
    if part.complete:
        assert part.to_dict() == SHAPES.to_dict()
    else:
        assert part.preferred is None and part.excluded == () and part.habit is None


def test_no_size_is_taken_from_an_optimum_that_is_not_proven() -> None:
    with pytest.raises(StoppedError):
        optimal_size(PROBLEM, Countdown(1))


@pytest.mark.parametrize("looks", LOOKS)
def test_a_landscape_and_a_region(looks: int) -> None:
    part = landscape(PROBLEM, clock=Countdown(looks))
    if part.complete:
        assert np.array_equal(part.loss, whole_map().loss, equal_nan=True)
    elif part.exists.any():
        assert np.nanmin(part.loss, initial=np.inf) >= np.nanmin(whole_map().loss)
    seen = region(PROBLEM, clock=Countdown(looks))
    assert seen.designs.sum() <= PROBLEM.count_designs()
    assert (seen.feasible <= seen.designs).all()
    assert not seen.complete or seen.designs.sum() == PROBLEM.count_designs()


@pytest.mark.parametrize("looks", [0, 1, 4, 20, 60])
def test_a_frontier(looks: int) -> None:
    values = [10**22, 10**23, 10**24]
    whole = frontier(PROBLEM, values=values)
    part = frontier(PROBLEM, values=values, clock=Countdown(looks))
    solved = {point.limit: point.value for point in whole.solved}
    assert all(solved[point.limit] == point.value for point in part.solved)
    for point in part.points:
        assert point.status in ("optimal", "limit")
        for off in (point.half, point.twice):
            assert off is None or off.status != "limit" or off.design is None
        assert not point.free or point in whole.points
    assert part.complete == (part.points == whole.points)
    curves = isoflops(PROBLEM, [10**23], clock=Countdown(looks))
    assert curves == () or curves[0].best.loss == isoflops(PROBLEM, [10**23])[0].best.loss


@pytest.mark.slow
def test_a_frontier_whose_time_ends_in_any_step_does_not_claim_to_be_complete() -> None:
    values = [10**22, 10**23]
    whole = frontier(PROBLEM, values=values)
    claims = set()
    for looks in range(60):
        part = frontier(PROBLEM, values=values, clock=Countdown(looks))
        claims.add(part.complete)
        assert not part.complete or part.points == whole.points, looks
    assert claims == {False, True}
