"""The look of every figure, in one place."""

from __future__ import annotations

from typing import Any

WIDTH, HEIGHT = 6.6, 4.2
"""Inches; readable when halved to the 3.3 inches of a paper's column."""

INK, FAINT, STAR = "#222222", "#d9d9d9", "#d55e00"
LINES = ("#000000", "#5b2a86", "#8c3b00", "#004d40", "#7a0045", "#1d3f8a")
COLOURS = "viridis"  # even in lightness, so that it reads in grey and to the colour-blind

STYLE: Any = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "figure.dpi": 100.0,
    "savefig.dpi": 240.0,
    "svg.hashsalt": "modelsizer",  # the same bytes from the same input
    "svg.fonttype": "none",
}
