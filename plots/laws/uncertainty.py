"""Optimal designs over the draws of a law: frequencies, and the regret of each choice."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from modelsizer.optimizer.laws.robust import CRITERIA, TODAY, Candidate, Uncertainty
from modelsizer.plots.drawing.axes import wrapped
from modelsizer.plots.drawing.one_axes import refuse_axes
from modelsizer.plots.drawing.style import FAINT, FILLS, INK, QUIET, STAR, canvas

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

MOST_ROWS = {False: 8, True: 6}
"""Number of winners drawn, by whether the figure is small; nominal and robust designs are added."""
_ROW, _HEAD = 0.075, 0.34  # fractions of the figure's height: a row; title and axes
_BAR = 0.6  # fraction of a row
_PERCENT = 100.0
_STAR = "\N{BLACK STAR}"
_STEPS = (1, 2, 2.5, 5, 10)  # candidate steps between ticks
_LETTERS = 18  # characters per line of roles
_LEAST_WIDTH = 0.001  # minimum width of the axis of regret, nats
_ROOM = 1.28  # axis length relative to the longest bar, to fit its text
_WORDS = {
    TODAY: "today",
    "expected": "mean",
    "worst_case": "worst case",
    "regret": "regret",
    "cvar": "CVaR",
}
"""Labels of roles."""


def percent(share: float) -> str:
    """Format a share in percent: one of a thousand draws is 0.1 %."""
    value = round(_PERCENT * share, 6)
    return f"{value:.0f} %" if value >= 10 or value == 0 else f"{value:.1f} %"


def shape_words(one: Candidate) -> str:
    """Return layers and width of a design as text."""
    architecture = one.design.architecture
    return f"{architecture.layers} layers x {architecture.trunk.d_model}"


def rows_of(found: Uncertainty, most: int) -> list[Candidate]:
    """Return the most frequent optima, then the nominal and robust designs if not among them."""
    winners = found.winners[:most]
    return [*winners, *(c for c in found.candidates if c.roles and c not in winners)]


def uncertainty(
    found: Uncertainty, *, title: str = "", size: str = "wide", ax: Axes | None = None
) -> Figure:
    """Draw the share of draws in which each design is optimal, beside its regret.

    Parameters
    ----------
    found : Uncertainty
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    Figure
        Two panels with common rows; the nominal design is orange and starred. The right panel has
        a dot at the mean, a thick line to the 95th percentile and a thin one to the worst draw.
    """
    refuse_axes(ax, "uncertainty")
    is_small = size == "column"
    rows = rows_of(found, MOST_ROWS[is_small])
    with canvas(size, height=_HEAD + (0.105 if is_small else _ROW) * len(rows)) as figure:
        from matplotlib import ticker

        left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.0, 1.25))
        for at, one in enumerate(rows):
            colour = STAR if TODAY in one.roles else FILLS[0]
            left.barh(at, _PERCENT * one.share, height=_BAR, color=colour)
            left.annotate(percent(one.share), (_PERCENT * one.share, at), (3, 0),
                          textcoords="offset points", va="center", fontsize="small")  # fmt: skip
            _regret(right, at, one, colour)
        left.set_yticks(range(len(rows)), [_label(one, rows, is_small) for one in rows])
        left.set_ylim(len(rows) - 0.4, -0.6)
        top = _PERCENT * max(one.share for one in rows)
        left.set_xlim(0, _ROOM * top)
        left.set_xticks(_up_to(ticker.MaxNLocator(nbins=3, steps=_STEPS), top))
        left.set_xlabel(f"wins, % of {found.draws} draws")
        right.set_xlim(0, 1.04 * max(_LEAST_WIDTH, *(one.regret.worst for one in rows)))
        bins = ticker.MaxNLocator(nbins=3 if is_small else 5, steps=_STEPS)
        right.xaxis.set_major_locator(bins)
        right.set_xlabel("loss given up (nats)" if is_small else "loss given up (nats per token)")
        right.grid(axis="x", color=FAINT, lw=0.5)
        right.set_axisbelow(True)
        for axes in (left, right):
            axes.tick_params(axis="y", length=0)
            axes.spines["left"].set_visible(axes is right)
        _key(right)
        _title(figure, title)
    return figure


def _up_to(locator: MaxNLocator, top: float) -> list[float]:
    """Return ticks from zero to the longest bar, not beyond, as no share exceeds 100 %."""
    return [float(value) for value in locator.tick_values(0.0, top) if 0 <= value <= top + 1e-9]


def _title(figure: Figure, title: str) -> None:
    """Set a title over the whole figure, left-aligned."""
    if title:
        figure.suptitle(wrapped(figure, title), x=0.01, ha="left", fontsize="medium", weight="bold")


def _label(one: Candidate, rows: list[Candidate], is_small: bool) -> str:
    """Return the label of a row: what distinguishes its design, and its roles."""
    layer = one.design.architecture.groups[0].layer
    text = shape_words(one).replace(" layers", "") if is_small else shape_words(one)
    twins = [c for c in rows if shape_words(c) == shape_words(one)]
    if len(twins) > 1:
        text += f" x {layer.ffn.d_ff}"
        if len({c.design.architecture.groups[0].layer.ffn.d_ff for c in twins}) < len(twins):
            text += f", kv {layer.attention.kv_heads}"
    star = f"{_STAR} " if TODAY in one.roles else ""
    marks = [_WORDS[TODAY]] if star else []
    least = [_WORDS[role] for role in one.roles if role != TODAY]
    if least:
        marks.append("best by all" if len(least) == len(CRITERIA) else "least " + ", ".join(least))
    return "\n".join([star + text, *textwrap.wrap(", ".join(marks), _LETTERS)])


def _regret(axes: Axes, at: int, one: Candidate, colour: str) -> None:
    found = one.regret
    axes.plot([0, found.worst], [at, at], color=colour, lw=0.8, solid_capstyle="butt")
    axes.plot([0, found.p95], [at, at], color=colour, lw=4.0, solid_capstyle="butt", alpha=0.55)
    axes.plot([found.worst], [at], marker="|", ms=7, color=colour, ls="none")
    axes.plot([found.mean], [at], marker="o", ms=4.5, color=INK, ls="none", clip_on=False, zorder=5)


def _key(axes: Axes) -> None:
    """Draw a legend of dot and lines above the panel."""
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], marker="o", ms=4.5, color=INK, ls="none", label="mean"),
        Line2D([], [], color=QUIET, lw=4.0, alpha=0.55, solid_capstyle="butt", label="95 %"),
        Line2D([], [], color=QUIET, lw=0.8, marker="|", ms=7, label="worst"),
    ]
    axes.legend(handles=marks, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=len(marks),
                borderaxespad=0.0, borderpad=0.2, handlelength=1.2, columnspacing=0.9,
                handletextpad=0.6)  # fmt: skip
