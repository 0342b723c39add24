"""Greedy label placement: each label in turn takes the candidate place of minimum cost.

Obstacles (marks, lines, other labels) are boxes in pixels, each with a weight. The cost of a place
is the sum of the weights that the label covers there, a penalty for leaving the axes, and a
penalty for the distance from the anchor.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from modelsizer.plots.drawing.notes import note
from modelsizer.plots.drawing.obstacles import COVERED, Obstacles
from modelsizer.plots.drawing.style import INK
from modelsizer.problems.records import dataclass

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.text import Annotation, Text
    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]

XY = tuple[float, float]
SIDES: tuple[XY, ...] = (
    (1, 0), (1, -1), (0, -1), (-1, 0), (-1, 1), (0, 1), (-1, -1), (1, 1),
    (1, -0.5), (0.5, -1), (1, 0.5), (-1, 0.5), (-0.5, 1), (-1, -0.5),
    (0.6, -1), (-0.6, -1), (0.6, 1), (-0.6, 1),
)  # fmt: skip
"""Directions from an anchor to its label, in order of preference."""
REACHES = (7.0, 14.0, 22.0, 32.0, 44.0, 58.0)
"""Distances from an anchor to its label, in points."""
FARTHER = (7.0, 11.0, 16.0, 22.0, 29.0, 37.0, 46.0, 56.0, 68.0, 82.0, 98.0, 118.0, 142.0, 170.0)
ALL_SIDES = tuple((math.cos(turn), math.sin(turn)) for turn in np.arange(32) * math.pi / 16)
"""Distances and directions that are tried where every place asked for covers a mark, a line or a
point: as many as a clear place takes to be found."""
ALONG = "along a line"
"""The label, in matplotlib's sense, of a text that stands on its own line."""
MARK, INKED, DOT = 100.0, 10.0, 0.05
"""Cost of covering a mark, a sample of a line, and one dot of a cloud."""
_PER_POINT, _PER_SHARE = 0.2, 2.0
"""Cost of a point of distance, and of each place along a path that was preferred."""
_STRICT = 20.0  # factor on the cost of covering ink where every place is tried
_CROSSED = 0.25  # cost of a leader over what it crosses, relative to a label that covers it
_LEADER_FROM = 14.0  # distance from which a leader joins a label to its anchor, points
_OWN_SAMPLES = 8  # samples of a leader that lie on its own anchor
_SAMPLED_EVERY = 1.0  # distance between samples of a line, points
_WIDER = 1.04  # factor by which text may be wider at another resolution
_CLEARANCE = 1.5  # margin around a label, points
_BOX, _OPACITY = 0.12, 0.8  # padding relative to the font size; opacity of the box
_POINTS_PER_INCH = 72.0
_STEPS, _SLOPE_OVER = 201, 16  # samples of a path; samples on each side that give the slope
_HORIZONTAL: dict[int, Literal["left", "center", "right"]] = {1: "left", 0: "center", -1: "right"}
_VERTICAL: dict[int, Literal["bottom", "center", "top"]] = {1: "bottom", 0: "center", -1: "top"}


def back(text: Text) -> None:
    """Put a light box behind a text on a coloured background.

    Letters with a white edge would become outlines in an SVG: larger files, and no longer text.
    """
    text.set_bbox({"boxstyle": f"round,pad={_BOX}", "facecolor": "white", "edgecolor": "none",
                   "alpha": _OPACITY})  # fmt: skip


def lay_out(axes: Axes) -> None:
    """Lay out the figure without drawing, so that text extents are final."""
    from matplotlib.backend_bases import FigureCanvasBase
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure = axes.get_figure(root=True)
    assert figure is not None
    if type(figure.canvas) is FigureCanvasBase:  # not that of a window or a notebook
        FigureCanvasAgg(figure)
    figure.draw_without_rendering()


@dataclass(frozen=True, slots=True)
class _Place:
    """A candidate place of a label.

    Parameters
    ----------
    anchor : (x, y)
        The labelled point, in data coordinates.
    reach : float
        Distance from the anchor, in points.
    offset : (x, y)
        Offset from the anchor, in points.
    side : (-1, 0 or 1, -1, 0 or 1)
        Side of the anchor, which gives the alignment of the text.
    box : (left, bottom, right, top)
        In pixels.
    """

    anchor: XY
    reach: float
    offset: XY
    side: tuple[int, int]
    box: tuple[float, float, float, float]


