"""Suppress the standard output of engines, which is reserved for JSON."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_STDOUT = 1


@contextmanager
def silenced() -> Iterator[None]:
    """Redirect file descriptor 1 to the null device.

    HiGHS prints its banner from C++ when a model is created, before any option can disable it, so
    redirecting `sys.stdout` is not enough.
    """
    sys.stdout.flush()
    try:
        saved = os.dup(_STDOUT)
    except OSError:  # no standard output
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        _saved.append(saved)
        os.dup2(nowhere, _STDOUT)
        yield
    finally:
        _flush_c()
        restore_output()
        os.close(nowhere)


_saved: list[int] = []
"""Copy of standard output while it is redirected."""


def restore_output() -> None:
    """End the redirection, also for an engine that was left in it and never comes back."""
    while _saved:
        saved = _saved.pop()
        os.dup2(saved, _STDOUT)
        os.close(saved)


def _flush_c() -> None:
    """Flush C's buffers while output is still redirected."""
    try:
        ctypes.CDLL(None).fflush(None)
    except (AttributeError, OSError, TypeError):  # no such library on this system
        return
