"""Limits of a solve, their use, and the reasons for a stop."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Literal

Stop = Literal["proven", "gap", "time", "nodes", "interrupted"]
"""Why a solve stopped: the proof is complete, the gap is small enough, a limit was reached, or
Ctrl-C."""


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
    """Time and nodes used, against the limits."""

    limits: Limits
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

    @property
    def left(self) -> Limits:
        """Return the limits less the time and nodes used."""
        seconds = self.limits.seconds
        nodes = self.limits.nodes
        return Limits(
            None if seconds is None else max(seconds - self.elapsed, 1e-3),
            None if nodes is None else max(nodes - self.nodes, 1),
        )
