"""Labels stay clear of one another, of marks and of the frame."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from matplotlib.axes import Axes
from numpy.random import default_rng

from modelsizer.plots.drawing.labels import Labels, far_apart, lay_out
from modelsizer.plots.drawing.style import canvas
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
