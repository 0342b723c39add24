"""Loss against training FLOPs: runs, the law at its best size, its band and the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelsizer.optimizer.fitting.compute_frontier import SHARE, compute_frontier
from modelsizer.plots.drawing.axes import quantity_axis, tick
from modelsizer.plots.drawing.labels import INKED, Labels
from modelsizer.plots.drawing.marks import colour_bar, star
from modelsizer.plots.drawing.style import COLOURS, INK, STAR, small
from modelsizer.problems.laws.digits import loss_text

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.cm import ScalarMappable
    from matplotlib.figure import Figure

    from modelsizer.optimizer.fitting.compute_frontier import ComputeFrontier
    from modelsizer.optimizer.fitting.study import Study
    from modelsizer.optimizer.tables.table import Floats

_DOT = {False: 11.0, True: 5.0}  # area of a run's mark, square points, by whether axes are small
_DARKEST, _LIGHTEST = 0.0, 0.9  # on the colour map, smallest to largest model
_BAND = "#9ccbe8"  # a light FILLS[0]
_CORNERS = ("upper right", "lower left")
_SIDES = ((-1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1), (1, 1))  # of the target, for its label
_REACHES = (14.0, 22.0, 32.0, 44.0, 64.0)  # points, of the same
_WITHIN = (0.0, 0.25, 0.5, 0.75, 1.0)  # of the band, where no label goes
_MOST_SEEN = 1.15  # factor on the quantile of losses at which the axis ends
_FAR = 0.97  # quantile of the losses of runs within the axes
_TICKS = 7


def draw_scaling(figure: Figure, axes: Axes, study: Study) -> None:
    """Draw runs by compute with their size as colour, the frontier of the law, and the target.

    The law is solid over the compute of the runs and dashed beyond. The band holds 90 % of the
    bootstrap.

    Raises
    ------
    ValueError
        If the law has no best size.
    """
    found = compute_frontier(study)
    flops, loss = study.runs.columns["C"], study.runs.loss
    axes.set_xscale("log")
    axes.set_yscale("log")
    bar = colour_bar(figure, axes, _runs(axes, study), extend="neither")
    quantity_axis(bar.ax, "y", "parameters", log=True)
    bar.set_label("parameters of a run")
    if found.low is not None and found.high is not None:
        axes.fill_between(found.flops, found.low, found.high, color=_BAND, linewidth=0, zorder=1)
    seen = found.flops <= float(flops.max())
    inside = int(seen.sum())
    axes.plot(found.flops[:inside], found.loss[:inside], color=INK, linewidth=1.5, zorder=4)
    axes.plot(found.flops[inside - 1 :], found.loss[inside - 1 :], color=INK, linewidth=1.2,
              linestyle=(0, (4, 2)), zorder=4)  # fmt: skip
    star(axes, found.target_flops, found.target_loss, size=8 if small(axes) else 12)
    low = min(float(loss.min()), float((found.loss if found.low is None else found.low).min()))
    high = max(float(np.quantile(loss, _FAR)) * _MOST_SEEN, float(found.loss.max()))
    axes.set_xlim(float(found.flops[0]), float(found.flops[-1]))
    axes.set_ylim(low * (low / high) ** 0.05, high)
    quantity_axis(axes, "x", "training_flops", log=True)
    _loss_axis(axes)
    _name(axes, found, flops, loss, dropped=int((loss > high).sum()))


def _runs(axes: Axes, study: Study) -> ScalarMappable:
    """Draw the runs, in shades of their size."""
    import matplotlib as mpl
    from matplotlib.colors import ListedColormap, LogNorm

    n = study.runs.columns["N"]
    shades = ListedColormap(mpl.colormaps[COLOURS](np.linspace(_DARKEST, _LIGHTEST, 256)))
    return axes.scatter(
        study.runs.columns["C"], study.runs.loss, c=n, s=_DOT[small(axes)], cmap=shades,
        norm=LogNorm(float(n.min()), max(float(n.max()), float(n.min()) * 1.001)), linewidths=0,
        zorder=3,
    )  # fmt: skip


def _loss_axis(axes: Axes) -> None:
    """Label a logarithmic axis of losses with plain numbers of equal decimals."""
    from matplotlib.ticker import FormatStrFormatter, MaxNLocator, NullFormatter, NullLocator

    axes.yaxis.set_major_locator(MaxNLocator(nbins=_TICKS, steps=[1, 2, 2.5, 5, 10]))
    low, high = axes.get_ylim()
    ticks = [value for value in axes.yaxis.get_major_locator().tick_values(low, high)
             if low <= value <= high]  # fmt: skip
    whole = all(round(10 * value, 6) == round(10 * value) for value in ticks)
    axes.yaxis.set_major_formatter(FormatStrFormatter("%.1f" if whole else "%.2f"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set_ylabel("loss (nats per token)")


def _name(axes: Axes, found: ComputeFrontier, flops: Floats, loss: Floats, *, dropped: int) -> None:
    """Label the target, and say what is drawn in a free corner."""
    labels = Labels(axes)
    labels.avoid_points(np.column_stack([flops, loss]), size=3.5, weight=INKED)
    labels.avoid_line(np.column_stack([found.flops, found.loss]), width=2.0)
    if found.low is not None and found.high is not None:
        for share in _WITHIN:
            inside = found.low + share * (found.high - found.low)
            labels.avoid_line(np.column_stack([found.flops, inside]))
    at = (found.target_flops, found.target_loss)
    labels.avoid_points([at], size=12.0)
    narrow = small(axes)
    words = ["black: the law at its best size,", "dashed beyond the runs"]
    if found.low is not None:
        words.append(f"band: {SHARE:.0%} of the bootstrap".replace("%", " %"))
    if found.held:
        words.append(f"{', '.join(found.held)} at their medians")
    if dropped:
        words.append(f"{dropped} runs of more loss not shown")
    band = found.target_band
    value = f"loss {loss_text(found.target_loss)}"
    if band is not None:
        value += f" ({loss_text(band[0])} to {loss_text(band[1])})"
    n, tokens = tick(found.target_parameters, "parameters"), tick(found.target_tokens, "tokens")
    target = tick(found.target_flops, "training_flops")
    said = f"target {target} FLOPs:\n{n} on {tokens} tokens\n{value}"
    if narrow:
        labels.note(said, _CORNERS[:1], fontsize="x-small").set(color=STAR, fontweight="bold")
    else:
        labels.beside(said, [at], _SIDES, _REACHES, color=STAR, fontweight="bold", backed=True)
    corners = _CORNERS[1:] if narrow else _CORNERS
    labels.note("\n".join(words), corners, fontsize="x-small" if narrow else "small")
