"""A plan of small runs in parameters and tokens, with their FLOPs and the target."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.axes import heading, quantity_axis, tick
from modelsizer.plots.drawing.labels import DOT, INKED, Labels
from modelsizer.plots.drawing.marks import star
from modelsizer.plots.drawing.one_axes import legend_below, one_axes
from modelsizer.plots.drawing.style import FAINT, FILLS, INK, QUIET, small
from modelsizer.problems.architecture.accounting import SIX_ND
from modelsizer.problems.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.optimizer.planning.candidates import Runs
    from modelsizer.optimizer.planning.plan import Plan
    from modelsizer.optimizer.tables.table import Floats

_LEAST_AREA, _MOST_AREA = 10.0, 120.0  # square points; a run's area is proportional to its FLOPs
_IN_COLUMN = 0.6  # factor on these in a one-column figure
_DOT = 1.6  # area of a candidate, square points
_DOTS = "#c4c4c4"
_GRID_AREA = 18.0
_PAD = 0.07  # margin, as a fraction of an axis' decades
_ROOM = 0.09  # fraction of the height below the runs, for labels of lines of equal FLOPs
_BESIDE = 0.07  # fraction of the width right of the target, for the same
_NAMED_AT = (0.96, 0.93, 0.9, 0.86, 0.8, 0.7)  # fractions along a line, for its label
_SIDES = ((-1, 0), (-1, 1), (-1, -1), (0, -1), (0, 1))  # candidate sides of the target's label
_LEAST_STEP = {False: 1, True: 2}  # decades between lines of equal FLOPs, by `small`


def run_plan(found: Plan, *, title: str = "", size: str = "wide", ax: Axes | None = None) -> Figure:
    """Draw tokens against parameters of the runs of a plan.

    The area of a run is proportional to its FLOPs. Lines have equal 6ND, small dots are the
    candidates, hollow squares the runs of the best isoFLOP grid, and the star is the target.

    Parameters
    ----------
    found : Plan
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.
    """
    with one_axes(ax, size) as (figure, axes):
        scale = _IN_COLUMN if small(axes) else 1.0
        target = found.target
        _limits(axes, found)
        quantity_axis(axes, "x", "parameters", log=True)
        quantity_axis(axes, "y", "tokens", log=True)
        some, runs = found.candidates, found.runs
        axes.scatter(
            some.n, some.tokens, s=_DOT * scale, color=_DOTS, linewidth=0, zorder=2,
            label=f"{len(some)} candidates",
        )  # fmt: skip
        if found.grid is not None:
            grid = found.grid.runs
            axes.scatter(
                grid.n, grid.tokens, s=_GRID_AREA * scale, marker="s", facecolor="none",
                edgecolor=QUIET, linewidth=0.7, zorder=3, label="best isoFLOP grid",
            )  # fmt: skip
        axes.scatter(
            runs.n, runs.tokens, s=areas(runs) * scale, facecolor=FILLS[0], alpha=0.75,
            edgecolor=INK, linewidth=0.4, zorder=4, label="plan, area by FLOPs",
        )  # fmt: skip
        star(axes, target.n, target.tokens, size=13 * math.sqrt(scale))
        heading(axes, title)
        lines = _flops_lines(axes, _LEAST_STEP[small(axes)])
        legend_below(
            axes, place="center", ncols=2 if small(axes) else 4, fontsize="x-small",
            columnspacing=1.2, handletextpad=0.4, handlelength=1.4,
        )  # fmt: skip
        _labels(axes, found, lines)
    return figure


def areas(runs: Runs) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """Return the areas of runs' marks, in square points; shape (runs,)."""
    share = runs.flops / runs.flops.max()
    return np.asarray(_LEAST_AREA + (_MOST_AREA - _LEAST_AREA) * share)


def _limits(axes: Axes, found: Plan) -> None:
    grid = [found.grid.runs] if found.grid is not None else []
    drawn = [found.candidates, found.runs, *grid]
    ends = []
    for values, at in (
        ([one.n for one in drawn], found.target.n),
        ([one.tokens for one in drawn], found.target.tokens),
    ):
        every = np.log(np.concatenate([*values, [at]]))
        low, high = float(every.min()), float(every.max())
        pad = _PAD * (high - low)
        ends.append((low - pad, high + pad))
    (left, right), (bottom, top) = ends
    axes.set_xlim(math.exp(left), math.exp(right + _BESIDE * (right - left)))
    axes.set_ylim(math.exp(bottom - _ROOM * (top - bottom)), math.exp(top))
    axes.set_xscale("log")
    axes.set_yscale("log")


def _flops_lines(axes: Axes, step: int) -> list[tuple[float, Floats]]:
    """Draw lines of equal 6ND; return the FLOPs and the two ends, shape (2, 2), of each."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    low = math.ceil(math.log10(SIX_ND * left * bottom))
    high = math.floor(math.log10(SIX_ND * right * top))
    found = []
    for power in range(high - (high - low) // step * step, high + 1, step):
        product = 10.0**power / SIX_ND
        x = np.array([max(left, product / top), min(right, product / bottom)])
        name = "_" if power < high else "equal FLOPs (6ND)"
        axes.plot(x, product / x, color=FAINT, linewidth=0.6, zorder=1, label=name)
        found.append((10.0**power, np.column_stack([x, product / x])))
    return found


def _labels(axes: Axes, found: Plan, lines: list[tuple[float, Floats]]) -> None:
    """Label the target, and each line of equal FLOPs near where it leaves the axes."""
    labels, target = Labels(axes), found.target
    for runs in (found.runs, *([] if found.grid is None else [found.grid.runs])):
        labels.avoid_points(np.column_stack([runs.n, runs.tokens]), size=5.0, weight=INKED)
    some = found.candidates
    labels.avoid_points(np.column_stack([some.n, some.tokens]), weight=DOT)
    at = (float(target.n), float(target.tokens))
    labels.avoid_points([at], size=10.0)
    n = format_quantity(target.n, "parameters", 3)
    tokens = format_quantity(target.tokens, "tokens", 3)
    labels.beside(f"target: {n}\non {tokens} tokens", [at], _SIDES, (9.0, 14.0, 22.0), backed=True)
    for flops, ends in lines:
        words = tick(flops, "training_flops")
        labels.along(words, ends, _NAMED_AT, turned=False, color=QUIET, zorder=1.5)
