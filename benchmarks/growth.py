"""Measure how time and memory grow with the number of designs.

`python -m benchmarks.growth` solves one family of problems with about 1e3 to 1e9 designs, each in
a process of its own, prints a table and writes benchmarks/results/growth.json. Budgets are those
of one-h100-1e24 throughout; only the menus grow.
"""

from __future__ import annotations

import json
import math
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# The parent imports nothing large: Linux counts a process's memory before its exec towards its
# peak, so a large parent would be measured instead of a small child.

RESULTS = Path("benchmarks/results/growth.json")
RUNS = 3
LIMIT = 60.0  # seconds per solve; a solver that takes longer is not run on more designs
NOT_REPEATED = 10.0  # seconds above which a solve runs once
ENDLESS_SECONDS = 1.0  # time limit of solvers that do not terminate by themselves
MEGABYTE = 1024  # in kilobytes, the unit of ru_maxrss


def _steps(low: float, high: float, step: float) -> dict[str, float]:
    return {"min": low, "max": high, "step": step}


_ALL_KV, _VOCABULARIES = [1, 2, 4, 8, 16], (32768, 262144)
_MORE_KV, _MORE_HEADS = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16], [64, 80, 96, 112, 128, 192, 256]
# Steps of d_model, head_dim, kv_heads, ffn_ratio, vocab_size, tied_embeddings.
MENUS: dict[str, tuple[Any, ...]] = {
    "1e3": (512, 128, 8, 3.5, 128256, False),
    "1e4": (128, 128, [1, 8], 3.5, 128256, False),
    "1e5": (128, [64, 128], _ALL_KV, [2.75, 3.5], 128256, False),
    "1e6": (64, [64, 128], _ALL_KV, _steps(2.5, 4, 0.5), [32768, 131072], [False, True]),
    "1e7": (64, [64, 96, 128], _ALL_KV, _steps(2.5, 4, 0.25), _steps(*_VOCABULARIES, 32768),
            [False, True]),
    "1e8": (64, [64, 96, 128], _ALL_KV, _steps(2.5, 4, 0.125), _steps(*_VOCABULARIES, 4096),
            [False, True]),
    "1e9": (64, _MORE_HEADS, _MORE_KV, _steps(2.5, 4, 0.0625), _steps(*_VOCABULARIES, 2048),
            [False, True]),
}  # fmt: skip
"""Ranges of layers, widths, feed-forward ratios and vocabularies cover published dense models;
matrix units need multiples of 64."""

MOST = {
    "bound": 1e10,
    "scipy": 1e10,
    "pulp": 1e10,
    "exhaustive": 2e7,
    "NumPy": 2e7,
    "SCIP": 1e10,  # limited by its time instead
    "differential evolution": 1e10,
    "random search": 1e10,
}
"""Greatest number of designs that each solver is run on."""
OURS = ("bound", "scipy", "pulp", "exhaustive")
ENDLESS = ("differential evolution", "random search")


def tables(size: str) -> dict[str, Any]:
    """Tables of a problem in the family."""
    step, head_dim, kv_heads, ffn_ratio, vocab_size, tied = MENUS[size]
    return {
        "name": f"some {size} designs",
        "space": {
            "layers": {"min": 8, "max": 160},
            "d_model": _steps(1024, 16384, step),
            "head_dim": head_dim,
            "kv_heads": kv_heads,
            "ffn_ratio": ffn_ratio,
            "ffn_multiple": 64,
            "vocab_size": vocab_size,
            "tied_embeddings": tied,
            "aspect_ratio": {"min": 48, "max": 160},
        },
        "training": {"sequence_length": 8192, "tokens": {"max": 15e12}},
        "serving": {"batch_size": 16, "context_length": 8192},
        "budgets": {
            "training_flops": 1e24,
            "parameters": 40e9,
            "kv_cache": "16 GiB",
            "serving_memory": "80 GB",
        },
    }


