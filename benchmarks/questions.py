"""Time `explain` and `prices` on large menus.

`python -m benchmarks.questions [LABEL]` asks both of dense and mixed problems of about 1e7 and 1e8
designs (`benchmarks.families`), each in a process of its own, and adds them under the label to
benchmarks/results/questions.json. `explain` is asked why no design of the space reaches a loss
below the best. So that versions compare, terms that older laws lack are left out of dense problems.
"""

from __future__ import annotations

import contextlib
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks import families

RESULTS = Path("benchmarks/results/questions.json")
SOURCES = ("dense:1e7", "dense:1e8", "mixed:1e7", "mixed:1e8")
TOO_LOW = {"dense": 1.95, "mixed": 1.87}
"""Losses in nats that no design reaches."""
LIMIT = 1200.0  # seconds
MEGABYTE = 1024  # in kilobytes, the unit of ru_maxrss


def ask(what: str, source: str) -> dict[str, Any]:
    """Ask one question in this process; `answer` is what two versions must agree on."""
    from modelsizer import Problem, explain, prices
    from modelsizer.problems.errors import ProblemError

    family, _, size = source.partition(":")
    problem = Problem.from_tables(families.tables(size, family))
    if family == "dense":
        with contextlib.suppress(ProblemError):  # a version without these terms
            problem = problem.with_settings({"objective.ablations": "none"})
    start, before = time.perf_counter(), time.process_time()
    if what == "explain":
        problem = problem.with_settings({"budgets.loss": TOO_LOW[family]})
        found = explain(problem, time_limit=LIMIT).to_dict()
        answer = {key: found[key] for key in ("feasible", "complete", "conflicts", "with_space")}
        answer["repairs"] = sorted(
            (repair["key"], str(repair["limit"])) for repair in found["repairs"]
        )
    else:
        found = prices(problem, time_limit=LIMIT).to_dict()
        answer = {"complete": found["complete"]} | {
            row["name"]: [change["objective"] for change in row["changes"]]
            for row in found["budgets"]
        }
    return {
        "question": what,
        "problem": source,
        "designs": problem.count_designs(),
        "seconds": time.perf_counter() - start,
        "cpu": time.process_time() - before,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEGABYTE,
        "answer": answer,
    }


def main() -> None:
    if sys.argv[1:2] == ["--ask"]:
        print(json.dumps(ask(*sys.argv[2:4])))
        return
    label = sys.argv[1] if len(sys.argv) > 1 else "now"
    stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    rows = stored[label] = []
    print(f"{'':9}{'problem':11}{'designs':>13}{'seconds':>9}{'CPU s':>8}{'peak MB':>9}  complete")
    for source in SOURCES:
        for what in ("explain", "prices"):
            command = [sys.executable, "-m", "benchmarks.questions", "--ask", what, source]
            answer = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
            row = json.loads(answer.stdout.splitlines()[-1])
            rows.append(row)
            print(f"{what:9}{source:11}{row['designs']:13,}{row['seconds']:9.2f}{row['cpu']:8.2f}"
                  f"{row['megabytes']:9.0f}  {'yes' if row['answer']['complete'] else 'no'}",
                  flush=True)  # fmt: skip
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(stored, indent=2) + "\n")


if __name__ == "__main__":
    main()
