"""Grids of proven answers: each point is what a solve of its own finds."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable
from functools import cache
from typing import Any

import pytest

from modelsizer import Problem, ProblemError, solve
from modelsizer.live.grid import At, Grid, grid
from modelsizer.live.main_limits import main_limits
from modelsizer.live.shown_text import shown
from modelsizer.live.sliders import sliders_data, view_at
from modelsizer.optimizer.tables.clock import Clock, OutOfTimeError
from modelsizer.problems.units import Number
from tests.support.machine_menus import drawn, with_values
from tests.support.packed_rows import unpacked
from tests.support.random_problems import valid_problem
from tests.support.shared import ROOT

FEW = 1.0
"""CPU seconds, by their estimate, of grids that are made in passing."""
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
    found = grid(solve(Problem.load(name).with_settings(dict(settings))), Clock(), FEW)
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
    assert check(found, some(found, 8, 1)) == 8
    assert 0 < sum(point.parent is None for point in found.points.values()) < found.size


def test_an_infeasible_problem_shows_where_it_becomes_feasible() -> None:
    found = made("phone-2gb", ("budgets.serving_memory", "100 MB"))
    memory = found.axes[0]
    assert memory.key == "budgets.serving_memory" and memory.stops[memory.at].text == "100 MB"
    assert found.points[found.own].design is None and check(found, some(found, 8, 3)) == 8
    told = found.becomes(found.own)
    first = next(s for i, s in enumerate(memory.stops) if found.points[i, *found.own[1:]].design)
    assert told[0] == f"feasible with serving_memory at least {first.text}"
    assert first.number is not None and 149172736 < first.number < 170e6  # explain: 149,172,736 B
    assert str(found.result(found.own).warnings[0]) == told[0]


def test_limits_together_infeasible_become_feasible_together() -> None:
    tight = {"budgets.serving_memory": "1 GB", "budgets.kv_cache": "10 MB"}
    found = made("one-h100-1e24", *tight.items())
    assert {axis.key for axis in found.axes[:2]} == {*tight}
    assert found.becomes(found.own) == ["none of the sliders alone makes it feasible"]
    solved = sum(point.design is not None for point in found.points.values())
    assert 0 < solved < found.size and check(found, some(found, 6, 4)) == 6


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("one-h100-1e24", {"serving_memory", "training_flops", "kv_cache"}),
        ("exercise-1e24", {"training_flops"}),
        ("served-10t-tokens", {"loss"}),
    ],
)
def test_limits_that_move_the_answer_are_main_and_others_are_not(name: str, keys: set[str]) -> None:
    found = main_limits(solve(Problem.load(name)), Clock())
    assert {each.constraint.name for each in found} == keys


def test_stops_are_round_and_hold_the_files_own_value() -> None:
    for axis in made("one-h100-1e24").axes:
        numbers = [float(stop.number or 0) for stop in axis.stops]
        assert numbers == sorted(set(numbers)) and axis.limit(axis.at) == axis.constraint.limit
        others = [n for i, n in enumerate(numbers) if i != axis.at]
        assert all(float(f"{n:.2g}") == n for n in others)


def test_nothing_to_move_and_nothing_proven() -> None:
    """A fixed number of tokens alone, and a time limit that is over."""
    one = "[space]\nlayers = 4\nd_model = 512\nhead_dim = 64\nvocab_size = 32000\n"
    alone = solve(Problem.parse(f"{one}[budgets]\nparameters = 1e12\n[training]\ntokens = 1e9"))
    assert [axis.key for axis in grid(alone, Clock()).axes] == ["training.tokens"]  # type: ignore[union-attr]
    fixed = solve(
        Problem.parse(f"{one}[budgets]\nparameters = 1e12\n[objective]\nminimize = 'parameters'")
    )
    assert grid(fixed, Clock()) is None
    late = grid(solve(Problem.load("phone-2gb")), Clock.of(0))
    assert late is not None and not late.complete and late.stop == "time" and not late.points


def test_the_size_of_a_grid_follows_from_the_work() -> None:
    result = solve(Problem.load("phone-2gb"))
    less = grid(result, Clock(), FEW / 2)
    assert less is not None and less.complete and 10 < less.size < made("phone-2gb").size
    none = grid(result, Clock(), 0.01)
    assert none is not None and not none.axes and none.complete


def test_a_time_limit_leaves_out_what_is_not_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, clock, count = made("phone-2gb"), Clock(), 0

    def check_fifty(self: Clock, wanted: int = 0) -> None:
        nonlocal count
        count += 1
        if count > 50:
            raise OutOfTimeError

    result = solve(Problem.load("phone-2gb"))
    monkeypatch.setattr(Clock, "check", check_fifty)
    some = grid(result, clock, FEW)
    assert some is not None and some.stop == "time" and 0 < len(some.points) < some.size
    for at, point in some.points.items():
        assert point == whole.points[at]


def test_data_are_the_same_each_time_and_every_point_has_its_view() -> None:
    problem = Problem.parse(f'name = "\\u202eevil"\n{SMALL}')
    first, again = (grid(solve(problem), Clock(), FEW) for _ in range(2))
    assert first is not None and again is not None
    data = sliders_data(first, " ".join)
    assert json.dumps(data) == json.dumps(sliders_data(again, " ".join))
    views = unpacked(data["views"])
    assert len(views) == first.size == len({json.dumps(view["settings"]) for view in views})
    for at, view in zip(first.everywhere(), views, strict=True):
        fresh = solve(problem.with_settings(view["settings"])) if sum(at) % 5 == 0 else None
        if fresh is not None:
            loss = None if view["loss"] is None else view["loss"]["value"]
            assert loss == (None if fresh.design is None else fresh.design.loss)
            assert [row["binding"] for row in view["limits"]] == [u.binding for u in fresh.budgets]
        assert view == json.loads(json.dumps(shown(view_at(first, at, " ".join).to_dict())))
        assert view["name"] == "\\u202eevil" == data["name"]


@pytest.mark.slow
@pytest.mark.parametrize("name", LIBRARY)
def test_points_of_every_library_problem_are_what_a_solve_finds(name: str) -> None:
    found = grid(solve(Problem.load(name)), Clock())
    assert found is not None and found.complete
    assert check(found, some(found, 20, 2)) >= 10


@pytest.mark.slow
def test_every_point_of_a_small_problem_is_what_enumeration_finds() -> None:
    found = grid(solve(Problem.parse(SMALL.replace("1 GB", "200 MB"))), Clock(), 3.0)
    assert found is not None
    assert check(found, found.everywhere(), "exhaustive") == found.size > 100


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(60))
def test_points_of_random_problems_are_what_a_solve_finds(seed: int) -> None:
    problem = valid_problem(seed)
    result = solve(problem)
    found = grid(result, Clock())
    if found is None or not found.axes:
        pytest.skip("no limit moves the answer")
    assert check(found, some(found, 12, seed), "exhaustive")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(24))  # 22: a limit as a model, which differs by machine
def test_points_of_problems_with_machines_to_choose_are_what_a_solve_finds(seed: int) -> None:
    try:
        problem = Problem.from_tables(with_values(*drawn(seed)))
    except ProblemError:
        pytest.skip("these machines make no sense together")
    found = grid(solve(problem), Clock())
    if found is None or not found.axes:
        pytest.skip("no limit moves the answer")
    assert check(found, some(found, 8, seed))
