"""The roofline of decode and prefill: FLOP/s against arithmetic intensity, with designs on it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from modelsizer.plots.drawing.axes import heading
from modelsizer.plots.drawing.labels import REACHES, SIDES, Labels
from modelsizer.plots.drawing.notes import note
from modelsizer.plots.drawing.one_axes import one_axes
from modelsizer.plots.drawing.style import INK, QUIET, STAR, small
from modelsizer.plots.drawing.texts import one_line, power
from modelsizer.problems.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from modelsizer.problems.designs.roofline_points import Point, Roof, Roofline

_MARKERS = {"decode": "o", "prefill": "s"}
_COLOURS = (STAR, "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#999999")
"""The optimum's colour for the first design, then those of `style.FILLS`."""
_MARGIN = 2.2  # margin around points and ridge, a factor
_BELOW = (3.0, 5.0)  # the same below the lowest point, where its names are; wide, narrow
_SLOPE = 60.0  # minimum span of intensity left of the ridge, a factor
_MANY = 1e5  # FLOPs/byte
_HEADROOM = 3.0  # factor above the peak, for its label
_ALONG = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.9, 0.1)  # fractions along a line, for its label
_SMALL, _LARGE = 0.4, 0.7  # diameter of a mark, relative to the font size
_DOT = 4.0  # diameter of the mark at the ridge, points
_SAME_PLACE = 12.0  # points within which two marks share a label


def roofline(
    data: Roofline, *, title: str = "", size: str = "wide", ax: Axes | None = None
) -> Figure:
    """Draw the decode and prefill steps of designs on the roofline of an accelerator.

    Parameters
    ----------
    data : Roofline
        The batch sizes of the first design are joined by a line.
    title : str
    size : str
        A key of `modelsizer.plots.drawing.style.SIZES`.
    ax : Axes, optional
        Where to draw; by default in a figure of its own.

    Returns
    -------
    Figure
        The roof at the assumed efficiencies is solid and that of the data sheet dashed. A thin
        line from each point up to the roof shows the loss to overheads.
    """
    with one_axes(ax, size) as (figure, axes):
        axes.set_xscale("log")
        axes.set_yscale("log")
        _limits(axes, data, narrow=small(axes))
        _axes_in_words(axes, data.roof)
        heading(axes, title)
        hollow = any(point.fits is False for point in _all(data))
        key = note(axes, "hollow: does not fit", "lower right") if hollow else None
        labels = Labels(axes)
        if key is not None:
            labels.avoid_text(key)
        _draw_roof(axes, data.roof, labels)
        _draw_points(axes, data, labels)
        _name_roof(axes, data.roof, labels)
        _name_points(data, labels, narrow=small(axes))
    return figure


def _all(data: Roofline) -> list[Point]:
    first = data.designs[0].batches if data.designs else ()
    return [*first, *(p for d in data.designs for p in (d.decode, d.prefill))]


def _limits(axes: Axes, data: Roofline, *, narrow: bool) -> None:
    points, roof = _all(data), data.roof
    across = [*(p.intensity for p in points), roof.ridge, roof.peak_ridge]
    up = [p.attained for p in points]
    left = min(min(across) / _MARGIN, roof.peak_ridge / _SLOPE)
    axes.set_xlim(left, max(across) * _MARGIN)
    axes.set_ylim(min([*up, roof.flops / 10]) / _BELOW[narrow], roof.peak_flops * _HEADROOM)


def _axes_in_words(axes: Axes, roof: Roof) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xlabel("arithmetic intensity (FLOPs/byte)")
    each = f"each of {roof.ways}" if roof.ways > 1 else "one"
    axes.set_ylabel(f"attained by {each} {one_line(roof.device)}")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _intensity(value)))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: format_quantity(value, "FLOP/s", 3))
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())


def _intensity(value: float) -> str:
    """A tick of the intensity: a power of ten, in digits unless they are many."""
    return f"{value:,.10g}" if value < _MANY else power(round(math.log10(value)))


def _draw_roof(axes: Axes, roof: Roof, labels: Labels) -> None:
    left, right = axes.get_xlim()
    for flops, bandwidth, style in _roofs(roof):
        corner = (flops / bandwidth, flops)
        start, end = (left, left * bandwidth), (right, flops)
        axes.plot(*zip(start, corner, end, strict=True), zorder=2, **style)
        labels.avoid_line([start, corner, end])
    corner = (roof.ridge, roof.flops)
    axes.plot(*corner, "o", ms=_DOT, color=INK, zorder=3)
    labels.avoid_points([corner], size=_DOT)


def _roofs(roof: Roof) -> list[tuple[float, float, dict[str, Any]]]:
    return [
        (roof.peak_flops, roof.peak_bandwidth, {"color": QUIET, "lw": 0.8, "ls": (0, (4, 2))}),
        (roof.flops, roof.bandwidth, {"color": INK, "lw": 1.6}),
    ]


