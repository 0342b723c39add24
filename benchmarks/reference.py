"""Time the reference problem with each solver, as a whole process.

Solvers alternate within one run, as machines are noisy; medians are printed and written as JSON.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

SOLVERS = ("auto", "bound", "exhaustive", "scipy", "pulp", "pulp:HiGHS")
PROBLEM = "one-h100-1e24"
RUNS = 5
RESULTS = Path("benchmarks/results/reference.json")


def timed(args: list[str]) -> tuple[float, float]:
    """Wall-clock seconds and peak megabytes of a process."""
    start = time.perf_counter()
    process = subprocess.Popen(args, stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(process.pid, 0)
    return time.perf_counter() - start, usage.ru_maxrss / 1024


def main() -> None:
    commands = {
        name: [
            sys.executable,
            "-m",
            "modelsizer",
            "solve",
            PROBLEM,
            "--solver",
            name,
            "--json",
            "-",
        ]
        for name in SOLVERS
    }
    commands["--help"] = [sys.executable, "-m", "modelsizer", "--help"]
    commands["bare Python"] = [sys.executable, "-c", ""]
    seen: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
    for _ in range(RUNS):
        for name, args in commands.items():
            seen[name].append(timed(args))
    rows = {
        name: {
            "seconds": statistics.median(s for s, _ in runs),
            "slowest": max(s for s, _ in runs),
            "megabytes": max(m for _, m in runs),
        }
        for name, runs in seen.items()
    }
    print(f"{'':14}{'median s':>10}{'slowest s':>11}{'peak MB':>9}   ({PROBLEM}, {RUNS} runs)")
    for name, row in rows.items():
        print(f"{name:14}{row['seconds']:10.2f}{row['slowest']:11.2f}{row['megabytes']:9.0f}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
