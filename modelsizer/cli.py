"""The command line. It reads arguments, calls, prints and exits; it decides nothing."""

from __future__ import annotations

import sys

# Each command registers itself when it is imported, in the order of `--help`.
from modelsizer.commands import solving  # isort: skip
from modelsizer.commands import rank, pareto, frontier, depth_width  # isort: skip
from modelsizer.commands import whatif, explain, prices, sweep  # isort: skip
from modelsizer.commands import report, allocate, drawing  # isort: skip
from modelsizer.commands import architectures, laws, compare_laws  # isort: skip
from modelsizer.commands import fit, plan_runs, uncertainty  # isort: skip
from modelsizer.commands import accelerators, gallery  # isort: skip
from modelsizer.commands.app import app

__all__ = [
    "accelerators",
    "allocate",
    "app",
    "architectures",
    "compare_laws",
    "depth_width",
    "drawing",
    "explain",
    "fit",
    "frontier",
    "gallery",
    "laws",
    "main",
    "pareto",
    "plan_runs",
    "prices",
    "rank",
    "report",
    "solving",
    "sweep",
    "uncertainty",
    "whatif",
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
