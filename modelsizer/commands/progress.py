"""A line on standard error that says how far a long search is, where a person is looking."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

AFTER, EVERY = 1.0, 0.2  # seconds before the first line and between lines


@contextmanager
def counter(what: str) -> Iterator[Callable[[int, int], None] | None]:
    """A callback of two counts, what was found and what was looked at; None off a terminal.

    Parameters
    ----------
    what : str
        What the first count is of.
    """
    if not sys.stderr.isatty():
        yield None
        return
    started = last = time.perf_counter()

    def show(found: int, looked_at: int) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - started < AFTER or now - last < EVERY:
            return
        last = now
        sys.stderr.write(
            f"\r{now - started:6.1f} s  {found:,} {what}, {looked_at:,} looked at\x1b[K"
        )
        sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
