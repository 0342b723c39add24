"""Keeping engines off standard output, where only our own JSON may go."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_STDOUT = 1


@contextmanager
def silenced() -> Iterator[None]:
    """Send file descriptor 1 to nowhere.

    HiGHS prints its banner from C++ when a model is made, before any option can forbid it, so
    redirecting `sys.stdout` would not do.
    """
    sys.stdout.flush()
    try:
        saved = os.dup(_STDOUT)
    except OSError:  # no standard output at all
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, _STDOUT)
        yield
    finally:
        _flush_c()
        os.dup2(saved, _STDOUT)
        os.close(saved)
        os.close(nowhere)


def _flush_c() -> None:
    """Empty C's buffers while they still go nowhere."""
    try:
        ctypes.CDLL(None).fflush(None)
    except (AttributeError, OSError, TypeError):  # no such library on this system
        return
