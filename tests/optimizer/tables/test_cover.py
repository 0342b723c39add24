"""Boxes kept between questions: always the whole space, and never another answer."""

from __future__ import annotations

import random

import numpy as np
import pytest

from modelsizer import Problem, ProblemError, Result, Solver
from modelsizer.optimizer.search import blocks, pool
from modelsizer.optimizer.tables import store
from modelsizer.optimizer.tables.cover import Cover
from modelsizer.optimizer.tables.grid import Grid
from tests.support.layers_oracle import drawing
from tests.support.random_problems import layout_tables, valid_problem

LAWS = ("hoffmann-2022", "besiroglu-2024", "kaplan-2020", "sardana-2024", "muennighoff-2023")


def check_whole(cover: Cover, grid: Grid) -> None:
    """Each point of the grid lies in one box."""
    for index, root in enumerate(grid.roots):
        points = np.zeros(grid.sizes(root), dtype=np.int64)
        for at in np.flatnonzero(cover.root == index):
            ends = zip(cover.low[at].tolist(), cover.high[at].tolist(), strict=True)
            points[tuple(slice(low, high + 1) for low, high in ends)] += 1
        assert (points == 1).all()


def others(problem: Problem, seed: int) -> list[Problem]:
    """The problem with other limits, laws and goals."""
    r, found = random.Random(seed), [problem]
    budgets = problem.to_dict()["budgets"]
    for _ in range(5):
        settings: dict[str, object] = {"objective.law": r.choice(LAWS)} if r.random() < 0.5 else {}
        settings |= {
            f"budgets.{name}": limit * r.uniform(0.6, 1.6)
            for name, limit in budgets.items()
            if isinstance(limit, int | float) and r.random() < 0.7
        }
        try:
            found.append(problem.with_settings(settings))
        except ProblemError:
            continue
    return found


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


def by_kinds(seed: int) -> Problem:
    return Problem.from_tables(drawing.tables(seed))


def by_layout(seed: int) -> Problem:
    return valid_problem(seed, layout_tables)


MAKE = (valid_problem, by_layout, by_kinds)


@pytest.mark.parametrize("seed", (3600, 3601, 3602))
def test_questions_of_one_solver_are_answered_as_alone(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LISTABLE", 0)
    monkeypatch.setattr(pool, "FRONT", 8)
    monkeypatch.setattr(blocks, "BOUNDED_AT_ONCE", 16)
    assert check_questions(MAKE[seed % 3](seed), seed, details=False) > 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3603, 3663))
def test_questions_of_one_solver_are_answered_as_alone_at_length(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LISTABLE", 0)
    monkeypatch.setattr(pool, "FRONT", 8)
    monkeypatch.setattr(blocks, "BOUNDED_AT_ONCE", 16)
    assert check_questions(MAKE[seed % 3](seed), seed, details=True) > 1


def boxes(many: int) -> Cover:
    ends = np.arange(many, dtype=np.int16)[:, None]
    return Cover(np.zeros(many, dtype=np.int32), ends, ends)


def test_searches_of_one_space_at_once_do_not_disturb_each_other() -> None:
    cover = boxes(2)
    first, second = cover.leaves(), cover.leaves()
    assert first is not None and second is not None and first is not second
    one = np.zeros(1, dtype=np.int32)
    first.split(np.array([1]), one, cover.low[:1], cover.high[:1])
    left = second.leaves()
    assert left is not None and left.low.ravel().tolist() == [0, 1]


def test_numbers_of_boxes_that_are_kept_do_not_grow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelsizer.optimizer.tables.cover.FEW_BOXES", 4)
    cover, kept = boxes(1), []
    for _ in range(20):
        half = np.zeros((2, 1), dtype=np.int16)
        cover.split(np.array([0]), np.zeros(2, dtype=np.int32), half, half)
        cover = cover.leaves() or boxes(1)
        kept.append(len(cover))
    assert max(kept) == 6 and kept.count(1) > 2
