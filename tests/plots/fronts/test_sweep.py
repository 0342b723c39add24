"""The picture of a sweep: a line for each value of the other keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelsizer import Problem, plots, sweep
from modelsizer.plots.drawing.lines import MOST_LINES
from tests.support.figure_checks import check

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from modelsizer.optimizer.sweeps.sweep import SweepResult

MEMORY, BITS, BATCH = "budgets.serving_memory", "serving.weight_bytes", "serving.batch_size"


@pytest.fixture(scope="module")
def found() -> SweepResult:
    grid = {BITS: [2, 1], MEMORY: [4e9, 1e9, 5e7, 16e9]}
    return sweep(Problem.load("phone-2gb"), grid, jobs=1)


def drawn(figure: Figure) -> list[tuple[list[float], list[float]]]:
    """The lines themselves, without marks and leaders."""
    axes = figure.axes[0]
    return [
        (np.asarray(line.get_xdata()).tolist(), np.asarray(line.get_ydata()).tolist())
        for line in axes.lines
        if line.get_transform() == axes.transData and line.get_linestyle() != "None"
    ]


@pytest.mark.parametrize("size", ["wide", "column"])
def test_each_line_is_the_optimum_of_each_value(found: SweepResult, size: str) -> None:
    figure = plots.sweep(found, title="x", size=size)
    check(figure)
    lines = drawn(figure)
    assert len(lines) == 2
    for (x, y), weight in zip(lines, (2, 1), strict=True):
        rows = [r for r in found.rows if r[BITS] == weight and r["objective"] is not None]
        assert x == sorted(r[MEMORY] for r in rows) and len(x) == 3  # 50 MB hold no design
        assert y == [r["objective"] for r in sorted(rows, key=lambda r: r[MEMORY])]
    axes = figure.axes[0]
    assert {text.get_text() for text in axes.texts} == {"2", "1"}
    assert axes.get_xscale() == "log" and axes.get_xlabel() == "serving memory per accelerator"


def test_what_is_not_proven_is_hollow(found: SweepResult) -> None:
    rows: list[dict[str, Any]] = [dict(row) for row in found.rows]
    rows[0]["status"] = "limit"
    figure = plots.sweep(replace(found, rows=tuple(rows)))
    hollow = [
        (float(x), float(y))
        for line in figure.axes[0].lines
        if line.get_markerfacecolor() == "white"
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)  # type: ignore[arg-type]
    ]
    assert hollow == [(rows[0][MEMORY], rows[0]["objective"])]
    assert "hollow: not proven" in {text.get_text() for text in figure.axes[0].texts}


def test_one_key_is_one_line_without_a_name(found: SweepResult) -> None:
    problem = found.problem
    figure = plots.sweep(sweep(problem, {BATCH: [1, 2]}, jobs=1))
    assert len(drawn(figure)) == 1 and not figure.axes[0].texts
    assert figure.axes[0].get_xscale() == "linear"


def test_what_cannot_be_drawn_is_told(found: SweepResult) -> None:
    problem = found.problem
    with pytest.raises(ValueError, match="several numbers"):
        plots.sweep(sweep(problem, {"serving.kv_policy": ["full", "windowed"]}, jobs=1))
    with pytest.raises(ValueError, match="no point of the sweep has a design"):
        plots.sweep(sweep(problem, {MEMORY: [1e6, 2e6]}, jobs=1))
    rows = tuple(found.rows[0] | {BATCH: batch} for batch in range(MOST_LINES + 1))
    axes = (*found.grid.axes[1:], replace(found.grid.axes[0], key=BATCH))
    many = replace(found, rows=rows, grid=replace(found.grid, axes=axes[::-1]))
    with pytest.raises(ValueError, match="cannot be told apart"):
        plots.sweep(many)
