"""Text of figures."""

from __future__ import annotations

import pytest

from modelsizer.plots.drawing.style import canvas
from modelsizer.plots.drawing.texts import plain


@pytest.mark.parametrize(
    ("label", "seen"),
    [
        (r"$\mathdefault{10^{12}}$", "10\u00b9\u00b2"),
        (r"$\mathdefault{2\times10^{-3}}$", "2\N{MULTIPLICATION SIGN}10\u207b\u00b3"),
        ("$5 a day", "$5 a day"),
        ("0.5", "0.5"),
    ],
)
def test_ticks_are_text(label: str, seen: str) -> None:
    assert plain(label) == seen


def test_ticks_of_logarithmic_axes_show_no_mathematics() -> None:
    with canvas() as figure:
        axes = figure.add_subplot()
        axes.plot([1, 1e12], [2, 9])
        axes.set_xscale("log")
        axes.set_yscale("log")
    figure.draw_without_rendering()
    ticks = [*axes.get_xticklabels(), *axes.get_yticklabels(minor=True)]
    words = [tick.get_text() for tick in ticks]
    assert any("10" in word for word in words)
    assert not any("$" in word or "\\" in word for word in words)
