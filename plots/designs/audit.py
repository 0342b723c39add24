"""A model beside the best designs of its own budgets: what each takes, relative to the model."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelsizer.plots.drawing.axes import heading, tick, words
from modelsizer.plots.drawing.labels import Labels
from modelsizer.plots.drawing.one_axes import legend_below, one_axes
from modelsizer.plots.drawing.style import FAINT, FILLS, INK, small
from modelsizer.plots.drawing.texts import one_line
from modelsizer.problems.laws.digits import loss_text
from modelsizer.problems.records import dataclass

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.optimizer.audit import Audit
    from modelsizer.problems.designs.evaluation import Evaluation

_QUANTITIES = (
    "training_flops", "tokens", "parameters", "active_parameters", "inference_flops_per_token",
    "serving_memory", "kv_bytes_per_token", "layers", "d_model",
)  # fmt: skip
"""Rows, from the top; those that are known of the model and differ from the row before."""
_ROW, _AROUND = 0.082, 0.36  # fractions of the height of the size: a row, and what is around them
_TALLER = 1.3  # factor on a row in a one-column figure
_LEAST = 0.08  # decades to either side of the model
_ROOM = 0.12  # fraction of the width beyond the outermost mark
_SAME = 1e-6  # relative difference below which two rows show the same
_LOOKS = (("o", FILLS[0], 7.5), ("s", FILLS[1], 4.5))
"""Marker, colour and size of the marks: where two are in one place both are seen."""


@dataclass(frozen=True, slots=True)
class Rival:
    """A design beside the model.

    Parameters
    ----------
    name : str
    design : Evaluation
    proven : bool
    """

    name: str
    design: Evaluation
    proven: bool


def audit(
    found: Audit,
    name: str = "the model",
    *,
    title: str = "",
    size: str = "wide",
    ax: Axes | None = None,
) -> Figure:
    """Draw what the best designs take of each quantity, relative to the model.

    A row for each quantity, with the model at 1 and a mark for the design of least loss and that
    of least training FLOPs; hollow if it is not proven. Quantities that the audit limits are bold.

    Parameters
    ----------
    found : Audit
    name : str
        Of the model, for the legend.
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Raises
    ------
    ValueError
        If there is no design to compare with.
    """
    rivals = [
        Rival(words_, result.design, result.status == "optimal")
        for words_, result in (("least loss", found.optimum), ("least FLOPs", found.cheapest))
        if result.design is not None
    ]
    if not rivals:
        raise ValueError("no design was found to compare the model with")
    rows = _rows(found.model, rivals)
    each = _ROW * (_TALLER if size == "column" else 1.0)
    with one_axes(ax, size, height=_AROUND + each * len(rows)) as (figure, axes):
        from matplotlib.ticker import FuncFormatter, NullFormatter

        axes.set_xscale("log")
        axes.set_xlim(*_limits(rows))
        axes.set_ylim(len(rows) - 0.4, -0.6)
        for at, (_, own, others) in enumerate(rows):
            axes.axhline(at, color=FAINT, lw=0.6, zorder=0)
            _draw(axes, at, own, others, rivals)
        axes.axvline(1.0, color=INK, lw=1.0, zorder=1)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        _few_ticks(axes)
        axes.set_xlabel(f"relative to {one_line(name)}")
        limited = set(found.problem.budgets.limits)
        axes.set_yticks(range(len(rows)), [_label(q, own) for q, own, _ in rows])
        for label, (quantity, _, _) in zip(axes.get_yticklabels(), rows, strict=True):
            label.set_fontweight("bold" if quantity in limited else "normal")
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
        heading(axes, title)
        _key(axes, found, one_line(name), rivals)
        _values(axes, rows)
    return figure


Row = tuple[str, float, tuple[float | None, ...]]
"""Quantity; value of the model; values of the rivals."""


def _value(design: Evaluation, quantity: str) -> float | None:
    if quantity in ("layers", "d_model"):
        own = design.architecture
        return float(own.layers if quantity == "layers" else own.trunk.d_model)
    value = design.tokens if quantity == "tokens" else design.exact.get(quantity)
    return None if value is None or not math.isfinite(float(value)) else float(value)


def _rows(model: Evaluation, rivals: Sequence[Rival]) -> list[Row]:
    """Quantities that are known of the model and of a rival, without repeats."""
    rows: list[Row] = []
    for quantity in _QUANTITIES:
        own = _value(model, quantity)
        others = tuple(_value(rival.design, quantity) for rival in rivals)
        if not own or all(not other for other in others):
            continue
        if quantity == "active_parameters" and _as_the_last(rows, own, others):
            continue
        rows.append((quantity, own, others))
    return rows


def _as_the_last(rows: Sequence[Row], own: float, others: Sequence[float | None]) -> bool:
    """Whether values are those of the row before: all parameters of dense designs are active."""
    pairs = zip((own, *others), (rows[-1][1], *rows[-1][2]), strict=True)
    return all(a is not None and b is not None and abs(a - b) <= _SAME * b for a, b in pairs)


def _limits(rows: Sequence[Row]) -> tuple[float, float]:
    logs = [math.log10(other / own) for _, own, others in rows for other in others if other]
    low, high = min(-_LEAST, *logs), max(_LEAST, *logs)
    room = _ROOM * (high - low)
    return 10 ** (low - room), 10 ** (high + room)


def _draw(
    axes: Axes, at: int, own: float, others: Sequence[float | None], rivals: Sequence[Rival]
) -> None:
    """Draw the marks of a row, each joined to the model."""
    for (marker, colour, points), rival, other in zip(_LOOKS, rivals, others, strict=False):
        if other:
            ratio = other / own
            axes.plot([1.0, ratio], [at, at], color=colour, lw=1.2, alpha=0.6, zorder=2)
            axes.plot([ratio], [at], marker=marker, ms=points, color=colour, mec=colour, zorder=4,
                      mfc=colour if rival.proven else "white", ls="none")  # fmt: skip
    axes.plot([1.0], [at], marker="|", ms=9, color=INK, mew=1.4, ls="none", zorder=3)


def _few_ticks(axes: Axes) -> None:
    """Label ratios of 1, 2 and 5, or finer ones where they are close."""
    from matplotlib.ticker import FixedLocator, NullLocator

    low, high = axes.get_xlim()
    for ladder in (
        (0.001, 0.01, 0.1, 1, 10, 100, 1000),
        (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100),
        (0.25, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.2, 1.5, 2, 2.5, 3, 4),
        (0.8, 0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2),
    ):
        inside = [float(value) for value in ladder if low <= value <= high]
        if len(inside) >= (3 if small(axes) else 4):
            break
    axes.xaxis.set_major_locator(FixedLocator(inside))
    axes.xaxis.set_minor_locator(NullLocator())


def _label(quantity: str, own: float) -> str:
    name = words(quantity).removesuffix(" per accelerator").removesuffix(" (nats per token)")
    return f"{name}\n{tick(own, quantity)}"


def _values(axes: Axes, rows: Sequence[Row]) -> None:
    """Write the value of each mark above or below it."""
    labels = Labels(axes)
    for at, (_, own, others) in enumerate(rows):
        marks = [(other / own, float(at)) for other in others if other]
        labels.avoid_points([(1.0, at), *marks], size=7.0)
        labels.avoid_line([(min(1.0, *(x for x, _ in marks)), at),
                           (max(1.0, *(x for x, _ in marks)), at)], width=2.0)  # fmt: skip
    bottom, top = axes.get_ylim()
    labels.avoid_line([(1.0, top), (1.0, bottom)])
    for at, (quantity, own, others) in enumerate(rows):
        for other in dict.fromkeys(others):
            if other and abs(other - own) > _SAME * own:
                labels.beside(tick(other, quantity), [(other / own, float(at))],
                              ((1, 0), (-1, 0), (0, 1), (0, -1)), (5.0, 6.5), optional=True,
                              backed=True, fontsize="x-small")  # fmt: skip


def _key(axes: Axes, found: Audit, name: str, rivals: Sequence[Rival]) -> None:
    from matplotlib.lines import Line2D

    rms = found.problem.law.rms
    own = f"{name}, loss {loss_text(found.model.loss, rms)}"
    handles = [Line2D([], [], ls="none", marker="|", ms=9, mew=1.4, color=INK, label=own)]
    for (marker, colour, points), rival in zip(_LOOKS, rivals, strict=False):
        so_far = "" if rival.proven else " so far"
        loss = loss_text(rival.design.loss, rms)
        words_ = f"{rival.name}{so_far}{': ' if rival.name == 'least loss' else ', loss '}{loss}"
        face = colour if rival.proven else "white"
        handles.append(Line2D([], [], ls="none", marker=marker, ms=points, color=colour,
                              mfc=face, label=words_))  # fmt: skip
    legend_below(axes, handles, ncols=1 if small(axes) else len(handles))
