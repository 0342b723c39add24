"""Marks of mixtures in the picture of parameters against depth: all parameters, and active ones."""

from __future__ import annotations

from functools import cache

import pytest

from modelsizer import Problem, plots
from modelsizer.optimizer.surveys.region import Region, region
from modelsizer.problems.architecture.models import models
from tests.support.figure_checks import BOTH_SIZES, check

SPACE = {
    "block": "qwen3",
    "layers": {"min": 24, "max": 52, "step": 4},
    "d_model": [2048, 3072],
    "head_dim": 128,
    "kv_heads": 4,
    "vocab_size": 151936,
    "experts": {"routed": [64, 128], "active": 8, "granularity": 4},
}
TABLES = {
    "space": SPACE,
    "training": {"sequence_length": 4096},
    "budgets": {"training_flops": 1e24},
}


@cache
def found() -> Region:
    return region(Problem.from_tables(TABLES))


def test_published_mixtures_stand_beside_mixtures_alone() -> None:
    marks = {mark.name: mark for mark in found().landmarks}
    counted = models()["qwen3-30b-a3b"].parameters
    assert marks["qwen3-30b-a3b"].active == counted.active < counted.total
    assert any(mark.active == mark.parameters for mark in found().landmarks)
    without = {name: menu for name, menu in SPACE.items() if name != "experts"}
    dense = region(Problem.from_tables({**TABLES, "space": without}))
    assert dense.landmarks and all(mark.active == mark.parameters for mark in dense.landmarks)


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_a_line_joins_all_parameters_to_the_active_ones(size: str) -> None:
    figure = plots.depth_parameters(found(), title="x", size=size)
    check(figure)
    axes = figure.axes[0]
    lines = {
        (float(x[0]), float(max(y))): float(min(y))
        for line in axes.lines
        if len(x := list(line.get_xdata())) == 2 and x[0] == x[1]  # type: ignore[arg-type]
        for y in [line.get_ydata()]
    }
    best = found().best
    assert best is not None
    own = lines.pop((float(best.architecture.layers), float(best.parameters.total)))
    assert own == best.parameters.active
    known = {(float(m.layers), float(m.parameters)): float(m.active) for m in found().landmarks}
    assert len(lines) >= 2 and lines.items() <= known.items()
    low, high = axes.get_ylim()
    assert all(low < end < high for end in (own, *lines.values()))
    words = " ".join(text.get_text() for text in axes.texts)
    assert "active" in words or "token uses" in words
