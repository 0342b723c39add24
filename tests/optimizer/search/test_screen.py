"""Boxes left out by what no limit changes: never one that the bounds on blocks keep."""

from __future__ import annotations

import math

import numpy as np
import pytest

from modelsizer import Problem, Solver
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.search import blocks
from modelsizer.optimizer.search.block_bounds import BlockBounds, Blocks
from modelsizer.optimizer.search.screen import Screen
from modelsizer.optimizer.tables import known, store
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.optimizer.tables.cover import Cover
from modelsizer.optimizer.tables.grid import Ints
from modelsizer.optimizer.tables.known import Known
from tests.support.questions import by_kinds, others
from tests.support.random_problems import valid_problem


def left_by(bounds: BlockBounds, cover: Cover, value: float) -> Ints | None:
    screen = Screen(bounds, cover, Clock())
    return np.sort(screen.left(cover.ends(), value)) if screen.helps else None


def check_left(bounds: BlockBounds, cover: Cover, value: float) -> int:
    """Boxes that are left are as many with facts kept as with none, and all that may be better."""
    mine = left_by(bounds, cover, value)
    if mine is None:
        return 0
    kept, cover.known = cover.known, Known()
    fresh, cover.known = left_by(bounds, cover, value), kept
    assert fresh is not None and mine.tolist() == fresh.tolist()
    boxes = Blocks.of(cover, cover.ends(), bounds.grid.layers, len(bounds.model.problem.layouts))
    for index in np.unique(boxes.root):
        held = bounds.bound(int(index), boxes.take(boxes.root == index), value)
        assert np.isin(held.box, mine).all()
    return len(boxes) - len(mine)


def check_questions(problem: Problem, seed: int) -> int:
    """Boxes left out of the covers of several questions to one solver."""
    solver, out = Solver(problem), 0
    contexts = {"serving.context_length": 2 * problem.context_length}
    for each in [*others(problem, seed), problem, problem.with_settings(contexts)]:
        value = solver.solve(problem=each, details=False).objective.value
        cover, model = solver.store.cover(each), Model(each, solver.store)
        bounds = BlockBounds(model, solver.store.grid(each))
        for most in (math.inf, math.inf if value is None else model.sign * float(value)):
            out += check_left(bounds, cover, most)
    return out


@pytest.fixture
def few_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "LISTABLE", 0)
    monkeypatch.setattr(known, "MOST_KNOWN", 60)
    for name, few in (("SMALL", 1), ("LAST", 0), ("FEW_BLOCKS", 8)):  # so that more boxes are split
        monkeypatch.setattr(blocks, name, few)


@pytest.mark.parametrize("seed", (3700, 3705, 3706))
@pytest.mark.usefixtures("few_kept")
def test_no_box_that_may_be_better_is_left_out(seed: int) -> None:
    assert check_questions((valid_problem, by_kinds)[seed % 2](seed), seed) > 0


@pytest.mark.slow
@pytest.mark.usefixtures("few_kept")
def test_no_box_that_may_be_better_is_left_out_of_many_problems() -> None:
    out = [check_questions((valid_problem, by_kinds)[s % 2](s), s) for s in range(3710, 3760)]
    assert sum(map(bool, out)) > 15
