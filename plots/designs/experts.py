"""Loss over the activation and the granularity of experts, with published mixtures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from modelsizer.plots.drawing.axes import heading, tick
from modelsizer.plots.drawing.labels import MARK, Labels, back
from modelsizer.plots.drawing.marks import colour_bar, far_apart, star
from modelsizer.plots.drawing.notes import note
from modelsizer.plots.drawing.one_axes import one_axes
from modelsizer.plots.drawing.style import COLOURS, INK, QUIET, small
from modelsizer.problems.laws.digits import loss_text
from modelsizer.problems.laws.leverage import ACTIVATION_RANGE, GRANULARITY_RANGE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.problems.designs.expert_map import ExpertMap, Floats

_LEVELS = 14  # number of colour steps
_NAMES = {"wide": 12, "column": 6}  # number of published mixtures named
_REACHES = (5.0, 9.0, 14.0, 22.0, 32.0)  # points from a mixture to its name
_MARGIN = 1.12  # factor between the frame and the mark of a mixture
_HAIR = 1e-9  # of an exponent
_CLOSE = 8.0  # points from the design within which a mixture is not drawn
_TOTALS = 5  # labels of the parameters along the top


def experts(
    data: ExpertMap, *, title: str = "", size: str = "wide", ax: Axes | None = None
) -> Figure:
    """Draw the loss of a design with other experts of the same FLOPs.

    Parameters
    ----------
    data : ExpertMap
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    Figure
        Activation falls to the right, where models hold more. The range of the fit is plain, what
        lies outside is hatched.
    """
    with one_axes(ax, size) as (figure, axes):
        from matplotlib.ticker import MaxNLocator

        _frame(axes, data)
        levels = MaxNLocator(_LEVELS).tick_values(float(data.loss.min()), float(data.loss.max()))
        drawn = axes.contourf(data.activation, data.granularity, data.loss.T, levels=levels,
                              cmap=f"{COLOURS}_r")  # fmt: skip
        bar = colour_bar(figure, axes, drawn, extend="neither")
        bar.set_label("predicted loss (nats per token)")
        _outside(axes)
        _totals(axes, data, most=3 if small(axes) else _TOTALS)
        heading(axes, title)
        key = note(axes, "circles: published models\nhatched: outside the fit", "upper right")
        back(key)
        labels = Labels(axes)
        labels.avoid_text(key)
        _own(axes, data, labels)
        _published(axes, data, labels)
    return figure


def _frame(axes: Axes, data: ExpertMap) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.set_xlim(float(data.activation[-1]), float(data.activation[0]))
    axes.set_ylim(float(data.granularity[0]), float(data.granularity[-1]))
    step = 2 if small(axes) else 1
    for axis, powers in (
        (axes.xaxis, _powers(data.activation, step)),
        (axes.yaxis, _powers(data.granularity, 1)),
    ):
        axis.set_major_locator(FixedLocator(powers))
        axis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda a, _: f"1/{1 / a:g}" if a < 1 else "1"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda g, _: f"{g:g}"))
    axes.set_xlabel("share of experts that a token uses")
    axes.set_ylabel("granularity (2 d_model / expert width)")


def _powers(values: Floats, step: int) -> list[float]:
    """Powers of two among values, each so many exponents, 1 among them."""
    low, high = (math.log2(float(values[end])) for end in (0, -1))
    exponents = range(math.ceil(low - _HAIR), math.floor(high + _HAIR) + 1)
    return [2.0**n for n in exponents if n % step == 0]


def _outside(axes: Axes) -> None:
    """Hatch what lies outside the range of the fit."""
    from matplotlib.patches import Rectangle

    right, left = axes.get_xlim()[1], axes.get_xlim()[0]
    low, high = axes.get_ylim()
    least, most = GRANULARITY_RANGE.low or low, GRANULARITY_RANGE.high or high
    few = ACTIVATION_RANGE.low or right
    boxes = [((right, low), few - right, high - low)] if few > right else []
    inner = max(few, right)
    boxes += [((inner, low), left - inner, least - low)] if least > low else []
    boxes += [((inner, most), left - inner, high - most)] if most < high else []
    for corner, width, height in boxes:
        axes.add_patch(Rectangle(corner, width, height, facecolor="#ffffff66", edgecolor="white",
                                 hatch="////", linewidth=0.0, zorder=3))  # fmt: skip


def _totals(axes: Axes, data: ExpertMap, most: int) -> None:
    """Label the parameters of the model along the top."""
    every = np.unique(np.linspace(0, len(data.activation) - 1, most).round().astype(int))
    top = axes.secondary_xaxis("top")
    top.set_xticks(
        [float(data.activation[i]) for i in every],
        [tick(float(data.total[i]), "parameters") for i in every],
    )
    top.tick_params(length=2, labelsize="small", colors=QUIET, which="both")
    top.minorticks_off()
    top.spines["top"].set_visible(False)
    top.set_xlabel("parameters of the model", color=QUIET, fontsize="small")


def _own(axes: Axes, data: ExpertMap, labels: Labels) -> None:
    """Mark the design, and write its numbers beside it."""
    at = (data.design.activation, data.design.granularity)
    narrow = small(axes)
    star(axes, *at, size=9 if narrow else 15)
    labels.avoid_points([at], size=9 if narrow else 14)
    words = f"1/{1 / at[0]:.3g} active, G {at[1]:.3g}\nloss {loss_text(data.design_loss)}"
    labels.beside(words, [at],
                  reaches=(9.0, 14.0, 20.0, 28.0), backed=True, fontweight="bold",
                  zorder=9)  # fmt: skip


def _published(axes: Axes, data: ExpertMap, labels: Labels) -> None:
    """Draw published mixtures as circles, where a label fits."""
    narrow = small(axes)
    size = 3.0 if narrow else 4.5
    a, g = data.activation, data.granularity
    own = (data.design.activation, data.design.granularity)
    marks = [
        m for m in data.published
        if a[0] * _MARGIN < m.activation < a[-1] / _MARGIN
        and g[0] * _MARGIN < m.granularity < g[-1] / _MARGIN
        and not labels.cover((m.activation, m.granularity), 2 * size)
        and math.hypot(*labels.between(own, (m.activation, m.granularity))) > _CLOSE
    ]  # fmt: skip
    x, y = [m.activation for m in marks], [m.granularity for m in marks]
    some = far_apart(axes, x, y, _NAMES["column" if narrow else "wide"])
    labels.avoid_points([(x[i], y[i]) for i in some], size=size + 1, weight=MARK)
    named = [
        i for i in some
        if labels.beside(marks[i].name, [(x[i], y[i])], reaches=_REACHES, optional=True,
                         backed=True, leader_from=9.0, fontsize="x-small")
    ]  # fmt: skip
    axes.plot([x[i] for i in named], [y[i] for i in named], linestyle="none", marker="o",
              markersize=size, markerfacecolor="white", markeredgecolor=INK, markeredgewidth=0.9,
              zorder=5)  # fmt: skip
