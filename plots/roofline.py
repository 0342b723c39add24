"""The roofline of decode and prefill: FLOP/s against arithmetic intensity, with designs on it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise, product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from plots.axes import heading
from plots.style import INK, QUIET, STAR, canvas, small
from problems.units import format_quantity

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

    from problems.roofline_points import Point, Roof, Roofline

_MARKERS = {"decode": "o", "prefill": "s"}
_COLOURS = (STAR, "#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#999999")
"""The optimum's for the design that the figure is about; the others as in `plots.style.FILLS`."""
_MARGIN = 2.2  # factor left around points and ridge
_SLOPE = 60.0  # factor of intensity left of the ridge, at the least
_HEADROOM = 3.0  # factor above the peak, for its name
_SIDES = ((1, 0), (1, -1), (0, -1), (-1, 0), (-1, 1), (0, 1), (-1, -1), (1, 1),
          (1, -0.5), (0.5, -1), (1, 0.5), (-1, 0.5), (-0.5, 1), (-1, -0.5))  # fmt: skip
"""Sides of a point on which its name may stand, the best first."""
_REACHES = (7.0, 14.0, 22.0, 32.0, 44.0, 58.0)  # points away
_LEADER_FROM = 14.0  # points away, from which a line joins name and point
_ALONG = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.9, 0.1)  # of a line, where its name may stand
_OWN = 2  # samples of a leader that lie on the mark that it comes from
_EVERY = 4.0  # points between samples of a line, which names keep clear of
_WIDER = 1.04  # by which type may be wider at another resolution
_CLEAR = 1.5  # points around a name
_OVER_WORDS, _OVER_MARK, _OVER_INK, _FAR = 1000.0, 100.0, 10.0, 0.2
"""What a name costs over another, over a mark, over a sample of a line, and for a point away."""
_SMALL, _LARGE = 0.4, 0.7  # of the size of type: across a mark
_DOT = 4.0  # points across the ridge
_SAME_PLACE = 12.0  # points
_POINTS_AN_INCH = 72.0
_ACROSS: dict[int, Literal["left", "center", "right"]] = {1: "left", 0: "center", -1: "right"}
_UP: dict[int, Literal["bottom", "center", "top"]] = {1: "bottom", 0: "center", -1: "top"}
XY = tuple[float, float]


def roofline(data: Roofline, *, title: str = "", size: str = "wide") -> Figure:
    """Draw decode and prefill of designs under the roof of an accelerator.

    Parameters
    ----------
    data : Roofline
        The batches of the first design are drawn as a line.
    title : str
    size : str
        A key of `plots.style.SIZES`.

    Returns
    -------
    Figure
        The roof at the efficiencies heavy, that of the data sheet dashed; a thin line leads from
        each point up to the roof: what overheads take.
    """
    with canvas(size) as figure:
        axes = figure.add_subplot()
        axes.set_xscale("log")
        axes.set_yscale("log")
        _limits(axes, data)
        _axes_in_words(axes, data.roof)
        heading(axes, title)
        figure.draw_without_rendering()  # names are placed on the axes as they will be
        names = _Names(axes)
        _draw_roof(axes, data.roof, names)
        _draw_points(axes, data, names)
        _name_roof(axes, data.roof, names)
        _name_points(data, names, narrow=small(figure))
    return figure


def _all(data: Roofline) -> list[Point]:
    first = data.designs[0].batches if data.designs else ()
    return [*first, *(p for d in data.designs for p in (d.decode, d.prefill))]


def _limits(axes: Axes, data: Roofline) -> None:
    points, roof = _all(data), data.roof
    across = [*(p.intensity for p in points), roof.ridge, roof.peak_ridge]
    up = [p.attained for p in points]
    left = min(min(across) / _MARGIN, roof.peak_ridge / _SLOPE)
    axes.set_xlim(left, max(across) * _MARGIN)
    axes.set_ylim(min([*up, roof.flops / 10]) / _MARGIN, roof.peak_flops * _HEADROOM)


def _axes_in_words(axes: Axes, roof: Roof) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter

    axes.set_xlabel("arithmetic intensity (FLOPs/byte)")
    each = f"each of {roof.ways}" if roof.ways > 1 else "one"
    axes.set_ylabel(f"attained by {each} {roof.device}")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axes.yaxis.set_major_formatter(
        FuncFormatter(lambda value, _: format_quantity(value, "FLOP/s", 3))
    )
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter(NullFormatter())


