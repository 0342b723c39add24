"""The view roofline: whether memory or compute bounds serving."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from modelsizer.commands.app import fail
from modelsizer.commands.views.view import Asked, Picture, Shown, on_the_command_line

if TYPE_CHECKING:
    from modelsizer.optimizer.tables.clock import Clock


def begin(asked: Asked) -> Callable[[Clock], Shown]:
    """Return what finds the points."""

    def answer(clock: Clock) -> Shown:
        from modelsizer.problems.designs.assumptions import Assumptions
        from modelsizer.problems.designs.roofline_points import roofline_points
        from modelsizer.text.assumptions import serving_rows
        from modelsizer.text.roofline import print_roofline, roofline_dict

        chosen = asked.design(clock)
        problem, own = chosen.problem, chosen.design.architecture
        found = roofline_points(problem, {asked.names()[0]: own} | asked.designs_beside())
        if found is None:
            fail(on_the_command_line(problem.lacks("prefill_latency")))
        assumed = Assumptions.of(problem)
        title, rows = asked.title(chosen), serving_rows(assumed, own)
        return Shown(
            chosen.to_dict() | {"assumptions": assumed.to_dict()} | roofline_dict(found),
            lambda console: print_roofline(console, title, found, chosen.note, rows),
            Picture("roofline", found),
            chosen.stop,
        )

    return answer
