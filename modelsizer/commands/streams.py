"""Standard streams that never raise: closed, full, or with a reader that has gone."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, TextIO, cast

from modelsizer.commands.app import BAD_INPUT, say
from modelsizer.problems.interrupts import whole
from modelsizer.problems.visible import READABLE


class _Guarded(io.RawIOBase):
    """A raw stream that drops what it cannot write, and keeps the reason.

    Parameters
    ----------
    raw : raw stream

    Attributes
    ----------
    failure : OSError or None
        The first; nothing is written after it.
    """

    def __init__(self, raw: Any) -> None:
        self._raw, self.name = raw, raw.name
        self.failure: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return int(self._raw.fileno())

    def isatty(self) -> bool:
        return bool(self._raw.isatty())

    def write(self, data: Any) -> int:
        if self.failure is None:
            try:
                return self._written(data)
            except OSError as error:
                self.failure = error
        return memoryview(data).nbytes

    def _written(self, data: Any) -> int:
        while (count := self._raw.write(data)) is None:  # a terminal that does not block
            import select

            select.select([], [self._raw], [])
        return int(count)


class _Stream(io.TextIOWrapper):
    """A text stream over a guarded one; what its encoding lacks has a substitute."""

    def __init__(self, stream: TextIO) -> None:
        below: Any = stream.buffer
        self.guard = _Guarded(getattr(below, "raw", below))
        self.reported = False
        super().__init__(
            io.BufferedWriter(self.guard),
            encoding=stream.encoding,
            errors=READABLE,
            line_buffering=bool(stream.line_buffering),
        )


def lost_output() -> OSError | None:
    """Why standard output could not be written; None if it was, or if its reader has gone."""
    found = sys.stdout.guard.failure if isinstance(sys.stdout, _Stream) else None
    return None if isinstance(found, BrokenPipeError) else found


def report_lost_output(more: str = "") -> None:
    """Say on standard error that standard output could not be written, once."""
    lost = lost_output()
    if lost is not None and isinstance(sys.stdout, _Stream) and not sys.stdout.reported:
        sys.stdout.reported = True
        why = lost.strerror or lost
        say(f"error: standard output cannot be written: {why}{more}")


@contextmanager
def guarded_streams() -> Iterator[None]:
    """Give the process standard streams that are open and never raise.

    What is written to a stream that was closed is dropped. A reader that has gone (``| head``) has
    read what it wanted: the rest is dropped, and the command ends as it would have. If standard
    output cannot be written for another reason, such as a full disk, standard error says so and the
    exit status is 2.
    """
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        stream = getattr(sys, name)
        if stream is None:
            stream = _nowhere(number)
        elif name != "stdin" and stream is getattr(sys, f"__{name}__"):  # not replaced, as by tests
            stream = _Stream(stream)
        elif name != "stdin" and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=READABLE)
        setattr(sys, name, stream)
    try:
        yield
    finally:
        with whole():
            sys.stdout.flush()
            report_lost_output()
        if lost_output() is not None:
            sys.exit(BAD_INPUT)


def _nowhere(number: int) -> TextIO:
    """The null device in place of a stream that was closed; by POSIX it has the same descriptor."""
    mode = "r" if number == 0 else "w"
    stream: Any = open(os.devnull, mode, encoding="utf-8", errors=READABLE)  # noqa: PTH123, SIM115
    if stream.fileno() == number:
        os.set_inheritable(number, True)
    return cast("TextIO", stream)
