"""Figures of what experts and other choices are worth."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.patches import Rectangle

from modelsizer.plots import choices, experts
from modelsizer.problems.designs.expert_map import ExpertMap, Mixture
from modelsizer.problems.designs.worth import Worth
from tests.support.figure_checks import BOTH_SIZES, check

A, G = np.geomspace(1 / 512, 1, 9), np.geomspace(1, 32, 6)
DATA = ExpertMap(
    A, G, 2.0 + 0.1 * np.log(A)[:, None] + 0.01 * np.log(G), 30e9 / A, Mixture("", 1 / 16, 4.0), 1.7,
    (Mixture("far", 1 / 64, 8.0), Mixture("covered", 1 / 16, 4.1), Mixture("beyond", 1 / 600, 8.0)),
    3e20,
)  # fmt: skip


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_experts(size: str) -> None:
    figure = experts(DATA, title="x", size=size)
    check(figure)
    axes = figure.axes[0]
    (star,) = [line for line in axes.lines if line.get_marker() == "*"]
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (1 / 16, 4.0)  # type: ignore[index]
    words = {text.get_text() for text in axes.texts}
    assert "far" in words and not words & {"covered", "beyond"}
    boxes = [p for p in axes.patches if isinstance(p, Rectangle) and p.get_hatch()]

    def hatched(a: float, g: float) -> bool:
        return any(
            b.get_x() < a < b.get_x() + b.get_width() and b.get_y() < g < b.get_y() + b.get_height()
            for b in boxes
        )

    inside, outside = [(0.009, 2.1), (0.9, 15)], [(0.007, 4), (0.5, 1.9), (0.5, 17), (0.003, 20)]
    assert not any(hatched(*at) for at in inside) and all(hatched(*at) for at in outside)
    assert axes.xaxis_inverted()


TERMS = {
    "kv_heads": {"low": 0.001, "middle": 0.004, "high": 0.009},
    "window": {"low": 0.0, "middle": 0.0, "high": 0.0},
    "linear": {"low": -0.006, "middle": 0.0, "high": 0.003},
}


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_choices(size: str) -> None:
    figure = choices(Worth(TERMS, 1.99, 2.01), title="x", size=size)  # type: ignore[arg-type]
    check(figure)
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_yticklabels()] == [
        "few kv heads", "linear layers", "all together",
    ]  # fmt: skip
    bars = [patch.get_width() for patch in axes.patches]  # type: ignore[attr-defined]
    assert bars == pytest.approx([0.004, 0.0, 0.004])
    bands = [
        tuple(line.get_xdata()) for line in axes.lines
        if len(set(line.get_ydata())) == 1 and len(set(line.get_xdata())) == 2  # type: ignore[arg-type]
    ]  # fmt: skip
    assert np.allclose(bands, [(0.001, 0.009), (-0.006, 0.003), (-0.005, 0.012)])
    with pytest.raises(ValueError, match="no choice"):
        choices(Worth({"window": TERMS["window"]}, 2.0, 2.0))  # type: ignore[dict-item]
