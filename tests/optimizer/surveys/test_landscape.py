"""The map of loss over depth and width, against a loop over all designs."""

from __future__ import annotations

import math

from modelsizer import Problem
from modelsizer.optimizer.surveys.landscape import landscape
from tests.support.enumerated import designs_of

SMALL = {
    "space.layers": {"min": 4, "max": 40, "step": 4},
    "space.d_model": {"min": 1024, "max": 2560, "step": 256},
    "space.aspect_ratio": {"min": 60, "max": 130},
}


def test_each_depth_and_width_has_the_least_loss_of_its_designs() -> None:
    problem = Problem.load("one-h100-1e24", SMALL)
    exists, loss, share = set(), {}, {}
    for design in designs_of(problem):
        at = design.architecture.layers, int(design.architecture.trunk.d_model)
        exists.add(at)
        used = float(design.exact["serving_memory"]) / 80e9
        share[at] = min(used, share.get(at, math.inf))
        if design.feasible:
            loss[at] = min(design.loss, loss.get(at, math.inf))
    found = landscape(problem)
    cells = [(int(a), int(b)) for a in found.layers for b in found.d_model]
    # The aspect rule leaves each width depths of its own: the grid has cells without a design.
    assert 0 < len(exists) < len(cells)
    for cell, there, value, used in zip(
        cells, found.exists.flat, found.loss.flat, found.share["serving_memory"].flat, strict=True
    ):
        assert there == (cell in exists), cell
        assert math.isclose(value, loss[cell]) if cell in loss else math.isnan(value), cell
        assert math.isclose(used, share[cell]) if cell in share else math.isnan(used), cell
