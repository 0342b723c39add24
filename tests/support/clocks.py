"""A clock that runs out after so many looks at it, whatever the speed of the machine."""

from __future__ import annotations

from itertools import count

import pytest

from modelsizer.optimizer.tables.clock import Clock

SECONDS = 1e6
"""A time limit that only a clock of these tests reaches."""


def runs_out_after(looks: int, patch: pytest.MonkeyPatch) -> None:
    """Let every clock with a time limit run out once they were looked at so often, all together."""
    looked = count()

    def out_of_time(clock: Clock) -> bool:
        return clock.limits.seconds is not None and next(looked) >= looks

    patch.setattr(Clock, "out_of_time", property(out_of_time))
