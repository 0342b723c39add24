"""Names written one by one, each at the place beside its mark that costs least.

What is there already (marks, lines, names) is kept as boxes with weights. A name tries every
anchor, side and reach, and pays for what it would cover, for leaving the axes, and for distance.
`modelsizer.plots.drawing.labels` moves all names at once instead: that is for clouds of points
without lines.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from modelsizer.plots.drawing.style import INK

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SIDES = ((1, 0), (1, -1), (0, -1), (-1, 0), (-1, 1), (0, 1), (-1, -1), (1, 1),
          (1, -0.5), (0.5, -1), (1, 0.5), (-1, 0.5), (-0.5, 1), (-1, -0.5))  # fmt: skip
"""Sides of a point on which its name may stand, the best first."""
REACHES = (7.0, 14.0, 22.0, 32.0, 44.0, 58.0)  # points away
_LEADER_FROM = 14.0  # points away, from which a line joins name and point
_OWN = 2  # samples of a leader that lie on the mark that it comes from
_EVERY = 4.0  # points between samples of a line, which names keep clear of
_WIDER = 1.04  # by which type may be wider at another resolution
_CLEAR = 1.5  # points around a name
_OVER_WORDS, _OVER_MARK, _OVER_INK, _FAR = 1000.0, 100.0, 10.0, 0.2
"""What a name costs over another, over a mark, over a sample of a line, and for a point away."""
_POINTS_AN_INCH = 72.0
_ACROSS: dict[int, Literal["left", "center", "right"]] = {1: "left", 0: "center", -1: "right"}
_UP: dict[int, Literal["bottom", "center", "top"]] = {1: "bottom", 0: "center", -1: "top"}
XY = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a name may stand.

    Parameters
    ----------
    anchor : (x, y)
        What it names, in data.
    reach : float
    away : (x, y)
        From the anchor, both in points.
    toward : (-1 to 1, -1 to 1)
        The side of the anchor, and so how the name is aligned.
    box : (left, bottom, right, top)
        In pixels.
    """

    anchor: XY
    reach: float
    away: XY
    toward: tuple[int, int]
    box: tuple[float, float, float, float]


class Names:
    """Names that stand beside what they name, clear of lines, points and one another.

    Parameters
    ----------
    axes : Axes
        Laid out, with final limits: places are compared in pixels.
    """

    def __init__(self, axes: Axes) -> None:
        figure = axes.get_figure(root=True)
        assert figure is not None
        self._axes, self._scale = axes, figure.dpi / _POINTS_AN_INCH  # pixels a point
        self._inside = axes.get_window_extent().padded(-_CLEAR * self._scale)
        self._taken = np.empty((0, 5))  # left, bottom, right, top and weight of what is there

    def keep_clear(self, start: XY, end: XY | None = None, *, points: float = 1.0) -> None:
        """Of a mark, or of a line that is straight on the axes."""
        dots = self._dots(start, (0.0, 0.0) if end is None else self.between(start, end), points)
        self._take(dots, _OVER_MARK if end is None else _OVER_INK)

    def between(self, start: XY, end: XY) -> XY:
        """From one place to another, in points."""
        (x0, y0), (x1, y1) = self._pixels(start), self._pixels(end)
        return (x1 - x0) / self._scale, (y1 - y0) / self._scale

    def write(
        self, words: str, anchors: Sequence[XY], sides: Sequence[XY],
        reaches: Sequence[float], **style: Any,
    ) -> None:  # fmt: skip
        """Write at the anchor, on the side and at the reach that cost least."""
        text = self._axes.annotate(
            words, anchors[0], (0, 0), textcoords="offset points", annotation_clip=False,
            fontsize="small", zorder=5, **style,
        )  # fmt: skip
        box = text.get_window_extent()
        size = (box.width * _WIDER, box.height)
        places = [self._place(*at, size) for at in product(reaches, anchors, sides)]
        costs = self._costs(np.array([place.box for place in places]))
        costs += [place.reach * _FAR + self._leader_cost(place) for place in places]
        best = places[int(costs.argmin())]
        text.xy, text.xyann = best.anchor, best.away
        text.set_horizontalalignment(_ACROSS[best.toward[0]])
        text.set_verticalalignment(_UP[best.toward[1]])
        if best.reach >= _LEADER_FROM:
            self._lead(best, str(style.get("color", INK)))
        self._take(np.array([best.box]), _OVER_WORDS)

    def _place(self, reach: float, anchor: XY, side: XY, size: XY) -> _Place:
        length = math.hypot(*side)
        away = (reach * side[0] / length, reach * side[1] / length)
        toward = (round(side[0]), round(side[1]))  # half a side is the middle
        x, y = (p + a * self._scale for p, a in zip(self._pixels(anchor), away, strict=True))
        width, height = size
        x -= width * (1 - toward[0]) / 2
        y -= height * (1 - toward[1]) / 2
        pad = _CLEAR * self._scale
        box = (x - pad, y - pad, x + width + pad, y + height + pad)
        return _Place(anchor, reach, away, toward, box)

    def _leader_cost(self, place: _Place) -> float:
        if place.reach < _LEADER_FROM:
            return 0.0
        return float(self._costs(self._dots(place.anchor, place.away)[_OWN:]).sum())

    def _lead(self, place: _Place, colour: str) -> None:
        """A line from a name to what it names."""
        self._axes.annotate("", place.anchor, place.away, textcoords="offset points",
                            annotation_clip=False,
                            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.5,
                                        "shrinkA": 1.5, "shrinkB": 3})  # fmt: skip
        self._take(self._dots(place.anchor, place.away), _OVER_INK)

    def _dots(self, start: XY, away: XY, points: float = 1.0) -> Floats:
        """Boxes on a straight way from a place on the axes, `away` in points; shape (n, 4)."""
        number = 1 + math.ceil(math.hypot(*away) / _EVERY)
        steps = np.arange(number)[:, None] / number * self._scale
        centres = np.array(self._pixels(start)) + np.array(away) * steps
        half = points * self._scale / 2
        return np.hstack([centres - half, centres + half])

    def _take(self, boxes: Floats, weight: float) -> None:
        weights = np.full((len(boxes), 1), weight)
        self._taken = np.vstack([self._taken, np.hstack([boxes, weights])])

    def _costs(self, boxes: Floats) -> Floats:
        """Of each box: what lies under it, and how far it reaches beyond the axes; shape (n,)."""
        x0, y0, x1, y1 = boxes.T
        inside = self._inside
        beyond = np.maximum(inside.x0 - x0, 0) + np.maximum(x1 - inside.x1, 0)
        beyond += np.maximum(inside.y0 - y0, 0) + np.maximum(y1 - inside.y1, 0)
        left, bottom, right, top, weight = self._taken.T
        under = (left < x1[:, None]) & (right > x0[:, None])
        under &= (bottom < y1[:, None]) & (top > y0[:, None])
        costs: Floats = beyond * _OVER_WORDS + under @ weight
        return costs

    def _pixels(self, point: XY) -> XY:
        x, y = self._axes.transData.transform(point)
        return float(x), float(y)
