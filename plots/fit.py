"""A fitted law: against its runs, its residuals, its isoFLOP slices, and pairs of coefficients."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from plots.axes import quantity_axis, tick
from plots.labels import halo, label_points
from plots.style import COLOURS, FAINT, FILLS, INK, QUIET, STAR, canvas, small

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from optimizer.fitting.approaches import Slice
    from optimizer.fitting.study import Study

PANELS = ("fit", "residuals", "isoflop", "pairs")
"""The panels by name, as `--figure` takes them."""
_TITLES = {"fit": "Predicted against seen", "residuals": "Residuals", "isoflop": "IsoFLOP slices",
           "pairs": "Bootstrap"}  # fmt: skip
_TALL, _STACKED, _SQUARE = 1.5, 3.25, 1.45  # heights: two rows, four rows, pairs; of one
_DOT = 9.0  # area of a run, in square points
_SLICES = 6  # drawn at most
_DARKEST, _LIGHTEST = 0.05, 0.8  # of the colours, from the least budget to the largest
_NAMED = 5  # outliers
_ROOM_FOR_BUDGETS = 0.3  # of the axis, right of the largest size
_TICKS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 2.0, 3.0, 5.0, 7.0), tuple(range(1, 10)))
"""Of a decade, the fewest that give an axis two."""
_SYMBOLS = {"alpha": r"$\alpha$", "beta": r"$\beta$", "gamma": r"$\gamma$"}
_INSIDE = 0.9  # of the draws, in the ellipse
_PLAIN = (1e-2, 1e4)  # numbers that are written without a power
_SHAPES = {
    "chinchilla": (("alpha", "beta"), ("E", "alpha")),
    "gemstones": (("g", "t"), ("a", "b")),
    "bian": (("alpha", "gamma"), ("E", "alpha")),
}
"""The pair that decides how parameters and tokens, or width and depth, are traded; and another,
shown where there are no isoFLOP slices."""
_FIGURED: dict[str, tuple[str, ...]] = {
    "chinchilla": ("E", "A", "alpha", "B", "beta"),
    "gemstones": ("E", "a", "b", "g", "t"),
    "bian": ("E", "A", "B", "alpha", "gamma"),
}


def fit_figure(study: Study, which: str = "all", *, size: str = "wide") -> Figure:
    """Draw a fitted law.

    Parameters
    ----------
    study : Study
    which : str
        ``"all"`` for four panels, or one of `PANELS`.
    size : str
        A key of `plots.style.SIZES`.

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
        return _pairs_figure(study, size)
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
                _pairs(axes, study, second=True)
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


def _symbol(name: str) -> str:
    return _SYMBOLS.get(name, f"${name}$")


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
    from optimizer.fitting.approaches import isoflop_slices

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
    of_two = study.form.name == "chinchilla"
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


# Pairs of coefficients


def _drawn(study: Study, name: str) -> Any:
    if study.bootstrap is None:
        raise ValueError("pairs of coefficients are of the bootstrap: --bootstrap 1000")
    return study.bootstrap.draws[:, study.form.position(name)]


def _cloud(axes: Axes, study: Study, across: str, up: str, *, small_dots: bool = False) -> None:
    """The draws of two coefficients, the fit, and the ellipse that holds 90 % of a normal."""
    x, y = _drawn(study, across), _drawn(study, up)
    axes.scatter(x, y, s=2.0 if small_dots else 4.0, color=FILLS[0], alpha=0.35, linewidth=0,
                 zorder=2, rasterized=True)  # fmt: skip
    logs = [name in study.form.scales and name != "E" for name in (across, up)]
    u, v = (np.log(a) if log else a for a, log in zip((x, y), logs, strict=True))
    values, vectors = np.linalg.eigh(np.cov(u, v))
    turn = np.linspace(0, 2 * math.pi, 120)
    reach = math.sqrt(-2 * math.log(1 - _INSIDE))  # of a chi-squared of two degrees
    rim = vectors @ (reach * np.sqrt(np.maximum(values, 0))[:, None] *
                     np.stack([np.cos(turn), np.sin(turn)]))  # fmt: skip
    rim += np.array([[u.mean()], [v.mean()]])
    ends = [np.exp(r) if log else r for r, log in zip(rim, logs, strict=True)]
    axes.plot(*ends, color=INK, linewidth=0.8, zorder=3)
    own = study.fit.coefficients
    axes.plot(own[across], own[up], marker="*", markersize=5 if small_dots else 9, color=STAR,
              markeredgecolor="white", markeredgewidth=0.4, zorder=4)  # fmt: skip
    _limits(axes, "x", x, ends[0], log=logs[0])
    _limits(axes, "y", y, ends[1], log=logs[1])