def _name_roof(axes: Axes, roof: Roof, labels: Labels) -> None:
    """Label peak and bandwidth, and their achieved values, above the roof, where no point lies."""
    left, right = axes.get_xlim()
    bottom = axes.get_ylim()[0]

    def between(start: float, end: float) -> list[float]:
        return [start * (end / start) ** share for share in _ALONG]

    def words(peak: float, reached: float, unit: str) -> str:
        share = f"{100 * reached / peak:.0f} %"
        return (
            f"{format_quantity(peak, unit, 3)} peak\n{format_quantity(reached, unit, 3)} at {share}"
        )

    peak, bandwidth = roof.peak_flops, roof.peak_bandwidth
    labels.beside(words(peak, roof.flops, "FLOP/s"),
                [(x, peak) for x in between(roof.peak_ridge, right)], [(0, 1)], (3.0,))  # fmt: skip
    slope = between(max(left, bottom / bandwidth), roof.peak_ridge)
    labels.beside(words(bandwidth, roof.bandwidth, "bytes/s"),
                [(x, x * bandwidth) for x in slope], [(-1, 1), (1, -1)], (3.0, 6.0))  # fmt: skip


def _name_ridge(roof: Roof, labels: Labels, *, narrow: bool) -> None:
    unit = "" if narrow else " FLOPs/byte"
    sides = [(1, -1), (0.5, -1), (0, -1), (-1, 0), (-1, 0.5), (-1, 1)]
    labels.beside(f"ridge {roof.ridge:,.0f}{unit}", [(roof.ridge, roof.flops)], sides, REACHES)


def _draw_points(axes: Axes, data: Roofline, labels: Labels) -> None:
    for i, design in reversed(list(enumerate(data.designs))):
        colour = _COLOURS[i % len(_COLOURS)]
        if i == 0:
            x, y = zip(*((p.intensity, p.attained) for p in design.batches), strict=True)
            axes.plot(x, y, color=colour, lw=0.9, zorder=3)
            labels.avoid_line(np.column_stack([x, y]))
            for point in design.batches:
                _mark(axes, data.roof, point, colour, labels, size=_SMALL)
        for point in (design.decode, design.prefill):
            _mark(axes, data.roof, point, colour, labels, size=_LARGE)


def _mark(
    axes: Axes, roof: Roof, point: Point, colour: str, labels: Labels, *, size: float
) -> None:
    """Draw a point (hollow if infeasible) and a line from it up to the roof."""
    import matplotlib as mpl

    at = (point.intensity, point.attained)
    size *= mpl.rcParams["font.size"]
    fill = "white" if point.fits is False else colour
    axes.plot(*at, _MARKERS[point.phase], ms=size, mfc=fill, mec=colour, zorder=4)
    labels.avoid_points([at], size=size + 1)
    top = (point.intensity, roof.at(point.intensity))
    axes.plot(*zip(at, top, strict=True), color=colour, lw=0.6, ls=":", zorder=1)
    labels.avoid_line([at, top], width=0.5)


def _name_points(data: Roofline, labels: Labels, *, narrow: bool) -> None:
    """Label the steps and batch sizes of the first design, and every other design once."""
    named: list[Point] = []

    def name(point: Point, words: str, colour: str, **style: Any) -> bool:
        """Label a point; whether there was room for the label."""
        at = (point.intensity, point.attained)
        named.append(point)
        return labels.beside(words, [at], SIDES, REACHES, color=colour, **style) is not None

    for i, design in enumerate(data.designs):
        colour, own = _COLOURS[i % len(_COLOURS)], one_line(design.name)
        if i == 0:
            start = "" if len(data.designs) == 1 else f"{own}, "
            for point in (design.decode, design.prefill):
                name(point, start + _words(point, narrow=narrow), colour, fontweight="bold")
            continue
        name(design.decode, own, colour)
        if not any(_near(labels, design.prefill, other) for other in named):
            name(design.prefill, f"{own}, prefill", colour)
    _name_ridge(data.roof, labels, narrow=narrow)
    unit = "batch "  # told once
    for design in data.designs[:1]:
        for point in design.batches:
            if point.batch == design.decode.batch:
                continue
            if name(point, f"{unit}{point.batch}", _COLOURS[0], optional=True):
                unit = ""


def _near(labels: Labels, one: Point, other: Point) -> bool:
    """Whether two marks lie so close that they share a label."""
    between = labels.between((one.intensity, one.attained), (other.intensity, other.attained))
    return one.phase == other.phase and math.hypot(*between) < _SAME_PLACE


def _words(point: Point, *, narrow: bool) -> str:
    """Return the kind of a step, its seconds, and the share of neither moving nor computing."""
    time = format_quantity(point.seconds, "seconds", 3)
    if narrow:
        return f"{point.phase}\n{time}"
    share = f"{100 * point.beside_seconds / point.seconds:.0f} % overhead"
    if point.phase == "decode":
        return f"decode, batch {point.batch}\n{time} a token\n{share}"
    prompts = f"{point.batch} x " if point.batch > 1 else ""
    return f"prefill, {prompts}{point.tokens:,} tokens\n{time}\n{share}"
