"""A fitted law: against its runs, its residuals, its isoFLOP slices, and pairs of coefficients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from modelsizer.plots.drawing.axes import quantity_axis, tick
from modelsizer.plots.drawing.labels import halo, label_points
from modelsizer.plots.drawing.style import COLOURS, FAINT, FILLS, INK, QUIET, STAR, canvas, small
from modelsizer.plots.laws.coefficient_pairs import draw_pair, pairs_figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from modelsizer.optimizer.fitting.approaches import Slice
    from modelsizer.optimizer.fitting.study import Study

PANELS = ("fit", "residuals", "isoflop", "pairs")
"""The panels by name, as `--figure` takes them."""
_TITLES = {"fit": "Predicted against seen", "residuals": "Residuals", "isoflop": "IsoFLOP slices",
           "pairs": "Bootstrap"}  # fmt: skip
_TALL, _STACKED = 1.5, 3.25  # heights: two rows, four rows; of one
_DOT = 9.0  # area of a run, in square points
_SLICES = 6  # drawn at most
_DARKEST, _LIGHTEST = 0.05, 0.8  # of the colours, from the least budget to the largest
_NAMED = 5  # outliers
_ROOM_FOR_BUDGETS = 0.3  # of the axis, right of the largest size
_INSIDE = 0.9  # of the runs, in the grey band


def fit_figure(study: Study, which: str = "all", *, size: str = "wide") -> Figure:
    """Draw a fitted law.

    Parameters
    ----------
    study : Study
    which : str
        ``"all"`` for four panels, or one of `PANELS`.
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.

    Raises
    ------
    ValueError
        If what is asked for was not computed, or there is no such panel.
    """
    if which == "all":
        return _four(study, size)
    if which not in PANELS:
        raise ValueError(f"{which!r} is not one of all, {', '.join(PANELS)}")
    if which == "pairs":
        return pairs_figure(study, size)
    if which == "isoflop" and not _slices(study):
        raise ValueError("no budget of FLOPs has runs of five sizes around its best")
    with canvas(size) as figure:
        _DRAWN[which](figure.add_subplot(), study)
    return figure


def _four(study: Study, size: str) -> Figure:
    with canvas(size, height=_TALL if size == "wide" else _STACKED) as figure:
        rows, columns = (4, 1) if small(figure) else (2, 2)
        grid = np.atleast_1d(figure.subplots(rows, columns)).ravel()
        sliced = bool(_slices(study)) or study.bootstrap is None
        for axes, which in zip(grid, PANELS, strict=True):
            if which == "isoflop" and not sliced:
                draw_pair(axes, study, second=True)
                axes.set_title(_title("pairs", study))
                continue
            _DRAWN[which](axes, study)
            axes.set_title(_title(which, study))
    return figure


def _title(which: str, study: Study) -> str:
    drawn = study.bootstrap
    if which != "pairs" or drawn is None:
        return _TITLES[which]
    return f"{len(drawn.draws)} bootstrap fits, 90 % ellipse"


def _losses(axes: Axes, side: str) -> None:
    """Ticks of losses, all with as many decimals."""
    from matplotlib.ticker import MaxNLocator, ScalarFormatter

    axis = axes.xaxis if side == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(ScalarFormatter(useOffset=False))


# Fit and residuals


def _fit(axes: Axes, study: Study) -> None:
    """Predicted against seen, and the line of no error."""
    seen = study.runs.loss
    predicted = seen * np.exp(study.fit.residuals)
    axes.scatter(seen, predicted, s=_DOT, facecolor="none", edgecolor=FILLS[0], linewidth=0.6,
                 zorder=3)  # fmt: skip
    ends = [min(seen.min(), predicted.min()), max(seen.max(), predicted.max())]
    pad = 0.04 * (ends[1] - ends[0])
    ends = [ends[0] - pad, ends[1] + pad]
    axes.plot(ends, ends, color=INK, linewidth=0.8, zorder=2)
    axes.set_xlim(*ends)
    axes.set_ylim(*ends)
    for side in ("x", "y"):
        _losses(axes, side)
    axes.set_xlabel("loss seen (nats a token)")
    axes.set_ylabel("loss predicted")
    axes.text(0.03, 0.97, f"{len(seen)} runs\n$R^2$ = {study.r_squared:.4f}",
              transform=axes.transAxes, va="top", fontsize="small")  # fmt: skip


def _residuals(axes: Axes, study: Study) -> None:
    """Residuals in per cent of the loss, against training FLOPs."""
    flops, residuals = study.runs.columns["C"], 100 * np.expm1(study.fit.residuals)
    strange = {name for name, _ in study.outliers}
    far = np.array([name in strange for name in study.runs.labels])
    axes.axhline(0.0, color=INK, linewidth=0.8, zorder=2)
    usual = float(np.quantile(np.abs(residuals), _INSIDE))
    axes.axhspan(-usual, usual, color=FAINT, alpha=0.5, linewidth=0, zorder=0)
    axes.scatter(flops[~far], residuals[~far], s=_DOT, facecolor="none", edgecolor=FILLS[0],
                 linewidth=0.6, zorder=3)  # fmt: skip
    axes.scatter(flops[far], residuals[far], s=1.6 * _DOT, color=STAR, marker="D", linewidth=0,
                 zorder=4)  # fmt: skip
    low, high = min(float(residuals.min()), -usual), max(float(residuals.max()), usual)
    axes.set_ylim(low - 0.14 * (high - low), high + 0.22 * (high - low))
    axes.set_xscale("log")
    quantity_axis(axes, "x", "training_flops", log=True)
    axes.set_ylabel("predicted over seen (%)")
    marked = "\u25c6 outlier; " if far.any() else ""
    words = axes.text(0.03, 0.97, f"{marked}grey holds 90 % of runs", transform=axes.transAxes,
                      va="top", fontsize="small", color=QUIET)  # fmt: skip
    named = [study.runs.labels.index(name) for name, _ in study.outliers[:_NAMED]]
    label_points(
        axes,
        [float(flops[i]) for i in named],
        [float(residuals[i]) for i in named],
        [study.runs.labels[i] for i in named],
        keep=[words],
    )


# IsoFLOP slices


def _slices(study: Study) -> list[Slice]:
    """Slices with a least loss inside, evenly chosen where there are many."""
    from modelsizer.optimizer.fitting.approaches import isoflop_slices

    columns = study.runs.columns
    found = [s for s in isoflop_slices(columns["N"], columns["C"], study.runs.loss) if s.inside]
    if len(found) <= _SLICES:
        return found
    return [found[round(i)] for i in np.linspace(0, len(found) - 1, _SLICES)]


def _isoflop(axes: Axes, study: Study) -> None:
    """Runs of equal FLOPs by size, with the law where it is one of N and D, else parabolas."""
    import matplotlib as mpl

    slices = _slices(study)
    if not slices:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no budget of FLOPs has runs\nof five sizes around its best",
                  transform=axes.transAxes, ha="center", va="center", color=QUIET)  # fmt: skip
        return
    n, loss = study.runs.columns["N"], study.runs.loss
    shades = mpl.colormaps[COLOURS](np.linspace(_DARKEST, _LIGHTEST, len(slices)))
    of_two = study.form.columns == ("N", "D")
    right = max(float(n[s.members].max()) for s in slices)
    for one, shade in zip(slices, shades, strict=True):
        sizes, seen = n[one.members], loss[one.members]
        axes.scatter(sizes, seen, s=_DOT, color=shade, linewidth=0, zorder=3)
        x = np.geomspace(sizes.min() / 1.1, sizes.max() * 1.1, 80)
        if of_two:
            y = study.form.loss(study.fit.values, {"N": x, "D": one.flops / (6 * x)})
            lowest = int(np.argmin(y))
            mark = float(x[lowest]), float(y[lowest])
        else:
            y = np.polyval(one.parabola, np.log(x))
            mark = one.best_n, one.best_loss
        axes.plot(x, y, color=shade, linewidth=1.2, zorder=2)
        axes.plot(*mark, marker="v", markersize=4.5, color=STAR, markeredgecolor="white",
                  markeredgewidth=0.5, zorder=5)  # fmt: skip
    axes.set_xscale("log")
    left = axes.get_xlim()[0]
    axes.set_xlim(left, right * (right / left) ** (_ROOM_FOR_BUDGETS / (1 - _ROOM_FOR_BUDGETS)))
    quantity_axis(axes, "x", "parameters", log=True)
    _losses(axes, "y")
    axes.set_ylabel("loss (nats a token)")
    lines = "the law" if of_two else "parabolas"
    axes.text(0.03, 0.03, f"lines: {lines}\n\u25bc best size", transform=axes.transAxes,
              va="bottom", fontsize="small", color=QUIET)  # fmt: skip
    _budgets(axes, slices, n, loss, shades)


def _budgets(axes: Axes, slices: list[Slice], n: Any, loss: Any, shades: Any) -> None:
    """The budget of each slice, beside its lowest run to the left, where curves fan out least."""
    low, high = axes.get_ylim()
    axes.set_ylim(low, high)
    last = math.inf
    gap = 0.075 * (high - low)
    for one, shade in zip(slices, shades, strict=True):
        members = one.members
        at = members[int(np.argmax(n[members]))]
        y = float(loss[at])
        if last - y < gap and last < math.inf:
            y = last - gap
        last = y
        unit = " FLOPs" if one is slices[0] else ""
        text = axes.annotate(tick(_rounded(one.flops), "training_flops") + unit, (float(n[at]), y),
                             xytext=(6, 0), textcoords="offset points", fontsize="small",
                             color=shade, va="center", zorder=6)  # fmt: skip
        halo(text)


def _rounded(value: float) -> float:
    """Two digits."""
    return float(f"{value:.1e}")


_DRAWN: dict[str, Callable[[Axes, Study], None]] = {
    "fit": _fit,
    "residuals": _residuals,
    "isoflop": _isoflop,
    "pairs": draw_pair,
}