def point(solver: str, size: str) -> dict[str, Any]:
    """Solve one problem with one solver, in this process."""
    from benchmarks.rivals import evolution, numpy_enumeration, random_search, scip
    from benchmarks.rivals.answer import Skipped
    from modelsizer import Problem, solve

    rivals = {
        "NumPy": numpy_enumeration.solve,
        "SCIP": scip.solve,
        "differential evolution": evolution.solve,
        "random search": random_search.solve,
    }
    problem = Problem.from_tables(tables(size))
    found: dict[str, Any] = {"solver": solver, "size": size, "designs": problem.count_designs()}
    seconds, proof_seconds = [], []
    for _ in range(RUNS):
        start = time.perf_counter()
        if solver in OURS:
            result = solve(problem, solver=solver, time_limit=LIMIT)
            alone, loss = result.seconds, result.best.loss
            proof, words = result.status == "optimal", result.status
        else:
            try:
                limit = ENDLESS_SECONDS if solver in ENDLESS else LIMIT
                answer = rivals[solver](problem, limit)
            except Skipped as reason:
                return found | {"skipped": str(reason)}
            alone, loss = answer.solver_seconds, answer.loss
            proof, words = answer.proof, answer.words
        seconds.append(time.perf_counter() - start)
        proof_seconds.append(alone)
        if seconds[-1] > NOT_REPEATED:
            break
    return found | {
        "seconds": statistics.median(seconds),
        "proof_seconds": statistics.median(proof_seconds),
        "runs": len(seconds),
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE,
        "loss": loss,
        "proof": proof,
        "words": words,
    }


def _apart(solver: str, size: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.growth", "--point", solver, size]
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(answer.stdout)


def slope(rows: list[dict[str, Any]], key: str) -> float | None:
    """Least-squares slope of the logarithm of a column over the logarithm of the designs."""
    points = [(math.log(r["designs"]), math.log(r[key])) for r in rows]
    if len(points) < 2:
        return None
    middle = [sum(column) / len(points) for column in zip(*points, strict=True)]
    above = sum((x - middle[0]) * (y - middle[1]) for x, y in points)
    return above / sum((x - middle[0]) ** 2 for x, _ in points)


def main() -> None:
    if sys.argv[1:2] == ["--point"]:
        print(json.dumps(point(sys.argv[2], sys.argv[3])))
        return
    rows: list[dict[str, Any]] = []
    over: set[str] = set()
    print(f"{'designs':>13}  {'solver':23}{'solve() s':>10}{'proof s':>9}{'peak MB':>9}"
          f"{'gap, nats':>10}{'proof':>6}")  # fmt: skip
    for size in MENUS:
        best = None
        for solver, most in MOST.items():
            if solver in over or float(size) > most:
                continue
            row = _apart(solver, size)
            if "skipped" in row:
                print(f"{row['designs']:13,}  {solver}: skipped, {row['skipped']}")
                over.add(solver)
                continue
            if row["proof"] and solver in OURS:
                best = row["loss"]
            known = best is not None and row["loss"] is not None
            row["gap"] = row["loss"] - best if known else None
            rows.append(row)
            if row["seconds"] >= LIMIT:
                over.add(solver)
            gap = "" if row["gap"] is None else f"{row['gap']:.1e}" if row["gap"] else "0"
            print(f"{row['designs']:13,}  {solver:23}{row['seconds']:10.3f}"
                  f"{row['proof_seconds']:9.3f}{row['megabytes']:9.0f}{gap:>10}"
                  f"{'yes' if row['proof'] else 'no':>6}", flush=True)  # fmt: skip
    slopes = {}
    print("\nslopes: d ln / d ln designs, over the solves that ended")
    for solver in MOST:
        # A solve stopped at its time limit says nothing about growth.
        own = [r for r in rows if r["solver"] == solver and r["seconds"] < LIMIT]
        keys = ("seconds", "proof_seconds", "megabytes")
        slopes[solver] = {key: slope(own, key) for key in keys}
        if own and solver not in ENDLESS:
            words = (f"{key} {value:.2f}" for key, value in slopes[solver].items() if value)
            print(f"{solver:23}{', '.join(words)}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"rows": rows, "slopes": slopes}, indent=2) + "\n")


if __name__ == "__main__":
    main()
