"""Shares of parameters and FLOPs by component, as stacked bars."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from types import MappingProxyType
from typing import TYPE_CHECKING

from modelsizer.plots.drawing.style import FILLS, HATCHES, INK, QUIET, SIZES, canvas, small
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

_BAR = 0.72  # height of a bar, relative to the distance between bars
_ROOM = 0.96  # fraction of a part's width that its text may take
_POINTS = 72.0  # points per inch
_PAD = 0.15  # relative to the font size, around the text in a part
_AROUND = MappingProxyType({"wide": 1.25, "column": 1.0})  # inches above and below the bars
_EACH = MappingProxyType({"wide": 0.5, "column": 0.36})  # inches per bar
_LINE = MappingProxyType({"wide": 0.16, "column": 0.11})  # inches per further line of the title
_TITLE = 58  # characters per line of the title, at either size
_NAME = 120  # characters of a name in it
_LONG = 10**7  # tokens from which a context length is abbreviated
_WHOLE_PERCENTS = 9.95  # percent from which a share is written without a decimal
_LEAST_SHARE = 0.005  # smaller parts are neither drawn nor in the legend


@dataclass(frozen=True, slots=True)
class _Part:
    """Style of a part in every bar: its names, and its index in `FILLS` and `HATCHES`."""

    name: str
    short: str
    style: int


_PARTS = MappingProxyType(
    {
        "embedding": _Part("embedding", "embed.", 4),
        "attention": _Part("attention projections", "attention", 2),
        "scores": _Part("scores and values", "scores", 1),
        "states": _Part("recurrences", "states", 5),
        "ffn": _Part("feed-forward", "ffn", 0),
        "rest": _Part("norms and other", "other", 6),
        "head": _Part("lm head", "head", 3),
    }
)
"""In the order of a forward pass; neighbours differ in lightness."""


@dataclass(frozen=True, slots=True)
class _Bar:
    """A bar: its label, and its parts by the keys of `_PARTS`."""

    label: str
    parts: dict[str, int]

    def pieces(self) -> list[tuple[str, float, float]]:
        """Parts large enough to draw, as (key, start, length); in percent."""
        total, before, found = sum(self.parts.values()), 0, []
        for name in _PARTS:
            part = self.parts.get(name, 0)
            if part >= _LEAST_SHARE * total:
                found.append((name, 100 * before / total, 100 * part / total))
            before += part
        return found


def allocation(data: Allocation, title: str = "", size: str = "wide") -> Figure:
    """Draw shares of parameters, of active parameters where they differ, and of FLOPs.

    Parameters
    ----------
    data : Allocation
    title : str
        Name of the model; its layers and d_model are appended.
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.

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
    lines = wrap(f"{one_line(title, _NAME)}: {_shape(data)}" if title else _shape(data), _TITLE)
    height = None  # `canvas` rejects an unknown size
    if size in SIZES:
        inches = _AROUND[size] + _EACH[size] * len(bars) + _LINE[size] * max(0, len(lines) - 1)
        height = inches / SIZES[size].height
    with canvas(size, height=height) as figure:
        axes = figure.add_subplot()
        _draw(axes, bars)
        _key(figure, bars)
        figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize="medium", fontweight="bold")
        axes.set_title(_crossing(data), fontsize="small", fontweight="normal", color=QUIET)
        _name_parts(figure, axes, bars)
    return figure


def _shape(data: Allocation) -> str:
    return f"{data.architecture.layers} layers, d_model {data.architecture.trunk.d_model}"


def _bars(data: Allocation) -> list[_Bar]:
    p = data.parameters
    sparse = p.active != p.total
    bars = [_of_parameters("parameters\nheld" if sparse else "parameters", total_parts(p))]
    if sparse:
        bars.append(_of_parameters("parameters\nactive", active_parts(p)))
    return bars + [
        _of_flops(context, flops)
        for context, flops in zip(data.contexts, data.forward, strict=True)
    ]


