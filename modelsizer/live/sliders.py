"""The data of a report's sliders: controls of the main limits, and the view of every point."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from modelsizer.live.drawings import stack
from modelsizer.live.grid import At, Grid
from modelsizer.live.packed import packed
from modelsizer.live.shown_text import shown
from modelsizer.live.state import Asked, State
from modelsizer.live.view import View, view_of
from modelsizer.problems.architecture.architecture import Architecture

UNABLE = "This browser cannot unpack the answers: one of 2023 or later can."
"""Said where a browser lacks ``DecompressionStream``."""
Command = Callable[[Sequence[str]], str]
"""The command line that answers with so many ``key=value`` set over the problem."""


def view_at(grid: Grid, at: At, command: Command) -> View:
    """The view of a point of a grid, as the live page has it for the same settings."""
    result, settings = grid.result(at), grid.settings(at)
    asked = Asked(result.problem, settings, ())
    controls = {axis.key: axis.control for axis in grid.axes}
    view = view_of(result, asked, State(settings), controls, source="", version="")
    return replace(
        view,
        certificate=grid.certificate(at),
        command=command(asked.pairs),
        seconds="",
        design=None,
        hyperparameters=[],
    )


def sliders_data(grid: Grid, command: Command, missing: str = "") -> dict[str, Any]:
    """What the sliders of a report need, as plain values for JSON.

    Parameters
    ----------
    grid : Grid
    command : callable
    missing : str
        What is said at a point that is not proven.
    """
    points = [at if at in grid.points else None for at in grid.everywhere()]
    stacks, stack_of = _stacks(grid, points)
    views = [None if at is None else shown(view_at(grid, at, command).to_dict()) for at in points]
    found: dict[str, Any] = {
        "name": grid.problem.name,
        "controls": [axis.control.to_dict() for axis in grid.axes],
        "views": packed(views),
        "stacks": packed(stacks),
        "stack_of": packed(stack_of),
        "missing": missing,
        "unable": UNABLE,
    }
    return found | shown({key: found[key] for key in ("name", "controls")})


def _stacks(grid: Grid, points: Sequence[At | None]) -> tuple[list[Any], list[int]]:
    """The stack of each architecture, None for no design, and the number of that of each point."""
    found: list[Any] = [None]
    numbers: dict[Architecture | None, int] = {None: 0}
    of = []
    for at in points:
        design = None if at is None else grid.points[at].design
        architecture = None if design is None else design.architecture
        if architecture not in numbers:
            assert at is not None
            numbers[architecture] = len(found)
            found.append(stack(grid.result(at)))
        of.append(numbers[architecture])
    return found, of
