"""The picture of a sweep: a line for each value of the other keys."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from modelsizer import Problem, plots, sweep
from modelsizer.optimizer.sweeps.grids import Axis, SweepGrid
from modelsizer.plots.drawing.lines import MOST_LINES
from tests.support.figure_checks import check

if TYPE_CHECKING:
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
    assert {text.get_text() for text in axes.texts} == {"2", "1", "weight bytes"}
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


def made_up(found: SweepResult, grid: dict[str, list[Any]]) -> SweepResult:
    """Rows of a grid without solving it: each has an objective of its own."""
    axes = tuple(Axis(key, tuple(values)) for key, values in grid.items())
    rows = [
        dict(zip(grid, values, strict=True)) | {"status": "optimal", "objective": 2.0 + at / 1000}
        for at, values in enumerate(product(*grid.values()))
    ]
    return replace(found, rows=tuple(rows), grid=SweepGrid(axes))


@pytest.mark.parametrize("size", ["wide", "column"])
def test_many_lines_are_in_panels(found: SweepResult, size: str) -> None:
    batches = [1, 2, 4, 8, 16]
    grid = {"serving.kv_policy": ["full", "windowed", "x"], BATCH: batches, MEMORY: [1e9, 2e9, 4e9]}
    many = made_up(found, grid)
    figure = plots.sweep(many, title="x", size=size)
    check(figure)
    panels = [axes for axes in figure.axes if axes.lines]
    assert [axes.get_title(loc="left") for axes in panels] == [
        "kv policy: full", "kv policy: windowed", "kv policy: x",
    ]  # fmt: skip
    for policy, axes in zip(grid["serving.kv_policy"], panels, strict=True):
        drawn_there = [line for line in axes.lines if line.get_linestyle() != "None"]
        assert len(drawn_there) == len(batches)
        for batch, line in zip(batches, drawn_there, strict=True):
            rows = [r for r in many.rows if (r["serving.kv_policy"], r[BATCH]) == (policy, batch)]
            assert list(line.get_ydata()) == [r["objective"] for r in rows]  # type: ignore[arg-type]
    legend = figure.legends[0]
    assert [text.get_text() for text in legend.get_texts()] == [str(batch) for batch in batches]
    with pytest.raises(ValueError, match="takes no ax"):
        plots.sweep(many, ax=Figure().add_subplot())


def test_lines_of_many_numbers_are_shades(found: SweepResult) -> None:
    many = made_up(found, {BATCH: list(range(1, 31)), MEMORY: [1e9, 2e9, 4e9]})
    figure = plots.sweep(many)
    check(figure)
    axes, bar = figure.axes
    assert len(drawn(figure)) == 30 and bar.get_ylabel() == "batch size"
    light = [
        sum(to_rgb(line.get_color()))  # type: ignore[arg-type]
        for line in axes.lines
        if line.get_linestyle() != "None"
    ]
    assert light == sorted(light)  # also in print without colour


@pytest.mark.parametrize("size", ["wide", "column"])
def test_keys_of_no_number_are_rows(found: SweepResult, size: str) -> None:
    grid = {"serving.kv_policy": ["full", "windowed"], "training.precision": ["bf16", "fp8"]}
    many = made_up(found, grid)
    rows = [dict(row) for row in many.rows]
    rows[3] |= {"status": "infeasible", "objective": None}
    figure = plots.sweep(replace(many, rows=tuple(rows)), title="x", size=size)
    check(figure)
    axes = figure.axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == grid["serving.kv_policy"]
    marks = {
        (float(x), float(y), line.get_marker())
        for line in axes.lines
        if line.get_marker() != "None"
        for x, y in zip(line.get_xdata(), line.get_ydata(), strict=True)  # type: ignore[arg-type]
    }
    assert marks == {(2.0, 0.0, "o"), (2.001, 0.0, "s"), (2.002, 1.0, "o")}


def test_what_cannot_be_drawn_is_told(found: SweepResult) -> None:
    problem = found.problem
    with pytest.raises(ValueError, match="several values"):
        plots.sweep(sweep(problem, {"serving.kv_policy": ["full"]}, jobs=1))
    with pytest.raises(ValueError, match="no point of the sweep has a design"):
        plots.sweep(sweep(problem, {MEMORY: [1e6, 2e6]}, jobs=1))
    names = [f"name {at}" for at in range(MOST_LINES + 1)]
    with pytest.raises(ValueError, match="cannot be told apart"):
        plots.sweep(made_up(found, {"serving.kv_policy": names, MEMORY: [1e9, 2e9]}))
    grid = {"serving.kv_policy": names, "training.precision": ["bf16", "fp8"], MEMORY: [1e9, 2e9]}
    with pytest.raises(ValueError, match=r"57 panels, one for each value of serving\.kv_policy"):
        plots.sweep(made_up(found, grid))
    with pytest.raises(ValueError, match="57 rows are too many"):
        plots.sweep(made_up(found, {"serving.kv_policy": names}))
