"""Compare formulations of the rivals that start from a table of every design.

`python -m benchmarks.formulations [PROBLEM ...]` prints CPU seconds of each, table included.
"""

from __future__ import annotations

import sys

from benchmarks.points import apart

PROBLEMS = ("one-h100-1e24", "h100-cluster-90-days", "mixed:1e4", "mixed:1e5")
TRIED = {
    "SCIP": ("least", "designs", "joined", "hull", "rows"),
    "CP-SAT": ("least", "designs", "element", "hull"),
}
LIMIT = 60.0


def main() -> None:
    names = sys.argv[1:] or PROBLEMS
    print(f"{'CPU seconds':19}" + "".join(f"{name:>22}" for name in names))
    for solver, formulations in TRIED.items():
        for formulation in formulations:
            cells = []
            for name in names:
                row = apart(name, f"{solver}, {formulation}", LIMIT)
                ended = "skipped" not in row and row["proof"]
                cells.append(f"{row['cpu']:.3f}" if ended else row.get("skipped", "no proof")[:20])
            print(f"{solver}, {formulation:{17 - len(solver)}}"
                  + "".join(f"{cell:>22}" for cell in cells), flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
