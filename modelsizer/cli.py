"""The command line. It reads arguments, calls, prints and exits; it decides nothing."""

from __future__ import annotations

import sys

# Each group of commands registers itself when it is imported, in the order of `--help`.
from modelsizer.commands import solving  # isort: skip
from modelsizer.commands import ranking, fronts, frontiers, shaping  # isort: skip
from modelsizer.commands import asking, explaining, pricing, sweeping  # isort: skip
from modelsizer.commands import reporting, allocating, drawing  # isort: skip
from modelsizer.commands import architectures, lawful, comparing  # isort: skip
from modelsizer.commands import fitting, planning, uncertain  # isort: skip
from modelsizer.commands import hardware, galleries  # isort: skip
from modelsizer.commands.app import app

__all__ = [
    "allocating",
    "app",
    "architectures",
    "asking",
    "comparing",
    "drawing",
    "explaining",
    "fitting",
    "frontiers",
    "fronts",
    "galleries",
    "hardware",
    "lawful",
    "main",
    "planning",
    "pricing",
    "ranking",
    "reporting",
    "shaping",
    "solving",
    "sweeping",
    "uncertain",
]

INTERRUPTED = 130  # 128 + SIGINT, where there is no result to hand over


def main() -> None:
    """Run the command line."""
    try:
        app()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader has gone (`| head`); what it read is fine.
        sys.stderr.close()
        sys.exit(0)
