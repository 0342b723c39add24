"""The command line: every command of `modelsizer.commands` under its name, and how a run ends."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module

from modelsizer.commands.app import app, say
from modelsizer.commands.paths import Command
from modelsizer.commands.streams import guarded_streams
from modelsizer.problems.interrupts import INTERRUPTED, count, finished, install

COMMANDS = (
    *("solve", "verify", "problems", "check", "rank", "pareto", "frontier", "depth-width"),
    *("whatif", "explain", "prices", "sweep", "report", "allocate", "layers", "memory", "roofline"),
    *("describe", "audit", "export", "models", "laws", "compare-laws", "fit", "plan-runs"),
    *("uncertainty", "accelerators", "gallery"),
)
"""In the order of `--help`; the command ``x-y`` is the function ``x_y`` of `commands/x_y.py`."""

THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Threads of NumPy's linear algebra: its matrices here are small, and each thread of each core
reserves 40 MB of addresses, more than some limits allow."""

COLLECT_EVERY = 50_000
"""New objects between runs of the garbage collector, 700 by default.

Importing makes many objects that live as long as the process; looking through them again and again
took some 5 % of a short command.
"""

for _command in COMMANDS:
    _name = _command.replace("-", "_")
    app.command(_command, cls=Command)(
        getattr(import_module(f"modelsizer.commands.{_name}"), _name)
    )


def main() -> None:
    """Run the command line."""
    install()
    gc.set_threshold(COLLECT_EVERY)
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
        finished(status)
