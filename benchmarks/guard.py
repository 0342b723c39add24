"""Notice what became slower, on whatever machine.

`python -m benchmarks.guard [NAME ...]` runs questions of `benchmarks.many` as whole processes,
beside fixed work of NumPy and Python, the yardstick. CPU times are in yardsticks, so those of
different machines compare. It says which take more than 1.3 times as much as in the committed
results, benchmarks/results/guard.json, and then ends with status 1; `--write` writes the results.
`benchmarks.counts` notices what became slower without a clock.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.many import QUESTIONS, measured

RESULTS = Path(__file__).parent / "results" / "guard.json"
NAMES = ("help", "solve", "solve quick", "solve 96 layouts", "prices 20 layouts",
         "compare-laws 8e6", "pareto mixed 1e7")  # fmt: skip
SLOWER = 1.3
"""Times the committed figure from which a question counts as slower."""
YARDSTICKS = 3


def yardstick() -> float:
    """CPU seconds of the fixed work: about 0.3 on the processors of 2023."""
    import numpy as np

    start = time.process_time()
    values = np.random.default_rng(0).random(200_000)
    for _ in range(12):
        np.exp(0.3 * np.log(np.sort(values))).cumsum()
    assert sum(n * n % 7 for n in range(1_000_000)) > 0
    return time.process_time() - start


def apart() -> float:
    """The least of a few yardsticks, each in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.guard", "--yardstick"]
    return min(
        float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
        for _ in range(YARDSTICKS)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Notice what became slower.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(QUESTIONS))
    parser.add_argument("--write", action="store_true", help="write the results")
    parser.add_argument("--yardstick", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.yardstick:
        print(yardstick())
        return
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    found, slower = {}, []
    print(f"{'':22}{'CPU s':>8}{'yardstick s':>13}{'yardsticks':>12}{'before':>9}")
    for name in asked.names or NAMES:
        length = apart()
        (row,) = measured([name], None)
        cpu = row["now"]["cpu"]
        now, was = cpu / length, kept.get(name, {}).get("yardsticks")
        row = {"cpu": cpu, "yardstick": length, "yardsticks": now}
        found[name] = {what: round(value, 4) for what, value in row.items()}
        mark = "" if was is None or now <= SLOWER * was else "  SLOWER"
        before = "" if was is None else f"{was:9.2f}"
        print(f"{name:22}{cpu:8.2f}{length:13.3f}{now:12.2f}{before}{mark}", flush=True)
        slower += [name] if mark else []
    if asked.write:
        RESULTS.write_text(json.dumps(kept | found, indent=2) + "\n")
    elif slower:
        sys.exit(f"slower by more than {SLOWER} times: {', '.join(slower)}; "
                 "to accept it, `python -m benchmarks.guard --write`")  # fmt: skip


if __name__ == "__main__":
    main()
