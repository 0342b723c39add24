"""The data of a report's sliders: controls of the main limits, and the view of every point."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from modelsizer.live.controls import Control, limit_controls
from modelsizer.live.grid import At, Grid
from modelsizer.live.packed import packed
from modelsizer.live.state import Asked, State
from modelsizer.live.view import View, view_of
from modelsizer.problems.problem import Problem


def grid_controls(grid: Grid) -> dict[str, Control]:
    """The controls of a grid by key, in the order of its axes; their stops are all there are."""
    known = {c.key: c for c in limit_controls(grid.problem)}
    found = {}
    for axis in grid.axes:
        own = known[axis.key]
        found[axis.key] = replace(own, stops=axis.stops, at=axis.at, fixed=True)
    return found


def grid_view(grid: Grid, at: At, controls: dict[str, Control], source: str) -> View:
    """The view of a point of a grid, as the live page has it for the same settings."""
    result, settings = grid.result(at), grid.settings(at)
    asked = Asked(result.problem, settings, ())
    view = view_of(result, asked, State(settings), controls, source=source, version="")
    return replace(view, certificate=grid.certificate(at), seconds="", design=None)
