"""Compare every solver and every rival: seconds, CPU seconds, memory, gap, proof.

`python -m benchmarks.solvers [PROBLEM ...]` prints a table per problem, by default for every ready
problem, for mixed ones with known answers, and for three generated ones, and writes
benchmarks/results/solvers.json. Each solver runs in a process of its own. Rivals that are not
installed, or cannot state a problem, are listed with the reason.
"""

from __future__ import annotations

import json
import os
import platform
import sys
import textwrap
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.points import ENDLESS, OURS, RIVALS, apart

RESULTS = Path("benchmarks/results/solvers.json")
MIXED = Path("../shared/data/known_layers")
KNOWN = ("latent-experts", "least-active", "nothing-fits")
"""Mixed problems with known answers, left out where that folder is absent."""
GENERATED = ("mixed:1e4", "mixed:1e5", "mixed:1e6")
REFERENCE = "one-h100-1e24"
LIMIT = 60.0  # seconds; of CPU for SCIP
ENDLESS_SECONDS = 1.0
"""Searches that do not terminate get a second, which is ten times ours and more."""
COLUMNS = 80


def names() -> list[str]:
    """Every problem of the benchmark."""
    from modelsizer.problems.reading import library

    known = [MIXED / f"{name}.toml" for name in KNOWN]
    return [*library(), *(str(path) for path in known if path.exists()), *GENERATED]


def measure(name: str) -> dict[str, Any]:
    """All solvers on one problem."""
    rows, skipped = [], {}
    for solver in (*OURS, *RIVALS):
        endless = solver in ENDLESS
        row = apart(name, solver, *((ENDLESS_SECONDS, 1) if endless else (LIMIT,)))
        if "skipped" in row:
            skipped[solver] = row["skipped"]
        else:
            rows.append(row)
    sure = next(row for row in rows if row["solver"] == "exhaustive")
    unit = 1.0 if sure["objective"] == "loss" else abs(sure["value"] or 1.0)
    chosen = sure["design"]
    for row in rows:
        row["gap"] = _gap(row["value"], sure["value"], unit)
        row["claim"] = _gap(row["claimed"], row["value"], unit)
        row["tied"] = row.pop("design") != chosen and row["gap"] == 0
    return {
        "problem": name,
        "objective": sure["objective"],
        "designs": sure["designs"],
        "optimum": sure["value"],
        "rows": rows,
        "skipped_rivals": skipped,
    }


def _gap(value: float | None, other: float | None, unit: float) -> float | None:
    """Difference in nats, or relative where the objective is no loss; never -0.0."""
    return None if value is None or other is None else (value - other) / unit + 0.0


def _by(row: dict[str, Any], optimum: float | None) -> str:
    """How far a design is from the best, in words; `tied` is another than the rule of ties asks."""
    if optimum is None:
        return "infeasible" if row["value"] is None and row["proof"] else "no proof"
    if row["gap"] is None:
        return "no design"
    return f"{row['gap']:.1e}" if row["gap"] else "tied" if row["tied"] else "0"


def show(found: dict[str, Any]) -> None:
    """Print the table of one problem, 80 columns wide."""
    best = found["optimum"]
    words = "infeasible" if best is None else f"{found['objective']} {best:.12g}"
    print(f"\n{Path(found['problem']).stem}: {found['designs']:,} designs, {words}")
    print(f"{'':23}{'seconds':>9}{'CPU s':>8}{'MB':>6}{'gap':>11}{'claim off':>10}"
          f"{'':>4}")  # fmt: skip
    for r in found["rows"]:
        claim = "" if r["claim"] is None else f"{r['claim']:.0e}" if r["claim"] else "0"
        print(f"{r['solver']:23}{r['seconds']:9.3f}{r['cpu']:8.3f}"
              f"{r['megabytes']:6.0f}{_by(r, best):>11}{claim:>10}"
              f"{'' if r['proof'] else '  no':>4}")  # fmt: skip
    reasons: dict[str, list[str]] = {}
    for solver, reason in found["skipped_rivals"].items():
        reasons.setdefault(reason, []).append(solver)
    for reason, solvers in reasons.items():
        print(textwrap.fill(f"{'; '.join(solvers)}: {reason}", COLUMNS, subsequent_indent="  "))


def versions() -> dict[str, str]:
    """Versions of the programs timed, and the number of cores."""
    found = {"python": platform.python_version(), "cores": str(os.cpu_count())}
    for package in ("numpy", "scipy", "highspy", "pulp", "pyscipopt", "ortools"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def main() -> None:
    found = []
    for name in sys.argv[1:] or names():
        found.append(measure(name))
        show(found[-1])
        sys.stdout.flush()
    if not sys.argv[1:]:
        RESULTS.parent.mkdir(exist_ok=True)
        content = {"versions": versions(), "problems": found}
        RESULTS.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
