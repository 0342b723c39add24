"""A line of progress on standard error, on a terminal only."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

AFTER, EVERY = 1.0, 0.2  # seconds before the first line and between lines

Line = AbstractContextManager[Callable[..., None] | None]


@contextmanager
def line(words: Callable[..., str]) -> Iterator[Callable[..., None] | None]:
    """A callback that shows its arguments in words, behind the seconds; None off a terminal.

    Parameters
    ----------
    words : callable
        From the arguments of the callback to what is shown.
    """
    if not sys.stderr.isatty():
        yield None
        return
    started = last = time.perf_counter()

    def show(*known: float) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - started < AFTER or now - last < EVERY:
            return
        last = now
        sys.stderr.write(f"\r{now - started:6.1f} s  {words(*known)}\x1b[K")
        sys.stderr.flush()

    try:
        yield show
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def counter(what: str) -> Line:
    """The line of a search: how many of something it found, and how many it looked at."""
    return line(lambda found, looked_at: f"{found:,} {what}, {looked_at:,} looked at")


def steps(what: str) -> Line:
    """The line of one solve after another: how many are done, of how many."""
    return line(lambda done, asked: f"{what} {done:,} of {asked:,}")


def gaps() -> Line:
    """The line of a solve: its incumbent, the bound, and how many nodes are left."""
    return line(
        lambda incumbent, bound, left: (
            f"incumbent {incumbent:.9g}  bound {bound:.9g}  gap {incumbent - bound:.3g}"
            f"  left {left}"
        )
    )
