"""Pictures of what-if and of a budget's price, read from their data."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from modelsizer.optimizer.solver import Solver
from modelsizer.plots.drawing.style import FAINT, SIZES
from modelsizer.plots.limits.price_curve import price_curve
from modelsizer.plots.limits.tornado import Row, tornado
from modelsizer.problems.problem import Problem
from tests.support.figure_checks import BOTH_SIZES, check

BASE = 1.97
ROWS: list[Row] = [
    ("serving memory", 1.989, 1.9697, "40 GB", "160 GB"),
    ("training FLOPs", 1.9857, 1.959, "5e23", "2e24"),
    ("batch", 1.9697, 2.1433, "1", "256"),
    ("KV cache", 2.0062, BASE, "2 GiB", "64 GiB"),
    ("parameters", None, BASE, "100M", "80B"),
    ("one side", 1.98, 1.99, "a", "b"),
]


@cache
def drawn(size: str = "wide") -> Figure:
    return tornado(ROWS, BASE, size=size, title="x")


def bars(axes: Axes) -> dict[str, set[tuple[float, float]]]:
    """Ends of the bars by the row that they lie in."""
    names = [label.get_text() for label in axes.get_yticklabels()]
    found: dict[str, set[tuple[float, float]]] = {name: set() for name in names}
    for bar in axes.patches:
        x, y = bar.get_x(), bar.get_y() + bar.get_height() / 2  # type: ignore[attr-defined]
        found[names[round(y)]].add((x, x + bar.get_width()))  # type: ignore[attr-defined]
    return found


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_bars_run_from_the_base_to_the_values(size: str) -> None:
    figure = drawn(size)
    check(figure)
    (axes,) = figure.axes
    found = bars(axes)
    for label, low, high, _, _ in ROWS:
        ends = [value for value in (low, high) if value is not None]
        assert len(found[label]) == len(ends)
        assert sorted(e for pair in found[label] for e in pair) == pytest.approx(
            sorted([*ends, *[BASE] * len(ends)])
        )
    left, right = axes.get_xlim()
    assert left < min(v for r in ROWS for v in r[1:3] if v) and right > 2.1433
    for text in axes.texts:  # and every text between the spines
        box = text.get_window_extent()
        inside = axes.get_window_extent()
        assert inside.x0 - 1 <= box.x0 and box.x1 <= inside.x1 + 1


def test_the_widest_swing_is_on_top() -> None:
    (axes,) = drawn().axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names == ["parameters", "batch", "KV cache", "training FLOPs", "one side",
                     "serving memory"]  # fmt: skip
    bottom, top = axes.get_ylim()
    assert bottom > top  # the first row is drawn highest


def test_both_ends_are_labelled_on_their_side() -> None:
    (axes,) = drawn().axes
    placed = {t.get_text(): (t.xy[0], t.get_horizontalalignment()) for t in axes.texts}  # type: ignore[attr-defined]
    assert placed["40 GB"] == (1.989, "left") and placed["160 GB"] == (1.9697, "right")
    assert placed["100M: nothing fits"] == (BASE, "left") and placed["80B"] == (BASE, "right")
    assert placed["64 GiB"] == (BASE, "right") and placed["2 GiB"] == (2.0062, "left")
    assert placed["a"][1] == placed["b"][1] == "left"
    lanes = {t.get_text(): t.xy[1] for t in axes.texts}  # type: ignore[attr-defined]
    assert lanes["a"] < lanes["b"]
    assert "today 1.97" in axes.get_xlabel()


def test_a_tornado_of_nothing_is_refused_and_one_that_moves_nothing_is_drawn() -> None:
    with pytest.raises(ValueError, match="at least one"):
        tornado([], BASE)
    for size in SIZES:
        check(tornado([("x", BASE, BASE, "1", "2")], BASE, size=size))
        check(tornado([("a long label", 3.1e9, None, "1", "2")], 3e9, name="parameters", size=size))


# The price of a budget

PROBLEM = Problem.load("one-h100-1e24")
LIMITS = np.sort(np.append(np.geomspace(20e9, 320e9, 12), 80e9))


@pytest.fixture(scope="module")
def losses() -> list[float]:
    solver = Solver(PROBLEM)
    settings = [{"budgets.serving_memory": float(x)} for x in LIMITS]
    return [solver.solve(over, details=False).best.loss for over in settings]


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_the_curve_holds_the_worse_loss_up_to_the_next_limit(
    losses: list[float], size: str
) -> None:
    figure = price_curve(
        "serving_memory", LIMITS, losses, 80e9, (79.8e9, 80.4e9), size=size, title="x"
    )
    check(figure)
    (axes,) = figure.axes
    (steps,) = [line for line in axes.lines if line.get_drawstyle().startswith("steps")]
    assert steps.get_drawstyle() == "steps-post"
    x, y = np.asarray(steps.get_xdata()), np.asarray(steps.get_ydata())
    assert list(x[:-1]) == list(LIMITS) and list(y[:-1]) == losses
    assert (np.diff(y) <= 0).all()  # more memory is never worse
    (dot,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert dot.get_xdata()[0] == 80e9  # type: ignore[index]
    assert dot.get_ydata()[0] == losses[list(LIMITS).index(80e9)]  # type: ignore[index]
    assert axes.get_xscale() == "log"
    words = {text.get_text() for text in axes.texts}
    assert {
        "today's design stays\nthe best 79.8 GB to 80.4 GB",
        f"today 80 GB\nloss {losses[list(LIMITS).index(80e9)]:.5f}",
    } == words


def spans(axes: Axes) -> list[tuple[float, float]]:
    return [(p.get_x(), p.get_x() + p.get_width()) for p in axes.patches]  # type: ignore[attr-defined]


def test_the_band_ends_where_another_design_is_best() -> None:
    (axes,) = price_curve("parameters", [1e9, 2e9, 3e9], [3, 2, 1], 2e9, (1.9e9, 2.2e9)).axes
    assert spans(axes) == [(pytest.approx(1.9e9), pytest.approx(2.2e9))]
    (band,) = axes.patches
    assert band.get_facecolor()[:3] == pytest.approx(
        [int(FAINT[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    )
    (axes,) = price_curve("parameters", [1e9, 2e9, 3e9], [3, 2, 1], 2e9, (1.9e9, None)).axes
    assert spans(axes)[0] == (pytest.approx(1.9e9), pytest.approx(axes.get_xlim()[1]))
    (axes,) = price_curve("parameters", [1e9, 2e9, 3e9], [3, 2, 1], 2e9, (None, None)).axes
    assert "the best at any limit" in axes.texts[0].get_text()


@pytest.mark.parametrize("size", BOTH_SIZES)
@pytest.mark.parametrize("today", [8e9, 20e9, 80e9])
def test_limits_at_which_nothing_fits_are_hatched(size: str, today: float) -> None:
    limits = [8e9, 12e9, 14e9, 20e9, 40e9, 80e9]
    found = [math.nan, math.inf, 2.1, 2.05, 2.0, 1.97]
    figure = price_curve("serving_memory", limits, found, today, (today, None), size=size)
    check(figure)
    (axes,) = figure.axes
    (hatched,) = [p for p in axes.patches if p.get_hatch()]
    assert hatched.get_x() + hatched.get_width() == pytest.approx(14e9)  # type: ignore[attr-defined]
    dots = [line for line in axes.lines if line.get_marker() == "o"]
    assert len(dots) == (today > 14e9)  # none where nothing fits today


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_of_a_least_amount_the_larger_limit_is_the_tighter(size: str) -> None:
    limits, found = [800, 100, 400, 200, 600], [2.1, 1.9, 1.95, 1.91, 2.0]
    figure = price_curve("decode_throughput", limits, found, 400, (380, 450), size=size)
    check(figure)
    (steps,) = [l for l in figure.axes[0].lines if l.get_drawstyle().startswith("steps")]  # noqa: E741
    assert steps.get_drawstyle() == "steps-pre"
    assert list(np.asarray(steps.get_xdata())[1:]) == sorted(limits)


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(ValueError, match="no design fits"):
        price_curve("parameters", [1e9], [math.nan], 1e9)
    with pytest.raises(ValueError, match="2 limits, but 1"):
        price_curve("parameters", [1e9, 2e9], [2.0], 1e9)
