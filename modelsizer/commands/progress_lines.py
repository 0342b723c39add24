"""Progress lines on standard error, if it is a terminal that can overwrite a line."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

from modelsizer.problems.interrupts import held

AFTER, EVERY = 1.0, 0.2  # seconds before the first line and between lines

_DUMB = ("dumb", "unknown")  # kinds of terminals without escape sequences

Line = AbstractContextManager[Callable[..., None] | None]


@contextmanager
def line(words: Callable[..., str]) -> Iterator[Callable[..., None] | None]:
    """Yield a callback that prints elapsed seconds and its arguments; None without such a terminal.

    At Ctrl-C the work within hands over what is known.

    Parameters
    ----------
    words : callable
        From the arguments of the callback to the text.
    """
    if not sys.stderr.isatty() or os.environ.get("TERM") in _DUMB:
        with held():
            yield None
        return
    started = last = time.perf_counter()

    def show(*known: float) -> None:
        nonlocal last
        now = time.perf_counter()
        if now - started < AFTER or now - last < EVERY:
            return
        last = now
        said = f"{now - started:6.1f} s  {words(*known)}"
        # A line that wraps could not be overwritten.
        sys.stderr.write(f"\r{said[: shutil.get_terminal_size().columns - 1]}\x1b[K")
        sys.stderr.flush()

    try:
        with held():
            yield show
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def counter(what: str) -> Line:
    """Progress of a search: numbers of items found and designs evaluated."""
    return line(lambda found, looked_at: f"{found:,} {what}, {looked_at:,} looked at")


def steps(what: str) -> Line:
    """Progress of several solves: number done, and total."""
    return line(lambda done, asked: f"{what} {done:,} of {asked:,}")


def gaps() -> Line:
    """Progress of a solve: incumbent, bound, and nodes left."""
    return line(
        lambda incumbent, bound, left: (
            f"incumbent {incumbent:.9g}  bound {bound:.9g}  gap {incumbent - bound:.3g}"
            f"  left {left}"
        )
    )