class _Names:
    """Names that stand beside what they name, clear of lines, points and one another."""

    def __init__(self, axes: Axes) -> None:
        figure = axes.get_figure(root=True)
        assert figure is not None
        self._axes, self._scale = axes, figure.dpi / _POINTS_AN_INCH  # pixels a point
        self._inside = axes.get_window_extent().padded(-_CLEAR * self._scale)
        self._taken = np.empty((0, 5))  # left, bottom, right, top and weight of what is there

    def keep_clear(self, start: XY, end: XY | None = None, *, points: float = 1.0) -> None:
        """Of a mark, or of a line that is straight on the axes."""
        dots = self._dots(start, (0.0, 0.0) if end is None else self.between(start, end), points)
        weight = _OVER_MARK if end is None else _OVER_INK
        self._take(dots, weight)

    def _take(self, boxes: Sequence[Bbox], weight: float) -> None:
        self._taken = np.vstack([self._taken, *([*box.extents, weight] for box in boxes)])

    def between(self, start: XY, end: XY) -> XY:
        """From one place to another, in points."""
        (x0, y0), (x1, y1) = self._pixels(start), self._pixels(end)
        return (x1 - x0) / self._scale, (y1 - y0) / self._scale

    def _dots(self, start: XY, away: XY, points: float = 1.0) -> list[Bbox]:
        """Small boxes on a straight way from a place on the axes, `away` in points."""
        from matplotlib.transforms import Bbox

        x, y = self._pixels(start)
        half = points * self._scale / 2
        number = 1 + math.ceil(math.hypot(*away) / _EVERY)
        steps = [i / number * self._scale for i in range(number)]
        centres = [(x + away[0] * step, y + away[1] * step) for step in steps]
        return [Bbox([[x - half, y - half], [x + half, y + half]]) for x, y in centres]

    def write(
        self, words: str, anchors: Sequence[XY], sides: Sequence[XY],
        reaches: Sequence[float], **style: Any,
    ) -> None:  # fmt: skip
        """Write at the anchor, on the side and at the reach that cost least."""
        from matplotlib.transforms import Bbox

        text = self._axes.annotate(
            words, anchors[0], (0, 0), textcoords="offset points", annotation_clip=False,
            fontsize="small", zorder=5, **style,
        )  # fmt: skip
        size = text.get_window_extent()
        width, height = size.width * _WIDER, size.height
        pad = _CLEAR * self._scale
        best: tuple[float, XY, XY, tuple[int, int], Bbox] | None = None
        for reach, anchor, side in product(reaches, anchors, sides):
            length = math.hypot(*side)
            away = (reach * side[0] / length, reach * side[1] / length)
            x, y = (p + a * self._scale for p, a in zip(self._pixels(anchor), away, strict=True))
            toward = (round(side[0]), round(side[1]))  # half a side is the middle
            x -= width * (1 - toward[0]) / 2
            y -= height * (1 - toward[1]) / 2
            box = Bbox([[x - pad, y - pad], [x + width + pad, y + height + pad]])
            cost = reach * _FAR + self._cost(box)
            if reach >= _LEADER_FROM:
                cost += sum(self._cost(dot) for dot in self._dots(anchor, away)[_OWN:])
            if best is None or cost < best[0]:
                best = cost, anchor, away, toward, box
        assert best is not None
        _, anchor, away, toward, box = best
        text.xy, text.xyann = anchor, away
        text.set_horizontalalignment(_ACROSS[toward[0]])
        text.set_verticalalignment(_UP[toward[1]])
        if math.hypot(*away) >= _LEADER_FROM:
            self._lead(anchor, away, str(style.get("color", INK)))
            self._take(self._dots(anchor, away), _OVER_INK)
        self._take([box], _OVER_WORDS)

    def _lead(self, anchor: XY, away: XY, colour: str) -> None:
        self._axes.annotate("", anchor, away, textcoords="offset points", annotation_clip=False,
                            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.5,
                                        "shrinkA": 1.5, "shrinkB": 3})  # fmt: skip

    def _cost(self, box: Bbox) -> float:
        """What lies under a box, and how far it reaches beyond the axes."""
        inside = self._inside
        beyond = max(inside.x0 - box.x0, 0) + max(box.x1 - inside.x1, 0)
        beyond += max(inside.y0 - box.y0, 0) + max(box.y1 - inside.y1, 0)
        left, bottom, right, top, weight = self._taken.T
        under = (left < box.x1) & (right > box.x0) & (bottom < box.y1) & (top > box.y0)
        return float(beyond * _OVER_WORDS + weight[under].sum())

    def _pixels(self, point: XY) -> XY:
        x, y = self._axes.transData.transform(point)
        return float(x), float(y)


def _draw_roof(axes: Axes, roof: Roof, names: _Names) -> None:
    left, right = axes.get_xlim()
    for flops, bandwidth, style in _roofs(roof):
        corner = (flops / bandwidth, flops)
        start, end = (left, left * bandwidth), (right, flops)
        axes.plot(*zip(start, corner, end, strict=True), zorder=2, **style)
        names.keep_clear(start, corner)
        names.keep_clear(corner, end)
    corner = (roof.ridge, roof.flops)
    axes.plot(*corner, "o", ms=_DOT, color=INK, zorder=3)
    names.keep_clear(corner, points=_DOT)


def _roofs(roof: Roof) -> list[tuple[float, float, dict[str, Any]]]:
    return [
        (roof.peak_flops, roof.peak_bandwidth, {"color": QUIET, "lw": 0.8, "ls": (0, (4, 2))}),
        (roof.flops, roof.bandwidth, {"color": INK, "lw": 1.6}),
    ]


