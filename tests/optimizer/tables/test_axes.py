"""Menus of a grid: hidden widths as functions of their indices."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from modelsizer.optimizer.tables.axes import Axis, HiddenWidths
from modelsizer.problems.space.rounding import nearest_multiples

RATIOS = [Fraction(n, 10) for n in range(12, 41, 2)]
MULTIPLES = np.array([48, 64, 256])
WIDTHS = np.arange(96, 2200, 56)


def every() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    sides = (np.arange(len(RATIOS)), np.arange(len(MULTIPLES)), np.arange(len(WIDTHS)))
    ratio, multiple, width = (g.ravel() for g in np.meshgrid(*sides, indexing="ij"))
    return ratio, multiple, WIDTHS[width]


def test_hidden_widths_are_those_that_spaces_list() -> None:
    hidden = HiddenWidths(RATIOS, MULTIPLES)
    ratio, multiple, d_model = every()
    found = hidden.at(ratio, multiple, d_model)
    for i, each in enumerate(RATIOS):
        for j, rounded in enumerate(MULTIPLES):
            at = (ratio == i) & (multiple == j)
            assert (found[at] == nearest_multiples(d_model[at], each, int(rounded))).all()


def test_each_hidden_width_of_a_d_model_is_fresh_once() -> None:
    hidden = HiddenWidths(RATIOS, MULTIPLES)
    ratio, multiple, d_model = every()
    found, fresh = hidden.at(ratio, multiple, d_model), hidden.fresh(ratio, multiple, d_model)
    pairs = list(zip(d_model.tolist(), found.tolist(), strict=True))
    assert sorted(np.array(pairs)[fresh].tolist()) == sorted(map(list, set(pairs)))
    assert not fresh.all()
    for d, width in pairs[::97]:
        place = hidden.locate(width, d)
        assert place is not None
        one, two = (np.array([n]) for n in place)
        assert hidden.at(one, two, np.array([d]))[0] == width
        assert hidden.fresh(one, two, np.array([d]))[0]
    assert hidden.locate(1, 1024) is None


def test_ends_hold_all_hidden_widths_of_boxes() -> None:
    hidden = HiddenWidths(RATIOS, MULTIPLES)
    ratio, multiple, d_model = every()
    found = hidden.at(ratio, multiple, d_model)
    r = np.random.default_rng(1)
    for _ in range(50):
        sides = [np.sort(r.choice(n, 2)) for n in (len(RATIOS), len(MULTIPLES), len(WIDTHS))]
        ends = [(side[:1], side[1:]) for side in sides[:2]]
        widths = WIDTHS[sides[2]]
        low, high = hidden.ends(*ends, (widths[:1], widths[1:]))
        inside = np.ones(len(found), dtype=bool)
        for column, (a, b) in ((ratio, sides[0]), (multiple, sides[1]), (d_model, widths)):
            inside &= (a <= column) & (column <= b)
        assert low[0] == found[inside].min()
        assert high[0] == found[inside].max()


def test_ratios_of_many_digits_are_exact() -> None:
    ratio = Fraction(26666666666666667, 10**16)
    hidden = HiddenWidths([ratio], np.array([256]))
    none = np.zeros(len(WIDTHS), dtype=np.int64)
    assert (hidden.at(none, none, WIDTHS) == nearest_multiples(WIDTHS, ratio, 256)).all()


@pytest.mark.parametrize("falling", [False, True])
def test_an_axis_has_a_rising_scale(falling: bool) -> None:
    axis = Axis.of(np.array([0, 1, 3, 8]), falling=falling)
    assert (np.diff(axis.scale) > 0).all()
    assert axis.values.tolist() == ([8, 3, 1, 0] if falling else [0, 1, 3, 8])
