"""Series are told apart without colour, and their colours differ in lightness."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.colors import to_rgb

from modelsizer.plots.drawing.lines import MOST_LINES, check_lines, look


def test_no_two_series_have_one_mark_and_colour() -> None:
    looks = [look(number) for number in range(MOST_LINES)]
    assert len({(own.colour, own.marker) for own in looks}) == MOST_LINES == 56
    first = looks[:7]  # as many as most pictures have: all by the mark alone, and by the colour
    assert len({own.marker for own in first}) == len({own.colour for own in first}) == 7
    for one, other in pairwise(looks):
        assert one.marker != other.marker and one.colour != other.colour


def test_each_is_seen_on_white_without_colour() -> None:
    grey = np.array([np.dot(to_rgb(look(n).colour), (0.2126, 0.7152, 0.0722)) for n in range(7)])
    assert (grey < 0.75).all()  # by ITU-R BT.709


def test_too_many_and_none() -> None:
    for count in (0, MOST_LINES + 1):
        with pytest.raises(ValueError, match="line"):
            check_lines(count)
    check_lines(MOST_LINES)
