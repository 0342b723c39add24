"""Section of the page about the machine, and what insisting on another costs."""

from __future__ import annotations

from modelsizer.optimizer.result import Result
from modelsizer.optimizer.surveys.machines import machines
from modelsizer.optimizer.tables.clock import Clock
from modelsizer.page.tags import Html, join, table, tag
from modelsizer.text.machines import machine_table, runner_up_words


def machines_section(result: Result, clock: Clock) -> tuple[str, str, Html] | None:
    """Name, heading and content of the section; None where no setting offers several values."""
    if not result.problem.menus:
        return None
    found = machines(result, time_limit=clock.share(4))
    if found is None:
        return None
    parts = [table(machine_table(found)), tag("p", runner_up_words(found))]
    return "machine", "The machine", join(parts, "\n")
