"""Grids of proven answers: each point is what a solve of its own finds."""

from __future__ import annotations

import random
from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest

from modelsizer import Problem, solve
from modelsizer.live.grid import SECONDS, At, Grid, grid
from modelsizer.live.main_limits import MOST, main_limits
from modelsizer.live.sliders import sliders_data, view_at
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.problems.units import Number
from tests.support.machine_menus import drawn, with_values
from tests.support.packed_rows import unpacked
from tests.support.random_problems import valid_problem
from tests.support.shared import ROOT

LIBRARY = sorted(path.stem for path in (ROOT / "problems/library").glob("*.toml"))
SMALL = """
[space]
layers = {min = 4, max = 12}
d_model = {min = 512, max = 1024}
head_dim = 64
vocab_size = 32000

[training]
tokens = {max = "100B tokens"}

[budgets]
training_flops = 1e20
serving_memory = "1 GB"
"""


@cache
def made(name: str, *settings: tuple[str, Any]) -> Grid:
    found = grid(solve(Problem.load(name).with_settings(dict(settings))), Clock())
    assert found is not None
    return found


def some(found: Grid, count: int, seed: int) -> list[At]:
    """Points of a grid: corners, its own and others, each kind of proof and status among them."""
    rng, every = random.Random(seed), list(found.everywhere())
    kinds: dict[tuple[bool, bool], list[At]] = {}
    for at in rng.sample(every, len(every)):
        point = found.points[at]
        kinds.setdefault((point.parent is None, point.design is None), []).append(at)
    chosen = [found.own, every[0], every[-1]]
    while len(chosen) < min(count, len(every)) and any(kinds.values()):
        chosen += [points.pop() for points in kinds.values() if points]
    return list(dict.fromkeys(chosen))[:count]


def ends(problem: Problem) -> dict[str, tuple[Number | None, Number | None]]:
    given = {**problem.limits, "training.tokens": problem.training.tokens}
    return {name: (limit.min, limit.max) for name, limit in given.items() if limit is not None}


def check(found: Grid, points: Iterable[At], solver: str = "auto") -> int:
    """Compare points with solves of their own, by what the file would say."""
    count = 0
    for at in points:
        problem = found.problem.with_settings(found.settings(at))
        fresh, mine = solve(problem, solver=solver), found.result(at)
        where = (at, found.settings(at))
        assert mine.status == fresh.status, where
        assert mine.objective == fresh.objective, where  # to the last digit
        assert ends(mine.problem) == ends(problem), where
        if fresh.design is not None:
            assert mine.design == fresh.design, where
            assert mine.budgets == fresh.budgets, where
        count += 1
    return count


@pytest.mark.parametrize("name", ["one-h100-1e24", "phone-2gb"])
def test_points_are_what_a_solve_finds(name: str) -> None:
    found = made(name)
    assert found.complete and len(found.points) == found.size
    assert check(found, some(found, 12, 1)) == 12
    assert 0 < sum(point.parent is None for point in found.points.values()) < found.size / 1.5


@pytest.mark.slow
@pytest.mark.parametrize("name", LIBRARY)
def test_points_of_every_library_problem_are_what_a_solve_finds(name: str) -> None:
    found = made(name)
    assert check(found, some(found, 20, 2)) >= 10


@pytest.mark.slow
def test_every_point_of_a_small_problem_is_what_enumeration_finds() -> None:
    found = grid(solve(Problem.parse(SMALL)), Clock())
    assert found is not None
    assert check(found, found.everywhere(), "exhaustive") == found.size > 100


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_points_of_random_problems_are_what_a_solve_finds(seed: int) -> None:
    problem = valid_problem(seed)
    result = solve(problem)
    if (found := grid(result, Clock())) is not None and found.axes:
        check(found, some(found, 12, seed), "exhaustive")
