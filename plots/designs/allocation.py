"""Shares of parameters and FLOPs by component, as stacked bars."""

from __future__ import annotations

from textwrap import wrap
from types import MappingProxyType
from typing import TYPE_CHECKING

from modelsizer.plots.drawing.axes import heading
from modelsizer.plots.drawing.one_axes import one_axes
from modelsizer.plots.drawing.shares import Bar, Part, draw_shares, name_shares, shares_key
from modelsizer.plots.drawing.style import FILLS, HATCHES, QUIET, SIZES
from modelsizer.plots.drawing.texts import one_line
from modelsizer.problems.architecture.allocation import (
    Allocation,
    ForwardFlops,
    active_parts,
    total_parts,
)
from modelsizer.problems.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_AROUND = MappingProxyType({"wide": 1.25, "column": 1.0})  # inches above and below the bars
_EACH = MappingProxyType({"wide": 0.5, "column": 0.36})  # inches per bar
_LINE = MappingProxyType({"wide": 0.16, "column": 0.11})  # inches per further line of the title
_TITLE = 58  # characters per line of the title, at either size
_NAME = 120  # characters of a name in it
_LONG = 10**7  # tokens from which a context length is abbreviated

_PARTS = MappingProxyType(
    {
        "embedding": Part("embedding", "embed.", FILLS[4], HATCHES[4]),
        "attention": Part("attention projections", "attention", FILLS[2], HATCHES[2]),
        "scores": Part("scores and values", "scores", FILLS[1], HATCHES[1]),
        "states": Part("recurrences", "states", FILLS[5], HATCHES[5]),
        "ffn": Part("feed-forward", "ffn", FILLS[0], HATCHES[0]),
        "rest": Part("norms and other", "other", FILLS[6], HATCHES[6]),
        "head": Part("lm head", "head", FILLS[3], HATCHES[3]),
    }
)
"""In the order of a forward pass; neighbours differ in lightness."""


def allocation(
    data: Allocation, title: str = "", size: str = "wide", *, ax: Axes | None = None
) -> Figure:
    """Draw shares of parameters, of active parameters where they differ, and of FLOPs.

    Parameters
    ----------
    data : Allocation
    title : str
        Name of the model; its layers and d_model are appended, and it is said from which context
        on scores need more FLOPs than the feed-forward. By default nothing of it is written.
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    Figure
        One bar for parameters, on top, and one for the FLOPs at each context length. A part is
        named in its bar where there is room, and left white below half a percent.

    Raises
    ------
    ValueError
        If `size` is unknown.
    """
    bars = _bars(data)
    lines = wrap(f"{one_line(title, _NAME)}: {_shape(data)}", _TITLE) if title else []
    height = None  # `canvas` rejects an unknown size
    if size in SIZES:
        inches = _AROUND[size] + _EACH[size] * len(bars) + _LINE[size] * max(0, len(lines) - 1)
        height = inches / SIZES[size].height
    with one_axes(ax, size, height=height) as (figure, axes):
        draw_shares(axes, bars, _PARTS)
        shares_key(axes, bars, _PARTS)
        if lines and ax is None:
            figure.suptitle(
                "\n".join(lines), x=0.01, ha="left", fontsize="medium", fontweight="bold"
            )
            axes.set_title(_crossing(data), fontsize="small", fontweight="normal", color=QUIET)
        elif lines:
            heading(axes, " ".join(lines))
        figure.draw_without_rendering()  # so that the layout is known
        name_shares(axes, bars, _PARTS)
    return figure


def _shape(data: Allocation) -> str:
    return f"{data.architecture.layers} layers, d_model {data.architecture.trunk.d_model}"


def _bars(data: Allocation) -> list[Bar]:
    p = data.parameters
    sparse = p.active != p.total
    bars = [_of_parameters("parameters\nheld" if sparse else "parameters", total_parts(p))]
    if sparse:
        bars.append(_of_parameters("parameters\nactive", active_parts(p)))
    return bars + [
        _of_flops(context, flops)
        for context, flops in zip(data.contexts, data.forward, strict=True)
    ]


def _of_parameters(label: str, parts: dict[str, int]) -> Bar:
    total = format_quantity(sum(parts.values()), "parameters", 3)
    named = {"embedding": "embedding", "attention": "attention", "ffn": "ffn", "lm_head": "head"}
    found = {part: parts[name] for name, part in named.items()}
    rest = sum(parts.values()) - sum(found.values())
    return Bar(f"{total} {label}", found | {"rest": rest})


def _of_flops(context: int, flops: ForwardFlops) -> Bar:
    total = format_quantity(flops.total, "FLOPs", 3)
    parts = {"attention": flops.attention_projections, "scores": flops.scores, "ffn": flops.ffn,
             "states": flops.states, "rest": flops.other, "head": flops.head}  # fmt: skip
    tokens = f"{context:,}" if context < _LONG else format_quantity(context, "tokens")
    return Bar(f"{total} a token\nat {tokens} tokens", parts)


def _crossing(data: Allocation) -> str:
    """State the context length from which scores need more FLOPs than the feed-forward."""
    if not any(flops.scores for flops in data.forward):
        return "no scores"
    if data.scores_outweigh_ffn is None:
        return "windows keep the scores below the feed-forward"
    return f"scores outweigh the feed-forward from {data.scores_outweigh_ffn:,} tokens"
