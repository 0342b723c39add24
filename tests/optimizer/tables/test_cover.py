"""Boxes kept between questions: always the whole space, and never another answer."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from modelsizer import Problem, Result, Solver
from modelsizer.optimizer.search import blocks, pool
from modelsizer.optimizer.tables import cover, store
from modelsizer.optimizer.tables.cover import Cover
from modelsizer.optimizer.tables.grid import Grid
from tests.support.questions import by_kinds, others
from tests.support.random_problems import layout_tables, valid_problem


def check_whole(cover: Cover, grid: Grid) -> None:
    """Each point of the grid lies in one end of the tree, and in one group."""
    top, group = cover.groups(3)
    ends = np.flatnonzero(group >= 0)
    check_boxes(cover, grid, ends)
    check_boxes(cover, grid, top)
    within = top[group[ends]]
    assert (cover.low[within] <= cover.low[ends]).all()
    assert (cover.high[within] >= cover.high[ends]).all()
    assert (np.bincount(group[ends]) <= 3).all()


def check_boxes(cover: Cover, grid: Grid, boxes: NDArray[np.int64]) -> None:
    """Each point of the grid lies in one of some boxes."""
    for index, root in enumerate(grid.roots):
        points = np.zeros(grid.sizes(root), dtype=np.int64)
        for at in boxes[cover.root[boxes] == index]:
            ends = zip(cover.low[at].tolist(), cover.high[at].tolist(), strict=True)
            points[tuple(slice(low, high + 1) for low, high in ends)] += 1
        assert (points == 1).all()


def check_same(mine: Result, truth: Result) -> None:
    assert mine.status == truth.status
    assert mine.objective.value == truth.objective.value
    assert mine.gap == truth.gap
    if truth.design is not None:
        assert mine.best.architecture == truth.best.architecture
        assert mine.best.layout == truth.best.layout
        assert [use.binding for use in mine.budgets] == [use.binding for use in truth.budgets]


def check_questions(problem: Problem, seed: int, details: bool) -> int:
    """Ask several questions of one solver, which are answered as if each were the only one."""
    solver, asked = Solver(problem), others(problem, seed)
    grid = solver.store.grid(problem)
    for each in asked:
        mine, plain = solver.solve(problem=each, details=details), Solver(each, solver="exhaustive")
        check_same(mine, plain.solve(details=details))
        check_whole(solver.store.cover(each), grid)
    return len(asked)


def by_layout(seed: int) -> Problem:
    return valid_problem(seed, layout_tables)


@pytest.fixture
def small_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small spaces are searched by blocks, and reach every limit of what is kept."""
    monkeypatch.setattr(store, "LISTABLE", 0)
    monkeypatch.setattr(pool, "FRONT", 8)
    monkeypatch.setattr(cover, "MOST_BOXES", 300)
    monkeypatch.setattr(blocks, "BOUNDED_AT_ONCE", 16)


MAKE = (valid_problem, by_layout, by_kinds)


@pytest.mark.parametrize("seed", (3600, 3601, 3602))
@pytest.mark.usefixtures("small_limits")
def test_questions_of_one_solver_are_answered_as_alone(seed: int) -> None:
    assert check_questions(MAKE[seed % 3](seed), seed, details=False) > 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3603, 3663))
@pytest.mark.usefixtures("small_limits")
def test_questions_of_one_solver_are_answered_as_alone_at_length(seed: int) -> None:
    assert check_questions(MAKE[seed % 3](seed), seed, details=True) > 1


def one_box(most: int = 9) -> Cover:
    none = np.zeros(1, dtype=np.int64)
    low = np.zeros((1, 1), dtype=np.int16)
    return Cover(np.zeros(1, dtype=np.int32), low, low + most, none, none)


def halved(cover: Cover, box: int, middle: int) -> None:
    at = np.array([box])
    low, high = cover.low[at], cover.high[at]
    ends = np.concatenate([low, low * 0 + middle + 1]), np.concatenate([low * 0 + middle, high])
    cover.split(at, cover.depth[at], np.zeros(2, dtype=np.int32), *ends)


def ends(cover: Cover) -> list[int]:
    return sorted(cover.low[cover.groups()[1] >= 0].ravel().tolist())


def test_searches_of_one_space_at_once_do_not_disturb_each_other() -> None:
    cover = one_box()
    halved(cover, 0, 4)
    first, second = cover.grown(), cover.grown()
    halved(first, 1, 2)
    assert first.known is not second.known  # they number their boxes each for itself
    assert ends(first.grown()) == [0, 3, 5] and ends(second.grown()) == [0, 5]


def test_numbers_of_boxes_that_are_kept_do_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelsizer.optimizer.tables.cover.MOST_BOXES", 40)
    cover, kept = one_box(5000), []
    for at in range(1, 80):
        last = int(np.flatnonzero(cover.low[:, 0] == cover.low.max())[-1])
        halved(cover, last, 50 * at)
        cover = cover.grown()
        kept.append(len(cover))
    assert max(kept) < 43 and min(kept[40:]) < 35
