"""Time questions that differ from the last one in a single value.

`python -m benchmarks.resolve` asks a `Solver` series of questions about one space (other budgets,
token limits, serving settings, laws), compares each answer with that of a new solve, prints medians
and writes benchmarks/results/resolve.json. Times are CPU time.
"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path
from typing import Any

from benchmarks.points import problem_of
from modelsizer import Problem, Solver, solve

RESULTS = Path("benchmarks/results/resolve.json")
SOURCES = (
    "dense:1e3",
    "dense:1e4",
    "dense:1e5",
    "dense:1e6",
    "dense:1e7",
    "dense:1e8",
    "mixed:1e5",
    "mixed:1e6",
    "mixed:1e8",
)
QUESTIONS = 8
LAWS = ("besiroglu-2024", "hoffmann-2022", "kaplan-2020")
SERIES: dict[str, tuple[str, list[Any]]] = {
    "training FLOPs": (
        "budgets.training_flops", [1e24 * 1.1**i for i in range(QUESTIONS)]
    ),
    "serving memory": (
        "budgets.serving_memory", [f"{60 + i} GB" for i in range(QUESTIONS)]
    ),
    "most tokens": (
        "training.tokens", [{"max": 1e12 * (1 + i / 5)} for i in range(QUESTIONS)]
    ),
    "serving context": (
        "serving.context_length", [4096 * (1 + i) for i in range(QUESTIONS)]
    ),
    "loss law": ("objective.law", [LAWS[i % len(LAWS)] for i in range(QUESTIONS)]),
}  # fmt: skip


def series(problem: Problem, key: str, values: list[Any]) -> dict[str, float]:
    """Median milliseconds of CPU of a series of questions, answered in three ways."""
    kept = Solver(problem)
    kept.solve()
    seconds: dict[str, list[float]] = {"fresh": [], "details": [], "re-solve": []}
    for value in values:
        asked = {key: value}
        start = time.process_time()
        fresh = solve(problem.with_settings(asked))
        seconds["fresh"].append(time.process_time() - start)
        for name, details in (("re-solve", False), ("details", True)):
            start = time.process_time()
            again = kept.solve(asked, details=details)
            seconds[name].append(time.process_time() - start)
            assert again.objective == fresh.objective and again.gap == fresh.gap in (0, None)
            assert again.design is None or again.best.architecture == fresh.best.architecture
    return {name: 1000 * statistics.median(taken) for name, taken in seconds.items()}


def main() -> None:
    rows = []
    print(
        f"{'':6}{'designs':>10}  {'what changes':17}{'fresh':>9}{'re-solve':>10}"
        f"{'with what binds':>17}"
    )
    for source in SOURCES:
        problem = problem_of(source)
        for what, (key, values) in SERIES.items():
            row = {"problem": source, "designs": problem.count_designs(), "what": what}
            row |= series(problem, key, values)
            rows.append(row)
            print(f"{source[:5]:6}{row['designs']:10,}  {what:17}{row['fresh']:6.1f} ms"
                  f"{row['re-solve']:7.1f} ms{row['details']:14.1f} ms", flush=True)  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
