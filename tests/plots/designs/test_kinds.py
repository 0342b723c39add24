"""Bars of shares by kind of layer."""

from __future__ import annotations

import pytest
from matplotlib.colors import to_hex

from modelsizer.plots import kinds
from modelsizer.plots.designs.layer_styles import IN_FLOPS, IN_MEMORY
from modelsizer.problems.architecture.models import models
from modelsizer.problems.designs.by_kind import by_kind
from modelsizer.problems.designs.standalone import standalone_problem
from tests.support.figure_checks import BOTH_SIZES, check

SHAPES = {n: models()[n].architecture for n in ("gemma-3-27b", "deepseek-v3", "jamba-v0.1")}
FOUND = by_kind(
    standalone_problem(SHAPES["gemma-3-27b"], {"serving.context_length": 131072}), SHAPES
)


@pytest.mark.parametrize("size", BOTH_SIZES)
def test_bars_are_the_shares(size: str) -> None:
    figure = kinds(FOUND, title="x", size=size)
    check(figure)
    for axes, parts, of in zip(
        figure.axes, (IN_MEMORY, IN_FLOPS), ("memory", "flops"), strict=True
    ):
        drawn = {
            (round(bar.get_y() + bar.get_height() / 2), to_hex(bar.get_facecolor()), bool(bar.get_hatch())):
                bar.get_width()
            for bar in axes.patches
        }  # fmt: skip
        for row, model in enumerate(FOUND.models):
            costs = getattr(model, of)
            for name, part in parts.items():
                share = 100 * float(costs.get(name, 0) / sum(costs.values()))
                shown = drawn.pop((row, to_hex(part.colour), bool(part.hatch)), 0.0)
                assert shown == pytest.approx(share) if share >= 0.5 else shown == 0.0
        assert not drawn
