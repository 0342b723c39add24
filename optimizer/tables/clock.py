"""Limits of a solve, their use, and the reasons for a stop."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

Stop = Literal["proven", "gap", "time", "nodes", "memory", "interrupted"]
"""Why a solve stopped: the proof is complete, the gap is small enough, a limit was reached, the
machine has no more memory to give, or Ctrl-C."""


class OutOfTimeError(Exception):
    """The time limit has passed: whoever holds a partial answer returns it.

    Raised by `Clock.check` in loops that have none, and never passed on to a user.
    """


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits at which a solve stops early.

    Parameters
    ----------
    seconds : float or None
    nodes : int or None
        Branch-and-bound nodes; for enumeration, tables of designs.
    """

    seconds: float | None = None
    nodes: int | None = None


@dataclass
class Clock:
    """Time and nodes used, against the limits.

    One clock is made for each question and handed down to everything that loops, so that a time
    limit covers the whole answer: the search, the reasons, and the solves within.
    """

    limits: Limits = field(default_factory=Limits)
    started: float = field(default_factory=time.perf_counter)
    nodes: int = 0

    @property
    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.perf_counter() - self.started

    @property
    def out_of_time(self) -> bool:
        """Whether the time limit has passed."""
        return self.limits.seconds is not None and self.elapsed >= self.limits.seconds

    @property
    def out_of_nodes(self) -> bool:
        """Whether the node limit has been reached."""
        return self.limits.nodes is not None and self.nodes >= self.limits.nodes

    def check(self) -> None:
        """Raise OutOfTimeError if the time limit has passed."""
        if self.out_of_time:
            raise OutOfTimeError

    @property
    def left(self) -> Limits:
        """Return the limits less the time and nodes used."""
        seconds = self.limits.seconds
        nodes = self.limits.nodes
        return Limits(
            None if seconds is None else max(seconds - self.elapsed, 1e-3),
            None if nodes is None else max(nodes - self.nodes, 1),
        )

    def within(self, seconds: float | None = None, nodes: int | None = None) -> Clock:
        """Return a clock for one of several solves: its own limits, and no more time than is left.

        Parameters
        ----------
        seconds : float, optional
        nodes : int, optional
        """
        left = self.left.seconds
        if left is not None:
            seconds = left if seconds is None else min(seconds, left)
        return Clock(Limits(seconds, nodes))