def _name_roof(axes: Axes, roof: Roof, names: _Names) -> None:
    """Peak and bandwidth, and what is reached of them, above the roof, where no point can lie."""
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
    names.write(words(peak, roof.flops, "FLOP/s"),
                [(x, peak) for x in between(roof.peak_ridge, right)], [(0, 1)], (3.0,))  # fmt: skip
    slope = between(max(left, bottom / bandwidth), roof.peak_ridge)
    names.write(words(bandwidth, roof.bandwidth, "bytes/s"),
                [(x, x * bandwidth) for x in slope], [(-1, 1)], (3.0, 6.0))  # fmt: skip


def _name_ridge(roof: Roof, names: _Names, *, narrow: bool) -> None:
    unit = "" if narrow else " FLOPs/byte"
    sides = [(1, -1), (0.5, -1), (0, -1), (-1, 0), (-1, 0.5), (-1, 1)]
    names.write(f"ridge {roof.ridge:,.0f}{unit}", [(roof.ridge, roof.flops)], sides, _REACHES)


def _draw_points(axes: Axes, data: Roofline, names: _Names) -> None:
    for i, design in reversed(list(enumerate(data.designs))):
        colour = _COLOURS[i % len(_COLOURS)]
        if i == 0:
            x, y = zip(*((p.intensity, p.attained) for p in design.batches), strict=True)
            axes.plot(x, y, color=colour, lw=0.9, zorder=3)
            for start, end in pairwise(zip(x, y, strict=True)):
                names.keep_clear(start, end)
            for point in design.batches:
                _mark(axes, data.roof, point, colour, names, size=_SMALL)
        for point in (design.decode, design.prefill):
            _mark(axes, data.roof, point, colour, names, size=_LARGE)


def _mark(axes: Axes, roof: Roof, point: Point, colour: str, names: _Names, *, size: float) -> None:
    """A point, hollow where it does not fit, and what it lacks to the roof."""
    import matplotlib as mpl

    at = (point.intensity, point.attained)
    size *= mpl.rcParams["font.size"]
    fill = "white" if point.fits is False else colour
    axes.plot(*at, _MARKERS[point.phase], ms=size, mfc=fill, mec=colour, zorder=4)
    names.keep_clear(at, points=size + 1)
    top = (point.intensity, roof.at(point.intensity))
    axes.plot(*zip(at, top, strict=True), color=colour, lw=0.6, ls=":", zorder=1)
    names.keep_clear(at, top, points=0.5)


def _name_points(data: Roofline, names: _Names, *, narrow: bool) -> None:
    """The first design's steps by what they are, its batches, and each other design once."""
    room = "no room" if narrow else "does not fit"
    named: list[Point] = []

    def name(point: Point, words: str, colour: str, *, bold: bool = False, far: int = 6) -> None:
        names.write(words, [(point.intensity, point.attained)], _SIDES, _REACHES[:far],
                    color=colour, fontweight="bold" if bold else "normal")  # fmt: skip
        named.append(point)

    for i, design in enumerate(data.designs):
        colour = _COLOURS[i % len(_COLOURS)]
        if i == 0:
            start = "" if len(data.designs) == 1 else f"{design.name}, "
            for point in (design.decode, design.prefill):
                name(point, start + _words(point, narrow=narrow), colour, bold=True)
            continue
        name(
            design.decode,
            design.name + (f": {room}" if design.decode.fits is False else ""),
            colour,
        )
        if not any(_near(names, design.prefill, other) for other in named):
            name(design.prefill, f"{design.name}, prefill", colour)
    _name_ridge(data.roof, names, narrow=narrow)
    for design in data.designs[:1]:
        too_large = [point.batch for point in design.batches if point.fits is False]
        for point in design.batches:
            if point.batch != design.decode.batch:
                first = "batch " if point is design.batches[0] else ""
                last = f": {room}" if point.batch in too_large[:1] else ""
                name(point, f"{first}{point.batch}{last}", _COLOURS[0], far=3)


def _near(names: _Names, one: Point, other: Point) -> bool:
    """Whether two marks lie so close that one name is enough for both."""
    between = names.between((one.intensity, one.attained), (other.intensity, other.attained))
    return one.phase == other.phase and math.hypot(*between) < _SAME_PLACE


def _words(point: Point, *, narrow: bool) -> str:
    """What a step is of, how long it takes, and what of that is overhead."""
    time = format_quantity(point.seconds, "seconds", 3)
    if narrow:
        return f"{point.phase}\n{time}"
    share = f"{100 * point.overhead_seconds / point.seconds:.0f} % overhead"
    if point.phase == "decode":
        return f"decode, batch {point.batch}\n{time} a token\n{share}"
    prompts = f"{point.batch} x " if point.batch > 1 else ""
    return f"prefill, {prompts}{point.tokens:,} tokens\n{time}\n{share}"
