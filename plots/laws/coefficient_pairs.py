"""Pairs of fitted coefficients: bootstrap draws and their 90 % ellipse."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from modelsizer.plots.drawing.labels import back
from modelsizer.plots.drawing.marks import nothing, star
from modelsizer.plots.drawing.style import FILLS, INK, QUIET, canvas, small
from modelsizer.plots.drawing.texts import one_line, power

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.optimizer.fitting.study import Study
    from modelsizer.optimizer.fitting.terms import Form

_SQUARE = 1.45  # relative height of a square panel
_TICKS = ((1.0,), (1.0, 3.0), (1.0, 2.0, 5.0), (1.0, 2.0, 3.0, 5.0, 7.0), tuple(range(1, 10)))
"""Ticks within a decade: the fewest that give an axis two."""
_SYMBOLS = {"alpha": "\N{GREEK SMALL LETTER ALPHA}", "beta": "\N{GREEK SMALL LETTER BETA}",
            "gamma": "\N{GREEK SMALL LETTER GAMMA}"}  # fmt: skip
_PAIRED = 5  # maximum number of coefficients of a user-defined law drawn in pairs
_INSIDE = 0.9  # fraction of the draws inside the ellipse
_PLAIN = (1e-2, 1e4)  # range of numbers written without a power of ten
_SHAPES = {
    "chinchilla": (("alpha", "beta"), ("E", "alpha")),
    "gemstones": (("g", "t"), ("a", "b")),
    "bian": (("alpha", "gamma"), ("E", "alpha")),
}
"""The pair that determines the trade-off of parameters and tokens, or of width and depth; and
another one, shown if there are no isoFLOP slices."""
_FIGURED: dict[str, tuple[str, ...]] = {
    "chinchilla": ("E", "A", "alpha", "B", "beta"),
    "gemstones": ("E", "a", "b", "g", "t"),
    "bian": ("E", "A", "B", "alpha", "gamma"),
}


def _symbol(name: str) -> str:
    return _SYMBOLS.get(name, one_line(name))


def _shapes(form: Form) -> tuple[tuple[str, ...], ...]:
    """Return two pairs of coefficients to draw, of free exponents as far as there are any."""
    if form.name in _SHAPES:
        return _SHAPES[form.name]
    names = _figured(form)
    exponents = [name for name in names if name in form.exponents]
    first = tuple(exponents[:2]) if len(exponents) >= 2 else names[:2]
    return first, tuple(exponents[2:4]) if len(exponents) >= 4 else (names[0], first[-1])


def _figured(form: Form) -> tuple[str, ...]:
    """Return at most five coefficients to draw in pairs."""
    if form.name in _FIGURED:
        return _FIGURED[form.name]
    free = [name for name in form.free if name in form.exponents or name == "E"]
    free += [name for name in form.free if name not in free]
    return tuple(free[:_PAIRED])


def _drawn(study: Study, name: str) -> Any:
    if study.bootstrap is None:
        raise ValueError("pairs of coefficients are of the bootstrap: --bootstrap 1000")
    return study.bootstrap.draws[:, study.form.position(name)]


def _cloud(axes: Axes, study: Study, across: str, up: str, *, small_dots: bool = False) -> None:
    """Draw the bootstrap draws of two coefficients, the fit, and the normal 90 % ellipse."""
    x, y = _drawn(study, across), _drawn(study, up)
    axes.scatter(x, y, s=2.0 if small_dots else 4.0, color=FILLS[0], alpha=0.35, linewidth=0,
                 zorder=2, rasterized=True)  # fmt: skip
    logs = [name in study.form.scales and name != "E" for name in (across, up)]
    u, v = (np.log(a) if log else a for a, log in zip((x, y), logs, strict=True))
    values, vectors = np.linalg.eigh(np.cov(u, v))
    turn = np.linspace(0, 2 * math.pi, 120)
    reach = math.sqrt(-2 * math.log(1 - _INSIDE))  # root of a chi-squared quantile, 2 d.o.f.
    rim = vectors @ (reach * np.sqrt(np.maximum(values, 0))[:, None] *
                     np.stack([np.cos(turn), np.sin(turn)]))  # fmt: skip
    rim += np.array([[u.mean()], [v.mean()]])
    ends = [np.exp(r) if log else r for r, log in zip(rim, logs, strict=True)]
    axes.plot(*ends, color=INK, linewidth=0.8, zorder=3)
    own = study.fit.coefficients
    star(axes, own[across], own[up], size=5 if small_dots else 9)
    _limits(axes, "x", x, ends[0], log=logs[0])
    _limits(axes, "y", y, ends[1], log=logs[1])


def _limits(axes: Axes, side: str, draws: Any, rim: Any, *, log: bool) -> None:
    """Set limits that contain nearly all draws, and few ticks."""
    from matplotlib.ticker import (
        FixedLocator,
        FuncFormatter,
        MaxNLocator,
        NullLocator,
        ScalarFormatter,
    )

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
        axis.set_major_formatter(ScalarFormatter(useOffset=False))
    (axes.set_xlim if side == "x" else axes.set_ylim)(*ends)


def _log_ticks(low: float, high: float) -> list[float]:
    """Return two ticks or a few more."""
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    found: list[float] = []
    for of_decade in _TICKS:
        found = [m * 10.0**p for p in powers for m in of_decade if low <= m * 10.0**p <= high]
        if len(found) >= 2:
            break
    every = math.ceil(len(found) / 4)
    return found[::every]


def _short(value: float) -> str:
    """Format a tick of a logarithmic axis."""
    if value <= 0:
        return ""
    if _PLAIN[0] <= value < _PLAIN[1]:
        return f"{value:g}"
    exponent = math.floor(math.log10(value) + 1e-9)
    return power(exponent, f"{round(value / 10**exponent)}")


def draw_pair(axes: Axes, study: Study, *, second: bool = False) -> None:
    """Draw and label the most important pair, or the second."""
    if study.bootstrap is None:
        nothing(axes, "no bootstrap was asked for")
        return
    pairs = _shapes(study.form)
    if len(study.form.free) < 2:
        nothing(axes, "only one coefficient was fitted")
        return
    across, up = pairs[second]
    _cloud(axes, study, across, up)
    axes.set_xlabel(_symbol(across))
    axes.set_ylabel(_symbol(up))
    own = study.fit.coefficients
    text = axes.annotate("the fit", (own[across], own[up]), (6, 6), fontsize="small",
                         textcoords="offset points", zorder=6)  # fmt: skip
    back(text)


def pairs_figure(study: Study, size: str) -> Figure:
    """Draw all pairs of the most important coefficients.

    Parameters
    ----------
    study : Study
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.

    Raises
    ------
    ValueError
        If there was no bootstrap, or fewer than two coefficients were fitted.
    """
    names = _figured(study.form)
    if len(names) < 2:
        raise ValueError("pairs take two fitted coefficients or more")
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
