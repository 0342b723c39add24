"""A loss law: loss against tokens for a few sizes, with its fitted range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.axes import heading, quantity_axis
from modelsizer.plots.drawing.line_ends import name_ends
from modelsizer.plots.drawing.notes import note
from modelsizer.plots.drawing.one_axes import one_axes
from modelsizer.plots.drawing.style import FAINT, FILLS, INK
from modelsizer.problems.laws.laws import ANYWHERE
from modelsizer.problems.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from modelsizer.problems.laws.laws import Range
    from modelsizer.problems.laws.page import LawPage

TYPICAL_TOKENS = (1e9, 1e12)
"""Range of tokens drawn if the fitted range is unknown."""
TYPICAL_PARAMETERS = (1e8, 1e10)
_SIZES = 3  # number of sizes in the fitted range, including its ends
_MOST_SPAN = 1e3  # maximum ratio of the sizes drawn
_BEYOND = 10.0  # factor on the largest fitted size, drawn as an extrapolation
_BEFORE, _AFTER = 4.0, 20.0  # factors by which the axis extends beyond the fitted tokens
_POINTS = 241
_MARGIN, _HEADROOM = 0.06, 0.18  # fractions of the curves' height, below and above
_ROUNDING = 1e-9  # relative tolerance of a drawn size at the ends of its range


def law_curves(
    page: LawPage, *, title: str = "", size: str = "wide", ax: Axes | None = None
) -> Figure:
    """Draw a law's loss against tokens for a few sizes.

    Parameters
    ----------
    page : LawPage
        The law must give a loss of N and D.
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    Figure
        Solid within the fitted range of parameters and tokens, dashed beyond it.

    Raises
    ------
    ValueError
        If the law gives no loss as a function of parameters and tokens.
    """
    if page.curve is None:
        why = page.why_not or "it is no function of them"
        raise ValueError(f"{page.name} has no loss of N and D to draw: {why}")
    with one_axes(ax, size) as (figure, axes):
        low, high = _ends(page.token_range, TYPICAL_TOKENS)
        tokens = np.geomspace(low / _BEFORE, high * _AFTER, _POINTS)
        sizes = sizes_of(page.parameter_range)
        lines = [np.asarray(page.curve(n, tokens), float) for n in sizes]
        axes.set_xscale("log")
        axes.set_xlim(tokens[0], tokens[-1])
        top = float(np.interp(low, tokens, lines[0]))
        floor = min(float(line[-1]) for line in lines)
        height = top - floor
        axes.set_ylim(floor - _MARGIN * height, top + _HEADROOM * height)
        _band(axes, page)
        for i, (n, line) in enumerate(zip(sizes, lines, strict=True)):
            _curve(axes, page, n, tokens, line, FILLS[i])
        quantity_axis(axes, "x", "tokens", log=True)
        quantity_axis(axes, "y", "loss")
        axes.set_ylabel(f"predicted loss ({page.unit})")
        heading(axes, title)
        names = [f"N = {_count(n)}" for n in sizes]
        ends = [(float(tokens[-1]), float(line[-1])) for line in lines]
        name_ends(axes, names, ends, FILLS[: len(names)], ink=INK)
    return figure


def sizes_of(fitted: Range) -> tuple[float, ...]:
    """Return sizes to draw: from the smallest fitted to the largest, and one ten times larger."""
    low, high = _ends(fitted, TYPICAL_PARAMETERS)
    low = max(low, high / _MOST_SPAN)
    return (*(float(n) for n in np.geomspace(low, high, _SIZES)), high * _BEYOND)


def _ends(fitted: Range, typical: tuple[float, float]) -> tuple[float, float]:
    """Return both ends of a range; an unknown end is placed at a typical ratio from the other."""
    span = typical[1] / typical[0]
    if fitted.low is None and fitted.high is None:
        return typical
    if fitted.low is None:
        assert fitted.high is not None
        return fitted.high / span, fitted.high
    return fitted.low, fitted.low * span if fitted.high is None else fitted.high


def _count(value: float) -> str:
    return format_quantity(value, "parameters", 3)


def _band(axes: Axes, page: LawPage) -> None:
    """Shade the fitted range of tokens, and explain solid and dashed lines."""
    fitted = page.token_range
    if fitted.low is not None and fitted.high is not None:
        axes.axvspan(fitted.low, fitted.high, color=FAINT, alpha=0.55, lw=0, zorder=0)
        ends = f"{_count(fitted.low)} to {_count(fitted.high)}"
        words = f"shaded: fitted, {ends} tokens\ndashed: beyond the fit"
    elif page.parameter_range != ANYWHERE:
        words = "no fitted range of tokens known\ndashed: beyond the sizes fitted"
    else:
        words = "dashed: no fitted range known"
    note(axes, words, "upper right")  # free, as curves fall


def _curve(
    axes: Axes,
    page: LawPage,
    n: float,
    tokens: NDArray[np.float64],
    line: NDArray[np.float64],
    colour: str,
) -> None:
    """Draw the curve of one size: dashed, and solid within the fitted range."""
    axes.plot(tokens, line, color=colour, lw=1.1, ls=(0, (3, 2)), zorder=3)
    known = page.parameter_range != ANYWHERE
    fitted = any(page.parameter_range.holds(n * near) for near in (1 - _ROUNDING, 1 + _ROUNDING))
    inside = np.array([page.token_range.holds(d) for d in tokens]) & (known and fitted)
    if inside.any():
        axes.plot(tokens[inside], line[inside], color=colour, lw=2.0, zorder=4)
