"""Designs beside the best one, of the options --best, --within and --diverse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelsizer.commands.app import fail

if TYPE_CHECKING:
    from modelsizer.optimizer.result import Result
    from modelsizer.optimizer.surveys.near_optimal import NearOptimal
    from modelsizer.optimizer.tables.clock import Clock

_MANY, _PRINTED = 200, 4
"""More designs than so many take so many times as long with their output as without."""


def are_alternatives_asked(count: int | None, within: str | None, *, diverse: bool) -> bool:
    """Whether other designs are requested; their options are checked."""
    if count is None and within is None:
        if diverse:
            fail("--diverse: needs --within, such as --within 0.001")
        return False
    if within is not None and count is not None and count < 1:
        fail(f"--best: must be 1 or more, not {count}")
    return True


def alternatives(
    result: Result, count: int | None, within: str | None, clock: Clock, *, diverse: bool
) -> NearOptimal | None:
    """Return the next best designs, or those within a tolerance; None if nothing is feasible.

    Raises
    ------
    StoppedError
        If a limit stopped the solve before its proof.
    """
    if result.finished().status == "infeasible":
        return None
    from modelsizer.optimizer.surveys.best import SHOWN, best

    shown = SHOWN if count is None else count
    seconds = clock.share(1 if shown <= _MANY else _PRINTED)
    try:
        return best(result, shown, within=within, diverse=diverse, time_limit=seconds)
    except ValueError as error:
        fail(f"{'--best' if within is None else '--within'}: {error}")
