"""A fitted law: predictions, residuals, isoFLOP slices and pairs of coefficients."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from modelsizer.plots.drawing.axes import heading, quantity_axis, tick
from modelsizer.plots.drawing.labels import INKED, Labels
from modelsizer.plots.drawing.marks import nothing
from modelsizer.plots.drawing.notes import note
from modelsizer.plots.drawing.one_axes import one_axes, refuse_axes
from modelsizer.plots.drawing.style import COLOURS, FAINT, FILLS, INK, STAR, canvas, small
from modelsizer.plots.drawing.texts import one_line
from modelsizer.plots.laws.coefficient_pairs import draw_pair, pairs_figure
from modelsizer.plots.laws.scaling import draw_scaling

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.optimizer.fitting.approaches import Slice
    from modelsizer.optimizer.fitting.study import Study

PANELS = ("fit", "residuals", "isoflop", "pairs", "scaling")
"""Panels by name, for `--figure`; ``"all"`` draws the first four."""
_TITLES = {"fit": "Predicted against seen", "residuals": "Residuals", "isoflop": "IsoFLOP slices",
           "pairs": "Bootstrap"}  # fmt: skip
_TALL, _STACKED = 1.5, 3.25  # heights of two and four rows, relative to one
_DOT = 9.0  # area of a run's mark, square points
_SLICES = 6  # maximum number drawn
_DARKEST, _LIGHTEST = 0.05, 0.8  # on the colour map, smallest to largest budget
_NAMED = 5  # maximum number of outliers labelled
_ROOM_FOR_BUDGETS = 0.3  # fraction of the axis right of the largest size
_INSIDE = 0.9  # fraction of the runs in the grey band
_BESIDE = ((1, 0), (1, 1), (1, -1), (1, 0.5), (1, -0.5))  # candidate sides of a budget's label


def fit(
    study: Study,
    which: str = "all",
    *,
    title: str = "",
    size: str = "wide",
    ax: Axes | None = None,
) -> Figure:
    """Draw a fitted law.

    Parameters
    ----------
    study : Study
    which : str
        ``"all"`` for four panels, or one of `PANELS`.
    title : str
        Of the picture of one panel; several have titles of their own.
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Raises
    ------
    ValueError
        If the data of the panel was not computed, or `which` is unknown.
    """
    if which in ("all", "pairs"):
        one = ", ".join(name for name in PANELS if name != "pairs")
        refuse_axes(ax, f"fit of {which}", f"{one} are each of one")
    if which == "all":
        return _four(study, size)
    if which not in PANELS:
        raise ValueError(f"{which!r} is not one of all, {', '.join(PANELS)}")
    if which == "pairs":
        return pairs_figure(study, size)
    if which == "isoflop" and not _slices(study):
        raise ValueError("no budget of FLOPs has runs of five sizes around its best")
    with one_axes(ax, size) as (figure, axes):
        if which == "scaling":
            draw_scaling(figure, axes, study)
        else:
            _DRAWN[which](axes, study)
            _name({which: axes}, study)
        heading(axes, title)
    return figure


def _four(study: Study, size: str) -> Figure:
    with canvas(size, height=_TALL if size == "wide" else _STACKED) as figure:
        rows, columns = (4, 1) if small(figure) else (2, 2)
        grid = np.atleast_1d(figure.subplots(rows, columns)).ravel()
        sliced = bool(_slices(study)) or study.bootstrap is None
        for axes, which in zip(grid, PANELS, strict=False):
            if which == "isoflop" and not sliced:
                draw_pair(axes, study, second=True)
                axes.set_title(_title("pairs", study))
                continue
            _DRAWN[which](axes, study)
            axes.set_title(_title(which, study))
        _name(dict(zip(PANELS, grid, strict=False)), study)
    return figure


def _name(panels: dict[str, Axes], study: Study) -> None:
    """Write the labels, once all panels are laid out."""
    if "residuals" in panels:
        _name_outliers(panels["residuals"], study)
    if "isoflop" in panels and (slices := _slices(study)):
        _name_budgets(panels["isoflop"], slices, study)


def _title(which: str, study: Study) -> str:
    drawn = study.bootstrap
    if which != "pairs" or drawn is None:
        return _TITLES[which]
    return f"{len(drawn.draws)} bootstrap fits, 90 % ellipse"


def _losses(axes: Axes, side: str) -> None:
    """Format ticks of losses with equal numbers of decimals."""
    from matplotlib.ticker import MaxNLocator, ScalarFormatter

    axis = axes.xaxis if side == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(nbins=8, steps=[1, 2, 5, 10]))
    axis.set_major_formatter(ScalarFormatter(useOffset=False))


# Fit and residuals


def _fit(axes: Axes, study: Study) -> None:
    """Draw predicted against measured loss, and the identity line."""
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
    axes.set_xlabel("loss seen (nats per token)")
    axes.set_ylabel("loss predicted")
    note(axes, f"{len(seen)} runs\nR\u00b2 = {study.r_squared:.4f}", color=INK)


def _residuals(axes: Axes, study: Study) -> None:
    """Draw residuals in percent of the loss against training FLOPs."""
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
    note(axes, f"{marked}grey holds 90 % of runs")


def _name_outliers(axes: Axes, study: Study) -> None:
    flops, residuals = study.runs.columns["C"], 100 * np.expm1(study.fit.residuals)
    labels = Labels(axes)
    labels.avoid_text(axes.texts[0])
    labels.avoid_points(np.column_stack([flops, residuals]), size=4.0)
    for name, _ in study.outliers[:_NAMED]:
        at = study.runs.labels.index(name)
        anchor = (float(flops[at]), float(residuals[at]))
        labels.beside(one_line(name), [anchor], optional=True, backed=True, fontsize="x-small")


# IsoFLOP slices


def _slices(study: Study) -> list[Slice]:
    """Return slices with an interior minimum, evenly chosen if there are many."""
    from modelsizer.optimizer.fitting.approaches import isoflop_slices

    columns = study.runs.columns
    found = [s for s in isoflop_slices(columns["N"], columns["C"], study.runs.loss) if s.inside]
    if len(found) <= _SLICES:
        return found
    return [found[round(i)] for i in np.linspace(0, len(found) - 1, _SLICES)]


def _isoflop(axes: Axes, study: Study) -> None:
    """Draw runs of equal FLOPs by size, with the law if it is one of N and D, else parabolas."""
    slices = _slices(study)
    if not slices:
        nothing(axes, "no budget of FLOPs has runs\nof five sizes around its best")
        return
    n, loss = study.runs.columns["N"], study.runs.loss
    of_two = study.form.columns == ("N", "D")
    right = max(float(n[s.members].max()) for s in slices)
    for one, shade in zip(slices, _shades(len(slices)), strict=True):
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
    axes.set_ylabel("loss (nats per token)")
    lines = "the law" if of_two else "parabolas"
    note(axes, f"lines: {lines}\n\u25bc best size", "lower left")


def _name_budgets(axes: Axes, slices: list[Slice], study: Study) -> None:
    """Write the FLOPs of each slice beside its largest run, where curves are furthest apart."""
    n, loss = study.runs.columns["N"], study.runs.loss
    labels = Labels(axes)
    labels.avoid_text(axes.texts[0])
    for line in axes.lines:
        labels.avoid_line(np.column_stack([line.get_xdata(), line.get_ydata()]))
    for one in slices:
        at = np.column_stack([n[one.members], loss[one.members]])
        labels.avoid_points(at, size=3.5, weight=INKED)
    for one, shade in zip(slices, _shades(len(slices)), strict=True):
        largest = one.members[int(np.argmax(n[one.members]))]
        unit = " FLOPs" if one is slices[0] else ""
        words = tick(_rounded(one.flops), "training_flops") + unit
        labels.beside(words, [(float(n[largest]), float(loss[largest]))], _BESIDE, backed=True,
                      color=shade)  # fmt: skip


def _shades(count: int) -> Any:
    """Return the colours of `count` budgets, from the smallest to the largest; shape (count, 4)."""
    import matplotlib as mpl

    return mpl.colormaps[COLOURS](np.linspace(_DARKEST, _LIGHTEST, count))


def _rounded(value: float) -> float:
    """Round to two significant digits."""
    return float(f"{value:.1e}")


_DRAWN: dict[str, Callable[[Axes, Study], None]] = {
    "fit": _fit,
    "residuals": _residuals,
    "isoflop": _isoflop,
    "pairs": draw_pair,
}