def _of_parameters(label: str, parts: dict[str, int]) -> _Bar:
    total = format_quantity(sum(parts.values()), "parameters", 3)
    named = {"embedding": "embedding", "attention": "attention", "ffn": "ffn", "lm_head": "head"}
    found = {part: parts[name] for name, part in named.items()}
    rest = sum(parts.values()) - sum(found.values())
    return _Bar(f"{total} {label}", found | {"rest": rest})


def _of_flops(context: int, flops: ForwardFlops) -> _Bar:
    total = format_quantity(flops.total, "FLOPs", 3)
    parts = {"attention": flops.attention_projections, "scores": flops.scores, "ffn": flops.ffn,
             "states": flops.states, "rest": flops.other, "head": flops.head}  # fmt: skip
    tokens = f"{context:,}" if context < _LONG else format_quantity(context, "tokens")
    return _Bar(f"{total} a token\nat {tokens} tokens", parts)


def _crossing(data: Allocation) -> str:
    """State the context length from which scores need more FLOPs than the feed-forward."""
    if not any(flops.scores for flops in data.forward):
        return "no scores"
    if data.scores_outweigh_ffn is None:
        return "windows keep the scores below the feed-forward"
    return f"scores outweigh the feed-forward from {data.scores_outweigh_ffn:,} tokens"


def _draw(axes: Axes, bars: list[_Bar]) -> None:
    """Draw the bars from the top down, each scaled to 100 %."""
    for row, bar in enumerate(bars):
        for name, left, share in bar.pieces():
            style = _PARTS[name].style
            axes.barh(row, share, _BAR, left, color=FILLS[style], hatch=HATCHES[style],
                      edgecolor="white", linewidth=0.8)  # fmt: skip
    axes.set_yticks(range(len(bars)), [bar.label for bar in bars])
    axes.set_ylim(len(bars) - 0.5, -0.5)
    axes.set_xlim(0.0, 100.0)
    axes.set_xlabel("share of the whole (%)")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def _key(figure: Figure, bars: list[_Bar]) -> None:
    """Draw a legend of the parts shown, below the axes."""
    from matplotlib.patches import Patch

    drawn = {name for bar in bars for name, _, _ in bar.pieces()}
    patches = [
        Patch(facecolor=FILLS[part.style], hatch=HATCHES[part.style] * 2, edgecolor="white",
              linewidth=0.0, label=part.name)
        for name, part in _PARTS.items() if name in drawn
    ]  # fmt: skip
    figure.legend(
        handles=patches,
        loc="outside lower left",
        ncols=2 if small(figure) else 3,
        handlelength=1.6,
        handleheight=1.1,
    )


def _name_parts(figure: Figure, axes: Axes, bars: list[_Bar]) -> None:
    """Write name and share inside each part, or only the share where the name does not fit."""
    figure.draw_without_rendering()  # so that the layout is known
    for row, bar in enumerate(bars):
        for name, left, share in bar.pieces():
            words = f"{share:.{0 if share >= _WHOLE_PERCENTS else 1}f} %"
            part = _PARTS[name]
            for text in (f"{part.name} {words}", f"{part.short} {words}", words):
                if _write(axes, left, share, row, text):
                    break


def _write(axes: Axes, left: float, share: float, row: int, words: str) -> bool:
    """Write a text in a part if it fits; return whether it did."""
    text = axes.text(
        left + share / 2, row, words, ha="center", va="center", fontsize="small", color=INK,
        bbox={"boxstyle": f"round,pad={_PAD}", "facecolor": "white", "edgecolor": "none"},
    )  # fmt: skip
    ends = axes.transData.transform([(left, row), (left + share, row)])
    pads = 2 * _PAD * float(text.get_fontsize()) * axes.figure.dpi / _POINTS
    if text.get_window_extent().width + pads <= _ROOM * (ends[1][0] - ends[0][0]):
        return True
    text.remove()
    return False
