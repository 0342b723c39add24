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
        from modelsizer.text.roofline import print_roofline
        from modelsizer.views.roofline import roofline_of

        chosen = asked.design(clock)
        if lack := chosen.problem.lacks("prefill_latency"):
            fail(on_the_command_line(lack))
        found = roofline_of(asked.viewed(chosen), asked.designs_beside())
        title = asked.title(chosen)
        return Shown(
            found.to_dict(),
            lambda console: print_roofline(
                console, title, found.found, chosen.note, found.of.rows()
            ),
            Picture("roofline", found.found),
            chosen.stop,
        )

    return answer
