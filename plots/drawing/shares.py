"""Stacked bars of shares of a whole, a row each, with a name in every part that has room."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from modelsizer.plots.drawing.one_axes import legend_below
from modelsizer.plots.drawing.style import INK, small
from modelsizer.problems.records import dataclass

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

_BAR = 0.72  # height of a bar, relative to the distance between bars
_ROOM = 0.96  # fraction of a part's width that its text may take
_POINTS = 72.0  # points per inch
_PAD = 0.15  # relative to the font size, around the text in a part
_WHOLE_PERCENTS = 9.95  # percent from which a share is written without a decimal
_LEAST_SHARE = 0.005  # smaller parts are neither drawn nor in the legend


@dataclass(frozen=True, slots=True)
class Part:
    """Style of a part in every bar: its names, and how it is filled."""

    name: str
    short: str
    colour: str
    hatch: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar: its label, and its parts by name, in any unit."""

    label: str
    parts: Mapping[str, int | Fraction]

    def pieces(self, order: Mapping[str, Part]) -> list[tuple[str, float, float]]:
        """Parts large enough to draw, as (key, start, length); in percent."""
        total, before, found = sum(self.parts.values()), Fraction(0), []
        for name in order:
            part = self.parts.get(name, 0)
            if part >= _LEAST_SHARE * total:
                found.append((name, float(100 * before / total), float(100 * part / total)))
            before += part
        return found


def draw_shares(axes: Axes, bars: Sequence[Bar], order: Mapping[str, Part]) -> None:
    """Draw the bars from the top down, each scaled to 100 %.

    Parameters
    ----------
    axes : Axes
    bars : sequence of Bar
    order : mapping of str to Part
        Every part that a bar may have, from left to right.
    """
    for row, bar in enumerate(bars):
        for name, left, share in bar.pieces(order):
            part = order[name]
            axes.barh(row, share, _BAR, left, color=part.colour, hatch=part.hatch,
                      edgecolor="white", linewidth=0.8)  # fmt: skip
    axes.set_yticks(range(len(bars)), [bar.label for bar in bars])
    axes.set_ylim(len(bars) - 0.5, -0.5)
    axes.set_xlim(0.0, 100.0)
    axes.set_xlabel("share of the whole (%)")
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)


def swatch(part: Part) -> Patch:
    """An entry of a legend."""
    from matplotlib.patches import Patch

    return Patch(facecolor=part.colour, hatch=part.hatch * 2, edgecolor="white", linewidth=0.0,
                 label=part.name)  # fmt: skip


def shares_key(where: Figure | Axes, bars: Sequence[Bar], order: Mapping[str, Part]) -> None:
    """Draw a legend of the parts shown, below a figure or axes."""
    drawn = {name for bar in bars for name, _, _ in bar.pieces(order)}
    legend_below(
        where,
        [swatch(part) for name, part in order.items() if name in drawn],
        ncols=2 if small(where) else 3,
        handlelength=1.6,
        handleheight=1.1,
    )


def name_shares(axes: Axes, bars: Sequence[Bar], order: Mapping[str, Part]) -> None:
    """Write name and share inside each part, or only the share where the name does not fit.

    The figure must be laid out.
    """
    for row, bar in enumerate(bars):
        for name, left, share in bar.pieces(order):
            words = f"{share:.{0 if share >= _WHOLE_PERCENTS else 1}f} %"
            part = order[name]
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
