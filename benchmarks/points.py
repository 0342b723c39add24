"""One solver on one problem, in a process of its own: seconds, CPU seconds, memory, answer.

A problem is named by a ready problem, a file, or a family and a size: `dense:1e6`, `mixed:1e9`
(`benchmarks.families`).
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from typing import Any

from benchmarks import families

# The parent imports nothing large: Linux counts a process's memory before its exec towards its
# peak, so a large parent would be measured instead of a small child.

MEGABYTE = 1024  # in kilobytes, the unit of ru_maxrss
NOT_REPEATED = 10.0  # seconds above which a solve runs once
RUNS = 3

OURS = ("bound", "exhaustive", "scipy", "pulp", "pulp:HiGHS")
TABULATED = ("NumPy", "SCIP, tabulated", "CP-SAT, tabulated")
MODELS = ("SCIP", "HiGHS raw")
ENDLESS = ("differential evolution", "random search")
RIVALS = (*MODELS, *TABULATED, *ENDLESS)


def problem_of(source: str) -> Any:
    """The problem of a name."""
    from modelsizer import Problem

    family, _, size = source.partition(":")
    if family in families.SOURCES and size:
        return Problem.from_tables(families.tables(size, family))
    return Problem.load(source)


def rival(name: str) -> Any:
    """The function of a rival: of a problem and a time limit; or a table and its formulation."""
    from benchmarks.rivals import (
        cpsat,
        evolution,
        highs_raw,
        numpy_enumeration,
        random_search,
        scip,
        scip_table,
    )

    known = {
        "SCIP": scip.solve,
        "HiGHS raw": highs_raw.solve,
        "NumPy": numpy_enumeration.solve,
        "differential evolution": evolution.solve,
        "random search": random_search.solve,
    }
    name, _, formulation = name.partition(", ")
    if formulation:
        module = {"SCIP": scip_table, "CP-SAT": cpsat}[name]
        kind = "least" if formulation == "tabulated" else formulation
        return lambda problem, seconds: module.solve(problem, seconds, kind)
    return known[name]


def _cpu() -> float:
    """CPU seconds of this process with all of its threads, and of its children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def measure(source: str, solver: str, limit: float, runs: int = RUNS) -> dict[str, Any]:
    """Solve a problem a few times in this process.

    Returns
    -------
    dict
        `seconds`, `cpu`, `proof_seconds` as medians, `megabytes`, `value`, `claimed`, `bound`,
        `proof`, `words`, `design`; or `skipped`, the reason.
    """
    from benchmarks.rivals.answer import Skipped

    problem = problem_of(source)
    designs = problem.count_designs()
    found: dict[str, Any] = {"problem": source, "solver": solver, "designs": designs}
    found["objective"] = problem.objective.quantity
    seconds, cpu, alone = [], [], []
    for _ in range(runs):
        start, before = time.perf_counter(), _cpu()
        try:
            answer = (_ours if solver in OURS else _rival)(problem, solver, limit)
        except Skipped as reason:
            return found | {"skipped": str(reason)}
        except MemoryError:
            return found | {"skipped": "out of memory"}
        seconds.append(time.perf_counter() - start)
        cpu.append(_cpu() - before)
        alone.append(answer.pop("proof_seconds"))
        if seconds[-1] > min(NOT_REPEATED, 0.9 * limit) and solver not in ENDLESS:
            break
    peak = max(
        resource.getrusage(who).ru_maxrss
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return found | answer | {
        "seconds": statistics.median(seconds),
        "cpu": statistics.median(cpu),
        "proof_seconds": statistics.median(alone),
        "runs": len(seconds),
        "megabytes": peak / MEGABYTE,
    }  # fmt: skip


def _ours(problem: Any, solver: str, limit: float) -> dict[str, Any]:
    from benchmarks.rivals.answer import objective_of
    from modelsizer import solve

    result = solve(problem, solver=solver, time_limit=limit)
    design = None if result.design is None else result.best
    return {
        "value": None if design is None else objective_of(problem, design),
        "claimed": None if design is None else result.objective.value,
        "bound": result.bound,
        "proof": result.status in ("optimal", "infeasible"),
        "words": result.status,
        "boxes": result.statistics.get("blocks"),
        "design": None if design is None else repr(design.architecture),
        "proof_seconds": result.seconds,
    }


def _rival(problem: Any, solver: str, limit: float) -> dict[str, Any]:
    answer = rival(solver)(problem, limit)
    return {
        "value": answer.value,
        "claimed": answer.claimed,
        "bound": answer.bound,
        "proof": answer.proof,
        "words": answer.words,
        "design": None if answer.architecture is None else repr(answer.architecture),
        "proof_seconds": answer.solver_seconds,
    }


def apart(source: str, solver: str, limit: float, runs: int = RUNS) -> dict[str, Any]:
    """`measure` in a process of its own; `skipped` says how it died if it did."""
    command = [sys.executable, "-m", "benchmarks.points", source, solver, str(limit), str(runs)]
    answer = subprocess.run(command, capture_output=True, text=True)
    if answer.returncode:
        last = (answer.stderr.strip().splitlines() or ["killed"])[-1]
        return {"problem": source, "solver": solver, "skipped": f"failed: {last}"}
    return json.loads(answer.stdout.splitlines()[-1])


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]))))
