"""Compare every solver and every rival on every problem of the library: seconds, gap, proof.

`python -m benchmarks.solvers [PROBLEM ...]` prints a table per problem and writes
benchmarks/results/solvers.json. Solvers alternate, as machines are noisy, and medians are shown.
Rivals that are not installed, or cannot state a problem, are listed with the reason.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.rivals import evolution, highs_raw, numpy_enumeration, random_search, scip
from benchmarks.rivals.answer import RivalAnswer, Skipped
from modelsizer import Problem, solve
from modelsizer.problems.reading import library

RESULTS = Path("benchmarks/results/solvers.json")
REFERENCE = "one-h100-1e24"
RUNS = 3
OURS = ("bound", "scipy", "pulp", "pulp:HiGHS", "exhaustive")
LIMIT, REFERENCE_LIMIT = 15.0, 60.0  # time limits of SCIP and HiGHS, in seconds
EQUAL_TIME, AT_LEAST = 10.0, 1.0
"""Searches that do not terminate get ten times our time, and at least one second."""
OUT_OF_TIME = 0.9  # share of its time limit from which a run is not repeated
SCIP_NAME = "SCIP"
COLUMNS = 80

Rival = Callable[[Problem, float], RivalAnswer]
LIMITED: dict[str, Rival] = {SCIP_NAME: scip.solve, "HiGHS raw": highs_raw.solve}
COMPLETE: dict[str, Rival] = {"NumPy": numpy_enumeration.solve}
ENDLESS: dict[str, Rival] = {
    "differential evolution": evolution.solve,
    "random search": random_search.solve,
}
RIVALS = {**LIMITED, **COMPLETE, **ENDLESS}


@dataclass
class Runs:
    """Runs of one solver on one problem."""

    seconds: list[float] = field(default_factory=list)
    solver_seconds: list[float] = field(default_factory=list)
    process: list[float] = field(default_factory=list)
    loss: float | None = None
    bound: float | None = None
    proof: bool = False
    words: str = ""
    finished: bool = False  # no more runs

    def row(self, name: str, optimum: float) -> dict[str, Any]:
        def gap(value: float | None, sign: int) -> float | None:
            return None if value is None else sign * (value - optimum) + 0.0  # never -0.0

        return {
            "solver": name,
            "seconds": statistics.median(self.seconds),
            "slowest": max(self.seconds),
            "solver_seconds": statistics.median(self.solver_seconds),
            "process_seconds": statistics.median(self.process) if self.process else None,
            "runs": len(self.seconds),
            "loss": self.loss,
            "gap": gap(self.loss, 1),
            "bound_below": gap(self.bound, -1),
            "proof": self.proof,
            "words": self.words,
        }


def _run_ours(problem: Problem, name: str, runs: Runs) -> None:
    start = time.perf_counter()
    result = solve(problem, solver=name)
    runs.seconds.append(time.perf_counter() - start)
    runs.solver_seconds.append(result.seconds)
    runs.loss, runs.bound = result.best.loss, result.bound
    runs.proof, runs.words = result.status == "optimal", result.status


def _run_rival(problem: Problem, name: str, limit: float, runs: Runs) -> None:
    answer = RIVALS[name](problem, limit)
    runs.seconds.append(answer.seconds)
    runs.solver_seconds.append(answer.solver_seconds)
    runs.loss, runs.bound = answer.loss, answer.bound
    runs.proof, runs.words = answer.proof, answer.words
    runs.finished = name in LIMITED and answer.seconds >= OUT_OF_TIME * limit


def _process(problem: str, solver: str) -> float:
    """Seconds of a whole process."""
    module = ["benchmarks.rivals.scip", problem]
    if solver != SCIP_NAME:
        module = ["modelsizer", "solve", problem, "--solver", solver, "--json", "-"]
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", *module], stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - start


def measure(name: str) -> dict[str, Any]:
    """All runs on one problem of the library."""
    problem = Problem.load(name)
    if problem.objective.quantity != "loss":
        return {"problem": name, "skipped": f"its objective is {problem.objective.quantity}"}
    limit = REFERENCE_LIMIT if name == REFERENCE else LIMIT
    runs = {solver: Runs() for solver in (*OURS, *RIVALS)}
    skipped: dict[str, str] = {}
    for _ in range(RUNS):
        for solver in OURS:
            _run_ours(problem, solver, runs[solver])
        equal = max(AT_LEAST, EQUAL_TIME * statistics.median(runs[OURS[0]].seconds))
        for solver in RIVALS:
            if solver in skipped or runs[solver].finished:
                continue
            try:
                _run_rival(problem, solver, equal if solver in ENDLESS else limit, runs[solver])
            except Skipped as reason:
                skipped[solver] = str(reason)
        for solver in (*OURS, SCIP_NAME):
            if solver not in skipped and not runs[solver].finished:
                runs[solver].process.append(_process(name, solver))
    optimum = runs["exhaustive"].loss
    assert optimum is not None
    return {
        "problem": name,
        "designs": problem.count_designs(),
        "optimum": optimum,
        "rows": [r.row(solver, optimum) for solver, r in runs.items() if r.seconds],
        "skipped_rivals": skipped,
    }


def _ratio(row: dict[str, Any], scip_row: dict[str, Any] | None) -> str:
    if scip_row is None or row["solver"] in ENDLESS:
        return ""
    return f"{scip_row['seconds'] / row['seconds']:.1f}x"


def show(found: dict[str, Any]) -> None:
    """Print the table of one problem, 80 columns wide."""
    if "skipped" in found:
        print(f"\n{found['problem']}: skipped, {found['skipped']}")
        return
    print(f"\n{found['problem']}: {found['designs']:,} designs, optimum {found['optimum']:.9f}")
    print(f"{'':23}{'seconds':>9}{'to proof':>10}{'process':>9}{'gap, nats':>11}{'proof':>7}"
          f"{'SCIP / it':>11}")  # fmt: skip
    scip_row = next((r for r in found["rows"] if r["solver"] == SCIP_NAME), None)
    for r in found["rows"]:
        process = "" if r["process_seconds"] is None else f"{r['process_seconds']:.2f}"
        gap = "no design" if r["gap"] is None else f"{r['gap']:.1e}" if r["gap"] else "0"
        print(f"{r['solver']:23}{r['seconds']:9.3f}{r['solver_seconds']:10.3f}{process:>9}{gap:>11}"
              f"{'yes' if r['proof'] else 'no':>7}{_ratio(r, scip_row):>11}")  # fmt: skip
    for solver, reason in found["skipped_rivals"].items():
        print(textwrap.fill(f"{solver}: skipped, {reason}", COLUMNS, subsequent_indent="  "))


def versions() -> dict[str, str]:
    """Versions of the programs timed, and the number of cores."""
    found = {"python": platform.python_version(), "cores": str(os.cpu_count())}
    for package in ("numpy", "scipy", "highspy", "pulp", "pyscipopt"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def main() -> None:
    names = sys.argv[1:] or list(library())
    found = []
    for name in names:
        found.append(measure(name))
        show(found[-1])
    if not sys.argv[1:]:
        RESULTS.parent.mkdir(exist_ok=True)
        content = {"versions": versions(), "runs": RUNS, "problems": found}
        RESULTS.write_text(json.dumps(content, indent=2) + "\n")


if __name__ == "__main__":
    main()