class Labels:
    """Place labels on one axes, clear of lines, points and one another.

    Parameters
    ----------
    axes : Axes
        Its limits must be final; the figure is laid out here, as places are compared in pixels.
    """

    def __init__(self, axes: Axes) -> None:
        lay_out(axes)
        figure = axes.get_figure(root=True)
        assert figure is not None
        self._axes, self._scale = axes, figure.dpi / _POINTS_PER_INCH  # pixels per point
        self._inside = axes.get_window_extent().padded(-_CLEARANCE * self._scale)
        self._obstacles = Obstacles(self._inside.extents)
        self._lines = 0
        self.crowded = False  # whether a label or note had to cover a mark, a line or a point

    def avoid_points(self, points: ArrayLike, *, size: float = 1.0, weight: float = MARK) -> None:
        """Register points as obstacles.

        Parameters
        ----------
        points : array of shape (n, 2)
            In data coordinates.
        size : float
            Diameter of each, in points.
        weight : float
            Cost of covering one of them.
        """
        self._obstacles.take(self._squares(self._pixels(points), size), weight)

    def avoid_line(self, path: ArrayLike, *, width: float = 1.0) -> int:
        """Register a line as an obstacle; return its number, for `along`.

        Parameters
        ----------
        path : array of shape (n, 2)
            Its vertices, in data coordinates.
        width : float
            Line width, in points.
        """
        self._lines += 1
        self._obstacles.take(
            self._squares(self._along(self._pixels(path)), width), INKED, self._lines
        )
        return self._lines

    def avoid_text(self, text: Text) -> None:
        """Register an existing text as an obstacle."""
        self._obstacles.take(np.array([self._box_of(text)]), COVERED)

    def note(self, words: str, corners: Sequence[str], **style: Any) -> Text:
        """Write a note in the corner where it covers least, the first of several as good.

        Parameters
        ----------
        words : str
        corners : sequence of str
            Keys of `notes.CORNERS`.
        **style
            See `notes.note`.
        """
        written = [note(self._axes, words, corner, **style) for corner in corners]
        boxes = np.array([self._box_of(text) for text in written])
        costs = self._obstacles.costs(boxes)
        best = int(costs.argmin())
        if costs[best] >= INKED:  # on a light box, as a label along a line
            self.crowded = True
            back(written[best])
            written[best].set_label(ALONG)
        for at, text in enumerate(written):
            if at != best:
                text.remove()
        self._obstacles.take(boxes[[best]], COVERED)
        return written[best]

    def between(self, start: XY, end: XY) -> XY:
        """Vector from `start` to `end` (data coordinates), in points."""
        way = (self._pixels(end) - self._pixels(start))[0] / self._scale
        return float(way[0]), float(way[1])

    def cover(self, point: XY, size: float) -> bool:
        """Whether a text overlaps a mark of `size` points at `point`."""
        box = self._squares(self._pixels(point), size)
        return bool(self._obstacles.costs(box)[0] >= COVERED)

    def beside(
        self,
        words: str,
        anchors: Sequence[XY],
        sides: Sequence[XY] = SIDES,
        reaches: Sequence[float] = REACHES,
        *,
        optional: bool = False,
        backed: bool = False,
        leader_from: float = _LEADER_FROM,
        **style: Any,
    ) -> Annotation | None:
        """Write a label beside an anchor, at the side and distance of minimum cost.

        Parameters
        ----------
        words : str
        anchors : sequence of (x, y)
            In data coordinates; the best one is taken.
        sides : sequence of (x, y)
        reaches : sequence of float
            Distances from the anchor, in points.
        optional : bool
            Write nothing, and return None, if every place covers a mark, a line, a point or
            another label.
        backed : bool
            Put a light box behind the label.
        leader_from : float
            Distance from which a leader joins the label to its anchor, in points.
        **style
            Of the text, over the style of all labels.
        """
        look: dict[str, Any] = {"fontsize": "small", "zorder": 7} | style
        text = self._axes.annotate(
            words, anchors[0], (0, 0), textcoords="offset points", annotation_clip=False,
            **look,
        )  # fmt: skip
        if backed:
            back(text)
        extent = text.get_window_extent()
        size = (extent.width * _WIDER, extent.height)
        best, covered = self._best(reaches, anchors, sides, size)
        if covered >= INKED and not optional:
            best, covered = self._best(FARTHER, anchors, ALL_SIDES, size, strict=_STRICT)
            self.crowded |= covered >= INKED
        if optional and covered >= INKED:
            text.remove()
            return None
        text.xy, text.xyann = best.anchor, best.offset
        text.set_horizontalalignment(_HORIZONTAL[best.side[0]])
        text.set_verticalalignment(_VERTICAL[best.side[1]])
        if best.reach >= leader_from:
            self._draw_leader(best, str(style.get("color", INK)))
        self._obstacles.take(np.array([best.box]), COVERED)
        return text

    def _best(
        self,
        reaches: Sequence[float],
        anchors: Sequence[XY],
        sides: Sequence[XY],
        size: XY,
        *,
        strict: float = 0.0,
    ) -> tuple[_Place, float]:
        """Return the place of minimum cost, and the weight of the ink that a label covers there."""
        places = [self._place(*at, size) for at in product(reaches, anchors, sides)]
        boxes = np.array([place.box for place in places])
        inked = self._obstacles.costs(boxes, least=INKED)
        costs = self._obstacles.costs(boxes) + strict * inked
        far = np.array([place.reach * _PER_POINT for place in places])
        best, least = 0, math.inf
        for at in (costs + far).argsort(kind="stable"):  # few leaders need to be looked at
            if costs[at] + far[at] > least:
                break
            cost = costs[at] + (far[at] + self._leader_cost(places[at]))
            if (cost, at) < (least, best):
                best, least = int(at), cost
        return places[best], float(inked[best])

    def along(
        self,
        words: str,
        path: ArrayLike,
        shares: Sequence[float],
        *,
        turned: bool = True,
        own: int = 0,
        clear: bool = False,
        **style: Any,
    ) -> Text | None:
        """Write a label on a line, or nothing if every place covers another label.

        Parameters
        ----------
        words : str
        path : array of shape (n, 2)
            The line, in data coordinates.
        shares : sequence of float
            Fractions of its length (0 to 1), in order of preference.
        turned : bool
            Rotate the label to the slope of the line.
        own : int
            The number of the line, which the label may cover.
        clear : bool
            Write nothing either if every place covers a mark, another line or a point.
        **style
            Of the text, over the style of all labels.
        """
        look: dict[str, Any] = {"fontsize": "x-small", "zorder": 5} | style
        text = self._axes.text(
            0, 0, words, ha="center", va="center", rotation_mode="anchor", label=ALONG,
            **look,
        )  # fmt: skip
        back(text)
        seen = _evenly(self._pixels(path), _STEPS)
        places = []
        for share in shares:
            at = int(share * (_STEPS - 1))
            ends = seen[[max(0, at - _SLOPE_OVER), min(_STEPS - 1, at + _SLOPE_OVER)]]
            across, up = ends[1] - ends[0]
            angle = (math.degrees(math.atan2(up, across)) + 90) % 180 - 90 if turned else 0.0
            x, y = self._axes.transData.inverted().transform(seen[at])
            places.append((float(x), float(y), angle))
        boxes = [self._box_at(text, place) for place in places]
        inked = self._obstacles.costs(np.array(boxes), least=INKED, but=own)
        costs = self._obstacles.costs(np.array(boxes), but=own) + _PER_SHARE * np.arange(len(boxes))
        best = int((costs + _STRICT * inked).argmin())
        if inked[best] >= (INKED if clear else COVERED):
            text.remove()
            return None
        self._box_at(text, places[best])
        self._obstacles.take(np.array([boxes[best]]), COVERED)
        return text

    def _box_at(self, text: Text, place: tuple[float, float, float]) -> list[float]:
        x, y, angle = place
        text.set_position((x, y))
        text.set_rotation(angle)
        return self._box_of(text)

    def _box_of(self, text: Text) -> list[float]:
        """Return left, bottom, right and top of a text with clearance, in pixels."""
        box = text.get_window_extent().padded(_CLEARANCE * self._scale)
        return [box.x0, box.y0, box.x1, box.y1]

    def _place(self, reach: float, anchor: XY, towards: XY, size: XY) -> _Place:
        length = math.hypot(*towards) or 1.0
        offset = (reach * towards[0] / length, reach * towards[1] / length)
        side = (round(towards[0]), round(towards[1]))  # 0.5 rounds to 0, the middle
        at = self._pixels(anchor)[0] + np.array(offset) * self._scale
        width, height = size
        x = float(at[0]) - width * (1 - side[0]) / 2
        y = float(at[1]) - height * (1 - side[1]) / 2
        pad = _CLEARANCE * self._scale
        box = (x - pad, y - pad, x + width + pad, y + height + pad)
        return _Place(anchor, reach, offset, side, box)

    def _leader(self, place: _Place) -> Floats:
        """Return boxes along the leader from an anchor to its label; shape (n, 4)."""
        start = self._pixels(place.anchor)
        way = np.concatenate([start, start + np.array(place.offset) * self._scale])
        return self._squares(self._along(way), 1.0)

    def _leader_cost(self, place: _Place) -> float:
        if place.reach < _LEADER_FROM:
            return 0.0
        return _CROSSED * float(self._obstacles.costs(self._leader(place)[_OWN_SAMPLES:]).sum())

    def _draw_leader(self, place: _Place, colour: str) -> None:
        self._axes.annotate("", place.anchor, place.offset, textcoords="offset points",
                            annotation_clip=False, zorder=4,
                            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.5,
                                        "shrinkA": 1.5, "shrinkB": 3})  # fmt: skip
        self._obstacles.take(self._leader(place), INKED)

    def _pixels(self, points: ArrayLike) -> Floats:
        """Transform data coordinates to pixels; shape (n, 2)."""
        found: Floats = self._axes.transData.transform(np.atleast_2d(np.asarray(points, float)))
        return found

    def _along(self, way: Floats) -> Floats:
        """Sample a polyline at steps of at most `_SAMPLED_EVERY` points; pixels, shape (n, 2)."""
        length = float(np.hypot(*np.diff(way, axis=0).T).sum())
        return _evenly(way, 2 + int(length / (_SAMPLED_EVERY * self._scale)))

    def _squares(self, centres: Floats, size: float) -> Floats:
        """Return boxes of `size` points around centres given in pixels; shape (n, 4)."""
        half = size * self._scale / 2
        return np.hstack([centres - half, centres + half])


def _evenly(way: Floats, steps: int) -> Floats:
    """Return equidistant points along a polyline; shape (steps, 2)."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(way, axis=0).T))])
    at = np.linspace(0.0, length[-1], steps)
    return np.stack([np.interp(at, length, way[:, k]) for k in (0, 1)], axis=1)
