"""A worker of one thread with a queue of one question from each asker: the newest wins.

Someone who drags a slider asks faster than anyone can answer. A newer question of the same asker
takes the place of one that waits, and stops one that is being answered; the older one is told that
it was overtaken. Questions of different askers wait for one another, in turn.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from modelsizer.optimizer.tables.clock import Clock, Limits

T = TypeVar("T")
MOST_ASKERS = 32
"""Askers whose questions may wait at once."""


class OvertakenError(Exception):
    """A newer question of the same asker came before the answer."""


class TooManyError(Exception):
    """There are more askers than `MOST_ASKERS`."""


class ClosedError(Exception):
    """The worker has ended."""


@dataclass
class OpenClock(Clock):
    """A clock that an event stops at once, as if its time were over.

    Parameters
    ----------
    overtaken : threading.Event
    """

    overtaken: threading.Event = field(default_factory=threading.Event)

    def late(self, seconds: float) -> bool:
        """Whether the event is set, or the time limit passed so many seconds ago."""
        return self.overtaken.is_set() or super().late(seconds)

    def within(self, seconds: float | None = None, nodes: int | None = None) -> OpenClock:
        """Return a clock for one of several solves, which the same event stops."""
        return OpenClock(super().within(seconds, nodes).limits, overtaken=self.overtaken)

    def ahead(self, seconds: float) -> OpenClock:
        """Return a clock that ends before this one; see the base class."""
        return OpenClock(super().ahead(seconds).limits, overtaken=self.overtaken)


@dataclass(eq=False)
class _Question:
    work: Callable[[Clock], Any]
    time_limit: float | None
    overtaken: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    answer: Any = None
    error: BaseException | None = None

    def run(self) -> None:
        clock = OpenClock(Limits(self.time_limit), overtaken=self.overtaken)
        try:
            self.answer = self.work(clock)
        except BaseException as error:  # handed to whoever asked
            self.error = error
        self.done.set()

    def refuse(self, error: BaseException) -> None:
        self.error = error
        self.overtaken.set()
        self.done.set()


class Newest:
    """A worker thread, and the newest question of each asker.

    Parameters
    ----------
    name : str
        Of the thread.
    """

    def __init__(self, name: str) -> None:
        self._lock = threading.Condition()
        self._waiting: OrderedDict[str, _Question] = OrderedDict()
        self._running: tuple[str, _Question] | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def ask(self, asker: str, work: Callable[[Clock], T], *, time_limit: float | None = None) -> T:
        """Answer a question on the worker's thread, and wait for it.

        Parameters
        ----------
        asker : str
        work : callable
            From a clock, which a newer question of the same asker stops, to the answer.
        time_limit : float, optional
            Seconds of the work.

        Raises
        ------
        OvertakenError
            If the same asker asks again before the answer.
        TooManyError, ClosedError
        Exception
            Whatever the work raises.
        """
        mine = _Question(work, time_limit)
        with self._lock:
            if self._closed:
                raise ClosedError
            if len(self._waiting) >= MOST_ASKERS and asker not in self._waiting:
                raise TooManyError
            if (older := self._waiting.get(asker)) is not None:
                older.refuse(OvertakenError())
            self._waiting[asker] = mine  # in the place of the older one
            if self._running is not None and self._running[0] == asker:
                self._running[1].overtaken.set()
            self._lock.notify()
        mine.done.wait()
        if mine.error is not None:
            raise mine.error
        if mine.overtaken.is_set():
            raise OvertakenError
        return mine.answer  # type: ignore[no-any-return]

    def stop(self, asker: str) -> None:
        """Stop what is being answered to an asker, and refuse what waits."""
        with self._lock:
            if (waiting := self._waiting.pop(asker, None)) is not None:
                waiting.refuse(OvertakenError())
            if self._running is not None and self._running[0] == asker:
                self._running[1].overtaken.set()

    def close(self, patience: float = 0.0) -> bool:
        """Stop what is being answered, refuse what waits, and end the thread.

        Parameters
        ----------
        patience : float
            Seconds to wait for its end.

        Returns
        -------
        bool
            Whether it has ended.
        """
        with self._lock:
            self._closed = True
            for question in self._waiting.values():
                question.refuse(ClosedError())
            self._waiting.clear()
            if self._running is not None:
                self._running[1].overtaken.set()
            self._lock.notify()
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _work(self) -> None:
        while True:
            with self._lock:
                self._running = None
                while not self._waiting and not self._closed:
                    self._lock.wait()
                if self._closed:
                    return
                self._running = self._waiting.popitem(last=False)
                question = self._running[1]
            question.run()
