"""The page of the command report, as the live page saves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelsizer.live.state import Asked
    from modelsizer.optimizer.result import Result
    from modelsizer.optimizer.tables.clock import Clock


def report_of(result: Result, source: str, asked: Asked, clock: Clock) -> str:
    """The page of the command ``report``."""
    from modelsizer.page.report import page_of

    return page_of(result, asked.command_line(source), clock).html
