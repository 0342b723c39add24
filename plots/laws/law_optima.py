"""The optimum of a problem under each of several laws: its parameters, and what it is."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.axes import heading, quantity_axis, tick
from modelsizer.plots.drawing.lines import check_lines, draw_marks, look
from modelsizer.plots.drawing.one_axes import legend_below, one_axes
from modelsizer.plots.drawing.style import FAINT, INK, QUIET, small
from modelsizer.plots.drawing.texts import one_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.optimizer.laws.comparison import LawComparison, LawOptimum

_ROW, _AROUND = 0.062, 0.3  # fractions of the height of the size: a row, and what is around them
_TALLER = 1.35  # factor on a row in a one-column figure, whose texts have two lines
_LEFT = 0.06  # decades left of the least
_TEXT = {False: 0.85, True: 1.15}  # width of the text relative to that of the marks
_LEAST = 0.3  # decades, of the marks


def law_optima(
    found: LawComparison, *, title: str = "", size: str = "wide", ax: Axes | None = None
) -> Figure:
    """Draw the parameters of the optimum under each law, the largest on top.

    Beside each mark stand the shape, the tokens and the greatest regret of the design under the
    other laws. A mark is hollow where the law is used beyond its data, or nothing is proven.

    Parameters
    ----------
    found : LawComparison
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Raises
    ------
    ValueError
        If no law has a design.
    """
    laws = [law for law in found.laws if law.design is not None]
    if not laws:
        raise ValueError("no law has a design, so there is nothing to draw")
    check_lines(len(laws))
    laws.sort(key=lambda law: -_size(law))
    each = _ROW * (1.0 if size == "wide" else _TALLER)
    with one_axes(ax, size, height=_AROUND + each * len(laws)) as (figure, axes):
        narrow = small(axes)
        sizes = [_size(law) for law in laws]
        low, high = math.log10(min(sizes)) - _LEFT, math.log10(max(sizes))
        high = max(high, low + _LEAST)
        axes.set_xlim(10**low, 10 ** (high + _TEXT[narrow] * (high - low)))
        quantity_axis(axes, "x", "parameters", log=True)
        for at, law in enumerate(laws):
            axes.axhline(at, color=FAINT, lw=0.6, zorder=0)
            draw_marks(axes, np.array([_size(law)]), np.array([float(at)]),
                       np.array([_doubtful(law)]), look(at))  # fmt: skip
            axes.annotate(_words(law, narrow=narrow), (_size(law), at), (7, 0),
                          textcoords="offset points", va="center", fontsize="x-small", color=INK,
                          bbox={"fc": "white", "ec": "none", "pad": 0.8}, zorder=3)  # fmt: skip
        axes.set_yticks(range(len(laws)), [one_line(law.name) for law in laws])
        axes.tick_params(axis="y", length=0, labelsize="x-small")
        axes.set_ylim(len(laws) - 0.5, -0.5)
        axes.spines["left"].set_visible(False)
        heading(axes, title)
        _key(axes, laws)
    return figure


def _size(law: LawOptimum) -> float:
    assert law.design is not None
    return float(law.design.parameters.total)


def _doubtful(law: LawOptimum) -> bool:
    """Whether a law extrapolates to its optimum, or the optimum is not proven."""
    beyond = law.within is not None and any(each.factor > 1 for each in law.within)
    return beyond or law.status != "optimal"


def _words(law: LawOptimum, *, narrow: bool) -> str:
    design = law.design
    assert design is not None
    shape = f"{design.architecture.layers} x {design.architecture.trunk.d_model}"
    tokens = tick(design.tokens, "tokens") if math.isfinite(design.tokens) else "any"
    parts = [shape, f"{tokens} tokens"]
    regrets = [regret.nats for regret in law.regrets.values()]
    if regrets:
        parts.append(f"regret to {max(regrets):.3f}" + ("" if narrow else " nats"))
    return f"{shape}, {parts[1]}\n{parts[2]}" if narrow and regrets else ", ".join(parts)


def _key(axes: Axes, laws: list[LawOptimum]) -> None:
    from matplotlib.lines import Line2D

    words = []
    if any(not _doubtful(law) for law in laws):
        words.append((QUIET, "within the law's data"))
    if any(_doubtful(law) for law in laws):
        words.append(("white", "beyond the law's data, or not proven"))
    handles = [
        Line2D([], [], ls="none", marker="o", ms=4.0, mfc=face, mec=QUIET, label=text)
        for face, text in words
    ]
    legend_below(axes, handles, ncols=len(handles), fontsize="x-small")
