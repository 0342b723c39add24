"""Limits of a solve, their use, and the reasons for a stop."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator
from dataclasses import field
from types import TracebackType
from typing import Literal, TypeVar

from modelsizer.problems import interrupts
from modelsizer.problems.errors import require_number
from modelsizer.problems.machine import available_memory
from modelsizer.problems.records import dataclass

T = TypeVar("T")
Stop = Literal["proven", "gap", "time", "nodes", "memory", "interrupted"]
"""Why a solve stopped: the proof is complete, the gap is small enough, a limit was reached, the
machine has no more memory to give, or Ctrl-C."""


RESERVE = 200 * 2**20
"""Bytes that must stay free: the arrays of one step, and the report at the end."""
LOOK_SECONDS = 0.05
"""Seconds between two looks at the memory that is left: each takes some 50 microseconds."""


class StoppedError(Exception):
    """A part of an answer was stopped: whoever holds a partial answer returns it (see `Ending`).

    Never passed on to a user.

    Parameters
    ----------
    stop : Stop
    """

    def __init__(self, stop: Stop) -> None:
        self.stop: Stop = stop
        super().__init__(stop)


class OutOfTimeError(StoppedError):
    """The time limit has passed; raised by `Clock.check` in loops without a partial answer."""

    def __init__(self) -> None:
        super().__init__("time")


STOPS = (StoppedError, MemoryError, KeyboardInterrupt)
"""Exceptions at which a partial answer is returned."""


def stop_of(error: BaseException) -> Stop:
    """Return the reason for a stop, from one of the exceptions in `STOPS`."""
    if isinstance(error, StoppedError):
        return error.stop
    return "memory" if isinstance(error, MemoryError) else "interrupted"


@dataclass
class Ending:
    """How the work on an answer ended.

    As a context it ends the work inside at a limit of time or memory, or at Ctrl-C, and keeps the
    reason; what was found until then is the partial answer.

    Parameters
    ----------
    stop : Stop

    Examples
    --------
    >>> ending, found = Ending(), []
    >>> with ending:
    ...     found.append(1)
    ...     raise OutOfTimeError
    ...     found.append(2)
    >>> found, ending.stop, ending.complete
    ([1], 'time', False)
    """

    stop: Stop = "proven"

    @property
    def complete(self) -> bool:
        """Whether the work was done."""
        return self.stop == "proven"

    def __enter__(self) -> Ending:
        interrupts.hold()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> bool:
        interrupts.release()
        if not isinstance(error, STOPS):
            return False
        self.stop = stop_of(error)
        return True


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
    _looked: float = -math.inf
    _interrupts: int = field(default_factory=interrupts.count)

    @classmethod
    def of(cls, time_limit: float | None) -> Clock:
        """Return the clock of a question that is given so many seconds; without a limit if None.

        Raises
        ------
        ArgumentError
            If the limit is negative, infinite or not a number.
        """
        if time_limit is not None:
            require_number("time_limit", time_limit, least=0)
        return cls(Limits(time_limit))

    @property
    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.perf_counter() - self.started

    @property
    def out_of_time(self) -> bool:
        """Whether the time limit has passed, or Ctrl-C was pressed on the command line."""
        return self.interrupted or self.late(0.0)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C was pressed on the command line since the start.

        What hands over the answer after that has a clock of its own.
        """
        return interrupts.count() > self._interrupts

    def late(self, seconds: float) -> bool:
        """Whether the time limit passed so many seconds ago."""
        limit = self.limits.seconds
        return limit is not None and self.elapsed >= limit + seconds

    @property
    def stop(self) -> Stop:
        """Return the reason of being out of time."""
        return "interrupted" if interrupts.count() else "time"

    @property
    def out_of_nodes(self) -> bool:
        """Whether the node limit has been reached."""
        return self.limits.nodes is not None and self.nodes >= self.limits.nodes

    def check(self, wanted: int = 0) -> None:
        """Raise StoppedError if the time limit has passed or the machine's memory is nearly full.

        Parameters
        ----------
        wanted : int
            Bytes that the next step asks for.
        """
        if self.out_of_time:
            raise OutOfTimeError if self.stop == "time" else StoppedError(self.stop)
        now = time.perf_counter()
        if now - self._looked < LOOK_SECONDS and wanted < RESERVE:
            return
        self._looked = now
        left = available_memory()
        if left is not None and left < wanted + RESERVE:
            raise StoppedError("memory")

    def each(self, items: Iterable[T], at_once: int = 10_000) -> Iterator[T]:
        """Yield items, and check before the first of every so many.

        Raises
        ------
        StoppedError
            At a limit of time or memory.
        """
        for number, item in enumerate(items):
            if number % at_once == 0:
                self.check()
            yield item

    @property
    def left(self) -> Limits:
        """Return the limits less the time and nodes used."""
        seconds = 0.0 if self.interrupted else self.limits.seconds
        nodes = self.limits.nodes
        return Limits(
            None if seconds is None else max(seconds - self.elapsed, 1e-3),
            None if nodes is None else max(nodes - self.nodes, 1),
        )

    def share(self, parts: int) -> float | None:
        """Return the seconds of the next of so many parts, of what is left; None if unlimited."""
        left = self.left.seconds
        return None if left is None else left / parts

    def ahead(self, seconds: float) -> Clock:
        """Return a clock that ends so many seconds before this one, at most half of what is left.

        For work whose answer takes time after it, such as drawing.
        """
        left = self.left.seconds
        return Clock(Limits(None if left is None else left - min(seconds, left / 2)))

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


@dataclass
class CpuClock(Clock):
    """A clock of the CPU time of this process, which a busy machine does not change.

    Parameters
    ----------
    whole : Clock, optional
        Of the whole answer, by the time of day; this clock ends with it.
    """

    started: float = field(default_factory=time.process_time)
    whole: Clock | None = None

    @property
    def elapsed(self) -> float:
        """Return the CPU seconds since the start."""
        return time.process_time() - self.started

    def late(self, seconds: float) -> bool:
        """Whether the time limit passed so many seconds ago, or that of the whole answer did."""
        return super().late(seconds) or (self.whole is not None and self.whole.late(seconds))

    def within(self, seconds: float | None = None, nodes: int | None = None) -> CpuClock:
        """Return a clock for one of several solves, of the same answer."""
        left = super().within(seconds, nodes)
        return CpuClock(left.limits, whole=self.whole)
