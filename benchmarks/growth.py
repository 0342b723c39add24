"""Measure how time and memory grow with the number of designs.

`python -m benchmarks.growth [dense|mixed|planted ...]` solves families of problems
(`benchmarks.families`) of about 1e3 to 1e13 designs, each in a process of its own, prints a table
and writes benchmarks/results/growth.json. Answers of mixed spaces are checked by plain NumPy
(`benchmarks.rivals.counts`, which shares no formula with the program): the space is enumerated up
to `ENUMERATED` designs, the answer of `planted` is known, and above that the sub-spaces around the
answer are enumerated.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks import families
from benchmarks.points import ENDLESS, OURS, apart

# The parent imports nothing large, for the reason given in `benchmarks.points`.

RESULTS = Path("benchmarks/results/growth.json")
LIMIT = 150.0  # seconds per solve; a solver that takes longer is not run on more designs
ENDLESS_SECONDS = 1.0  # time limit of solvers that do not terminate by themselves
ENUMERATED = 2e7
MOST = {
    "bound": 1e14,
    "scipy": 1e6,
    "pulp": 1e6,
    "exhaustive": 1e7,
    "NumPy": 1e8,
    "SCIP, tabulated": 1e7,
    "CP-SAT, tabulated": 1e7,
    "SCIP": 1e6,
    "differential evolution": 1e14,
    "random search": 1e14,
}
"""Greatest number of designs that each solver is run on."""


def checked(source: str) -> dict[str, Any]:
    """Check the answer of `bound` on a mixed problem by plain NumPy.

    Returns
    -------
    dict
        `kind` (enumerated, planted or neighbours), `least` by NumPy, `answer`, `looked_at`;
        `leaves`, how many designs the search compared, and `furthest`, how far NumPy's values of
        them are from the program's.

    Raises
    ------
    AssertionError
        If a feasible design is better than the answer, an enumeration finds another value, or a
        leaf has another value or feasibility.
    """
    from benchmarks.points import problem_of
    from benchmarks.rivals.counts import Counts
    from benchmarks.rivals.leaves import SAME, rechecked
    from benchmarks.rivals.neighbours import best_near, feasible_values, index_of
    from modelsizer import solve

    problem = problem_of(source)
    counts, designs = Counts(problem), problem.count_designs()
    with rechecked() as leaves:
        result = solve(problem)
    assert not leaves.differ and leaves.furthest <= SAME, leaves
    answer = result.best.loss
    index = index_of(counts, result.to_dict()["architecture"])
    one = counts.widths([k[None] for k in index[:-1]])
    own = float(feasible_values(counts, one, counts.layers[index[-1:]])[0])
    assert abs(own - answer) <= SAME * answer, (own, answer)
    planted = source.startswith("planted:")
    least, looked_at = best_near(counts, index, menus=1 if planted else 2)
    found = {"kind": "neighbours", "looked_at": looked_at}
    if designs <= ENUMERATED or planted:
        core = Counts(problem_of("planted:1e4")) if planted else counts
        values = [math.inf]
        looked_at = 0
        for _, _, value, excess in core.tabulate():
            values.append(float(value[excess <= 0].min(initial=math.inf)))
            looked_at += int(value.size)
        assert abs(min(values) - answer) <= SAME * answer, (min(values), answer)
        least = min(least, *values)
        found = {"kind": "planted" if planted else "enumerated", "looked_at": looked_at}
    assert least >= answer * (1 - SAME), (least, answer)
    found |= {"leaves": leaves.designs, "furthest": leaves.furthest}
    return found | {"problem": source, "answer": answer, "least": least}


def slope(rows: list[dict[str, Any]], key: str) -> float | None:
    """Least-squares slope of the logarithm of a column over the logarithm of the designs."""
    points = [(math.log(r["designs"]), math.log(max(r[key], 1e-3))) for r in rows]
    if len(points) < 2:
        return None
    middle = [sum(column) / len(points) for column in zip(*points, strict=True)]
    above = sum((x - middle[0]) * (y - middle[1]) for x, y in points)
    return above / sum((x - middle[0]) ** 2 for x, _ in points)


def family_rows(family: str) -> list[dict[str, Any]]:
    """Solve a family with every solver, printing as it goes."""
    rows: list[dict[str, Any]] = []
    over: set[str] = set()
    print(f"\n{family}\n{'designs':>18}  {'solver':23}{'seconds':>9}{'CPU s':>8}"
          f"{'MB':>6}{'boxes':>11}{'gap, nats':>10}{'proof':>6}")  # fmt: skip
    for size in families.sizes(family):
        best = None
        for solver, most in MOST.items():
            if solver in over or float(size) > most:
                continue
            limit = ENDLESS_SECONDS if solver in ENDLESS else LIMIT
            row = apart(f"{family}:{size}", solver, limit)
            if "skipped" in row:
                print(f"{row.get('designs', 0):18,}  {solver}: {row['skipped']}")
                over.add(solver)
                continue
            if row["proof"] and solver in OURS:
                best = row["value"]
            known = best is not None and row["value"] is not None
            row["gap"] = row["value"] - best if known else None
            rows.append(row | {"family": family})
            if row["seconds"] >= 0.9 * LIMIT:
                over.add(solver)
            gap = "" if row["gap"] is None else f"{row['gap']:.1e}" if row["gap"] else "0"
            boxes = f"{row['boxes']:,}" if row.get("boxes") else ""
            print(f"{row['designs']:18,}  {solver:23}{row['seconds']:9.3f}{row['cpu']:8.3f}"
                  f"{row['megabytes']:6.0f}{boxes:>11}{gap:>10}"
                  f"{'yes' if row['proof'] else 'no':>6}", flush=True)  # fmt: skip
    return rows


def slopes(rows: list[dict[str, Any]]) -> dict[str, dict[str, float | None]]:
    """Slopes of each solver, over the solves that ended."""
    found = {}
    for solver in dict.fromkeys(r["solver"] for r in rows):
        own = [r for r in rows if r["solver"] == solver and r["seconds"] < 0.9 * LIMIT]
        keys = ("seconds", "cpu", "proof_seconds", "megabytes")
        found[solver] = {key: slope(own, key) for key in keys}
        if own and solver not in ENDLESS:
            words = (f"{key} {value:.2f}" for key, value in found[solver].items() if value)
            print(f"{solver:23}{', '.join(words)}")
    return found


def _check_apart(source: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.growth", "--check", source]
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    return json.loads(answer.stdout.splitlines()[-1])


def main() -> None:
    if sys.argv[1:2] == ["--check"]:
        print(json.dumps(checked(sys.argv[2])))
        return
    stored = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for family in sys.argv[1:] or families.SOURCES:
        rows = family_rows(family)
        print("\nslopes: d ln / d ln designs, over the solves that ended")
        stored[family] = {"rows": rows, "slopes": slopes(rows)}
        if family != "dense":
            stored[family]["checks"] = []
            for size in families.sizes(family):
                check = _check_apart(f"{family}:{size}")
                stored[family]["checks"].append(check)
                print(f"{size:>6} {check['kind']:11}{check['looked_at']:12,} designs, none better; "
                      f"{check['leaves']:10,} leaves, off by {check['furthest']:.0e}",
                      flush=True)  # fmt: skip
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(stored, indent=2) + "\n")


if __name__ == "__main__":
    main()
