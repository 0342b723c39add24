"""Serving memory and training FLOPs by kind of layer, a bar of shares for each model."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from modelsizer.plots.designs.layer_styles import IN_BOTH, IN_FLOPS, IN_MEMORY
from modelsizer.plots.drawing.axes import heading, wrapped
from modelsizer.plots.drawing.one_axes import refuse_axes
from modelsizer.plots.drawing.shares import Bar, draw_shares, name_shares, shares_key
from modelsizer.plots.drawing.style import QUIET, SIZES, canvas
from modelsizer.plots.drawing.texts import one_line
from modelsizer.problems.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.problems.designs.by_kind import ByKind, Compared

_AROUND = MappingProxyType({"wide": 2.0, "column": 1.9})  # inches around the bars of both panels
_EACH = MappingProxyType({"wide": 0.42, "column": 0.32})  # inches per bar
_TITLE = MappingProxyType({"wide": 0.2, "column": 0.3})  # inches of a title above both
_NAME = 24  # characters of a name beside its bar


def kinds(data: Compared, *, title: str = "", size: str = "wide", ax: Axes | None = None) -> Figure:
    """Draw the shares of kinds of layer in serving memory and in training FLOPs.

    Parameters
    ----------
    data : Compared
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    Figure
        Two panels with a bar for each model. A colour is a family of layers; hatched is what the
        context costs there: caches and states above, scores below.

    Raises
    ------
    ValueError
        If there is no model, or `size` is unknown.
    """
    refuse_axes(ax, "kinds")
    if not data.models:
        raise ValueError("there is no model to draw")
    height = None  # `canvas` rejects an unknown size
    if size in SIZES:
        inches = _AROUND[size] + 2 * _EACH[size] * len(data.models)
        height = (inches + (_TITLE[size] if title else 0)) / SIZES[size].height
    panels = (
        (_serving(data), _memory_bars(data), IN_MEMORY),
        (_training(data), _flops_bars(data), IN_FLOPS),
    )
    with canvas(size, height=height) as figure:
        drawn = figure.subplots(2, 1, sharex=True)
        for axes, (words, bars, parts) in zip(drawn, panels, strict=True):
            draw_shares(axes, bars, parts)
            heading(axes, words)
        drawn[0].set_xlabel("")
        shares_key(figure, [bar for _, bars, _ in panels for bar in bars], IN_BOTH)
        if title:
            figure.suptitle(
                wrapped(figure, title), x=0.01, ha="left", fontsize="medium", color=QUIET
            )
        figure.draw_without_rendering()  # so that the layout is known
        for axes, (_, bars, parts) in zip(drawn, panels, strict=True):
            name_shares(axes, bars, parts)
    return figure


def _serving(data: Compared) -> str:
    where = f" on each of {data.accelerators} accelerators" if data.accelerators > 1 else ""
    batch = f"{data.batch:,} x " if data.batch > 1 else ""
    return f"Serving memory{where}, {batch}{data.context:,} tokens"


def _training(data: Compared) -> str:
    return f"Training FLOPs a token, sequences of {data.sequence:,}"


def _memory_bars(data: Compared) -> list[Bar]:
    return [
        Bar(_label(model, float(sum(model.memory.values())), "bytes"), model.memory)
        for model in data.models
    ]


def _flops_bars(data: Compared) -> list[Bar]:
    return [
        Bar(_label(model, sum(model.flops.values()), "FLOPs"), model.flops) for model in data.models
    ]


def _label(model: ByKind, total: float, unit: str) -> str:
    return f"{one_line(model.name, _NAME)}\n{format_quantity(total, unit, 3)}"
