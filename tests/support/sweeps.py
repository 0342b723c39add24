"""A small problem, and a grid of settings that is solved quickly."""

from __future__ import annotations

import os
from typing import Any

import pytest

from modelsizer import Problem
from modelsizer.optimizer.sweeps.files import Question
from modelsizer.optimizer.sweeps.grids import SweepGrid, axis_of, grid_of
from tests.support.problem_text import GOOD

GOOD_PROBLEM = Problem.parse(GOOD)
SETTINGS = ("budgets.training_flops=1e19..1e22:log:4", "serving.context_length=2048,65536",
            "budgets.kv_cache=1 GB,300 MB")  # fmt: skip
POSIX = pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")


def grid(problem: Problem, settings: tuple[str, ...]) -> SweepGrid:
    axes = (axis_of(problem, *text.split("=", 1)) for text in settings)
    return grid_of(problem, list(axes))


def question(settings: tuple[str, ...] = SETTINGS, **given: Any) -> Question:
    return Question(GOOD_PROBLEM, grid(GOOD_PROBLEM, settings), **given)