def _limits(axes: Axes, side: str, draws: Any, rim: Any, *, log: bool) -> None:
    """Limits that hold nearly all draws, and few ticks."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

    low, high = np.quantile(draws, (0.002, 0.998))
    low, high = min(low, rim.min()), max(high, rim.max())
    axis = axes.xaxis if side == "x" else axes.yaxis
    if log:
        (axes.set_xscale if side == "x" else axes.set_yscale)("log")
        pad = (high / low) ** 0.04
        ends = low / pad, high * pad
        axis.set_major_locator(FixedLocator(_log_ticks(*ends)))
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    else:
        pad = 0.04 * (high - low)
        ends = low - pad, high + pad
        axis.set_major_locator(MaxNLocator(nbins=4, prune="both"))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}"))
    (axes.set_xlim if side == "x" else axes.set_ylim)(*ends)


def _log_ticks(low: float, high: float) -> list[float]:
    """Two ticks or a few more."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for of_decade in _TICKS:
        found = [m * 10.0**p for p in powers for m in of_decade if low <= m * 10.0**p <= high]
        if len(found) >= 2:
            break
    every = math.ceil(len(found) / 4)
    return found[::every]


def _short(value: float) -> str:
    """A number of a log axis."""
    if value <= 0:
        return ""
    if _PLAIN[0] <= value < _PLAIN[1]:
        return f"{value:g}"
    power = math.floor(math.log10(value) + 1e-9)
    mantissa = round(value / 10**power)
    times = "" if mantissa == 1 else rf"{mantissa}\cdot "
    return rf"${times}10^{{{power}}}$"


def _pairs(axes: Axes, study: Study, *, second: bool = False) -> None:
    """One pair of coefficients, labelled."""
    if study.bootstrap is None:
        axes.set_axis_off()
        axes.text(0.5, 0.5, "no bootstrap was asked for", transform=axes.transAxes, ha="center",
                  va="center", color=QUIET)  # fmt: skip
        return
    across, up = _SHAPES[study.form.name][second]
    _cloud(axes, study, across, up)
    axes.set_xlabel(_symbol(across))
    axes.set_ylabel(_symbol(up))
    own = study.fit.coefficients
    text = axes.annotate("the fit", (own[across], own[up]), (6, 6), fontsize="small",
                         textcoords="offset points", zorder=6)  # fmt: skip
    halo(text)


def _pairs_figure(study: Study, size: str) -> Figure:
    names = _FIGURED[study.form.name]
    _drawn(study, names[0])
    many = len(names) - 1
    with canvas(size, height=_SQUARE) as figure:
        grid = figure.subplots(many, many, sharex="col", sharey="row", squeeze=False)
        for i, up in enumerate(names[1:]):
            for j, across in enumerate(names[:-1]):
                axes = grid[i, j]
                if j > i:
                    axes.set_visible(False)
                    continue
                _cloud(axes, study, across, up, small_dots=True)
                axes.tick_params(labelsize="x-small")
                axes.tick_params(axis="x", rotation=90 if small(figure) else 0)
                if i == many - 1:
                    axes.set_xlabel(_symbol(across))
                if j == 0:
                    axes.set_ylabel(_symbol(up))
        assert study.bootstrap is not None
        figure.text(0.98, 0.97, f"{len(study.bootstrap.draws)} bootstrap samples\n"
                    "\u2605 the fit; ellipses: 90 %", ha="right", va="top", fontsize="small",
                    color=QUIET)  # fmt: skip
        figure.align_labels()
    return figure


_DRAWN: dict[str, Callable[[Axes, Study], None]] = {
    "fit": _fit,
    "residuals": _residuals,
    "isoflop": _isoflop,
    "pairs": _pairs,
}
