"""Clocks that run out after so many looks at them, whatever the speed of the machine."""

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


class Countdown(Clock):
    """A clock whose time is up at the look after so many; clocks within it share the count.

    Parameters
    ----------
    looks : int
    """

    def __init__(self, looks: int) -> None:
        super().__init__()
        self.looks = looks

    @property
    def out_of_time(self) -> bool:
        """Whether the looks are used up; counts one."""
        self.looks -= 1
        return self.looks < 0

    def ahead(self, seconds: float) -> Clock:
        """Return this clock."""
        return self

    def within(self, seconds: float | None = None, nodes: int | None = None) -> Clock:
        """Return this clock."""
        return self
