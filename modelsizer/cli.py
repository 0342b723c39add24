"""The command line: how a run begins and ends."""

from __future__ import annotations

import gc
import os
import sys

from modelsizer.commands.app import say
from modelsizer.commands.group import COMMANDS as COMMANDS
from modelsizer.commands.group import app
from modelsizer.commands.streams import guarded_streams
from modelsizer.problems.interrupts import INTERRUPTED, count, finished, install

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Threads of NumPy's linear algebra: its matrices here are small, and each thread of each core
reserves 40 MB of addresses, more than some limits allow."""


def main() -> None:
    """Run the command line."""
    install()
    for name in THREADS:
        os.environ.setdefault(name, "1")
    status = 1
    try:
        with guarded_streams():
            try:
                app()
            except (KeyboardInterrupt, Exception) as error:
                # Within a library an interrupt may come out as an error of its own.
                if not (count() or isinstance(error, KeyboardInterrupt)):
                    raise
                say("interrupted")
                sys.exit(INTERRUPTED)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
        raise
    finally:
        gc.freeze()  # at its end Python would look through every object once more
        finished(status)
