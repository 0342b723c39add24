"""Labels stay clear of one another, of marks and of the frame."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from numpy.random import default_rng

from modelsizer.plots.drawing.labels import Labels, lay_out
from modelsizer.plots.drawing.marks import far_apart, star
from modelsizer.plots.drawing.style import canvas
from tests.support.covered import covered
from tests.support.shared import seeds


def axes_of() -> Axes:
    with canvas() as figure:
        axes = figure.add_subplot()
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1)
    return axes


def boxes(axes: Axes) -> list[Any]:
    lay_out(axes)
    return [text.get_window_extent() for text in axes.texts if text.get_text()]


@pytest.mark.parametrize("seed", seeds(range(5), range(1, 5)))
def test_optional_labels_cover_neither_marks_nor_one_another(seed: int) -> None:
    axes, points = axes_of(), default_rng(seed).uniform(0, 1, (120, 2))
    labels = Labels(axes)
    labels.avoid_points(points, size=5)
    written = [
        labels.beside(f"a name {i}", [(x, y)], optional=True) for i, (x, y) in enumerate(points)
    ]
    found = boxes(axes)
    assert len(found) == sum(text is not None for text in written)
    assert 40 < len(found) < 120  # some have room, not all
    inside = axes.get_window_extent()
    pixels = axes.transData.transform(points)
    for box in found:
        assert inside.x0 <= box.x0 and box.x1 <= inside.x1
        assert inside.y0 <= box.y0 and box.y1 <= inside.y1
        assert not any(box.contains(*pixel) for pixel in pixels)
    assert not any(a.overlaps(b) for a, b in combinations(found, 2))


def test_a_label_keeps_clear_of_a_line_and_is_joined_to_its_anchor_from_afar() -> None:
    axes = axes_of()
    labels = Labels(axes)
    x = np.linspace(0, 1, 50)
    labels.avoid_line(np.column_stack([x, x]))
    text = labels.beside("beside the diagonal", [(0.5, 0.5)])
    assert text is not None
    (box,) = boxes(axes)
    path = axes.transData.transform(np.column_stack([x, x]))
    assert not any(box.contains(*pixel) for pixel in path)
    taken = labels.beside("beside the diagonal", [(0.5, 0.5)], reaches=(44.0,))
    assert taken is not None
    leaders = [t for t in axes.texts if getattr(t, "arrow_patch", None) is not None]
    assert len(leaders) == 1 and leaders[0].xy == (0.5, 0.5)  # type: ignore[attr-defined]


def test_a_label_along_a_line_takes_the_first_free_share_and_its_slope() -> None:
    axes = axes_of()
    labels = Labels(axes)
    first = labels.along("one", [(0, 0), (1, 1)], (0.5, 0.2))
    second = labels.along("two", [(0, 0), (1, 1)], (0.5, 0.2))
    third = labels.along("three", [(0, 0), (1, 1)], (0.5, 0.2))
    assert first is not None and second is not None
    assert first.get_position() == pytest.approx((0.5, 0.5))
    assert second.get_position() == pytest.approx((0.2, 0.2))
    assert third is None and len(boxes(axes)) == 2
    box = axes.get_window_extent()
    angle = np.degrees(np.arctan2(box.height, box.width))
    assert first.get_rotation() == pytest.approx(angle)
    level = Labels(axes_of()).along("x", [(0, 0), (1, 1)], (0.5,), turned=False)
    assert level is not None and level.get_rotation() == 0


def test_a_text_covers_what_lies_under_it() -> None:
    axes = axes_of()
    labels = Labels(axes)
    labels.avoid_text(axes.text(0.5, 0.5, "words", ha="center", va="center"))
    assert labels.cover((0.5, 0.5), 3.0)
    assert not labels.cover((0.5, 0.9), 3.0)


def test_far_apart_takes_the_ends_first() -> None:
    x = [0.0, 0.01, 0.5, 0.99, 1.0]
    assert far_apart(axes_of(), x, x, 3) == [0, 4, 2]
    assert far_apart(axes_of(), [], [], 3) == []
    assert sorted(far_apart(axes_of(), x, x, 9)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("seed", seeds(range(6), range(1, 6)))
def test_no_label_is_on_a_front_a_line_or_a_star(seed: int) -> None:
    """Whatever is asked for first: a clear place further off is found."""
    random, axes = default_rng(seed), axes_of()
    x = np.sort(random.uniform(0, 1, 60))
    front = np.column_stack([x, np.sort(random.uniform(0, 1, 60))[::-1]])
    line = np.array([(0, random.uniform()), (1, random.uniform())])
    axes.plot(*front.T, "o-", ms=3, zorder=3)
    axes.plot(*line.T, zorder=3)
    star(axes, *front[30])
    labels = Labels(axes)
    labels.avoid_points(front, size=4)
    labels.avoid_line(front)
    labels.avoid_line(line)
    labels.avoid_points(front[[30]], size=14)
    names = [
        labels.beside(f"a design of the front\nloss 2.{at:03}", [tuple(front[at])], reaches=(9.0,))
        for at in (0, 15, 30, 45, 59)
    ]
    assert all(text is not None for text in names)
    assert labels.note("grey: designs", ["upper left", "lower right", "upper right"]) is not None
    assert not covered(axes.get_figure())  # type: ignore[arg-type]


def test_text_on_ink_is_found() -> None:
    """The measure itself: what it is for, it sees."""
    axes = axes_of()
    axes.plot([0, 1], [0, 1], zorder=3)
    star(axes, 0.2, 0.8)
    axes.text(0.5, 0.5, "on the diagonal", ha="center")
    axes.text(0.2, 0.8, "on the star", ha="center", va="center")
    axes.text(0.75, 0.25, "free", rotation=30)
    axes.text(0.3, 0.3, "along it", rotation=90, ha="center", va="center")
    found = covered(axes.get_figure())  # type: ignore[arg-type]
    assert found == [("on the diagonal", "line"), ("on the star", "star"), ("along it", "line")]
