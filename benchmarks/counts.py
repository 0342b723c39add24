"""Count what questions take, in figures that do not depend on the machine.

`python -m benchmarks.counts` asks the questions of `QUESTIONS`, runs the commands of `COMMANDS`,
and compares their counts with the committed table, benchmarks/results/counts.json. A count that
grew by more than 5 % means that something became slower; one that fell by more than 20 %, that the
table is behind. `--write` writes the table; `tests/benchmarks/test_counts.py` holds it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

from benchmarks import families
from benchmarks.many import FEW, THREE, cluster

RESULTS = Path(__file__).parent / "results" / "counts.json"
MOST, LEAST = 1.05, 0.8
"""Shares of the count in the table that a count may have. Other processors round otherwise in the
last digit, and may keep or drop a box by it."""
ACCEPT = "to accept it, `python -m benchmarks.counts --write` and commit the table"
Counts = dict[str, int]

COMMANDS = {
    "--help": ("--help",),
    "check": ("check", "one-h100-1e24"),
    "describe": ("describe", "llama-3-8b"),
    "solve --quick": ("solve", "one-h100-1e24", "--quick"),
}
"""Commands whose imported modules are counted."""

LIBRARIES = (
    "numpy", "rich", "scipy", "highspy", "moocore", "pulp",
    "matplotlib", "pandas", "pyarrow", "huggingface_hub", "tomli_w",
)  # fmt: skip
_LOADED = """
from modelsizer.__main__ import main
try:
    main()
finally:
    print(*sys.modules, file=sys.stderr)
"""

LAWS = ("besiroglu-2024", "hoffmann-2022", "kaplan-2020")
_ARITHMETIC = [f"__{r}{name}__" for name in ("add", "sub", "mul", "truediv") for r in ("", "r")]
_FEW_WIDTHS = FEW | {"d_model": [4096, 8192], "layers": families.steps(24, 128, 8)}
SPACES: dict[str, Any] = {
    "dense:1e4": families.tables("1e4"),
    "dense:1e5": families.tables("1e5"),
    "dense:1e7": families.tables("1e7"),
    "mixed:1e4": families.tables("1e4", "mixed"),
    "mixed:1e6": families.tables("1e6", "mixed"),
    "48 layouts": cluster(_FEW_WIDTHS, {"pipeline_parallel": families.steps(1, 12, 1)}),
    "4 layouts": cluster(_FEW_WIDTHS, {"tensor_parallel": [4, 8], "pipeline_parallel": [1, 2]}),
}


def _questions() -> dict[str, tuple[str, Callable[[Any], Any]]]:
    """What is asked, of which space."""
    from modelsizer import compare_laws, explain, front, prices, rank, solve

    three = tuple(THREE.split(","))

    def too_low(problem: Any) -> Any:
        return explain(problem.with_settings({"budgets.loss": 1.95}))

    def by_three(problem: Any) -> Any:
        return compare_laws(problem, laws=LAWS)

    return {
        "solve one-h100-1e24": ("one-h100-1e24", solve),
        "solve h100-cluster-90-days": ("h100-cluster-90-days", solve),
        "solve dense:1e5": ("dense:1e5", solve),
        "solve dense:1e7": ("dense:1e7", solve),
        "solve mixed:1e6": ("mixed:1e6", solve),
        "solve 48 layouts": ("48 layouts", solve),
        "prices fixed-2t-tokens": ("fixed-2t-tokens", prices),
        "prices 4 layouts": ("4 layouts", prices),
        "compare-laws dense:1e4": ("dense:1e4", by_three),
        "compare-laws mixed:1e4": ("mixed:1e4", by_three),
        "pareto dense:1e5": ("dense:1e5", lambda problem: front(problem, objectives=three)),
        "rank mixed:1e4": ("mixed:1e4", rank),
        "explain fixed-2t-tokens": ("fixed-2t-tokens", too_low),
    }


def _problem(name: str) -> Any:
    from modelsizer import Problem

    return Problem.from_tables(SPACES[name]) if name in SPACES else Problem.load(name)


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Count calls of the few methods that all searches go through, and the rows given to them."""
    from modelsizer.optimizer.bounds.model import Model
    from modelsizer.optimizer.search.block_bounds import BlockBounds
    from modelsizer.optimizer.search.search import Search
    from modelsizer.problems.designs.evaluation import Evaluator

    def one(*_: Any) -> int:
        return 1

    counted: list[tuple[str, type, str, Callable[..., int]]] = [
        ("searches", Search, "open", one),
        ("blocks bounded", BlockBounds, "bound", lambda _, __, blocks, *___: len(blocks)),
        ("boxes bounded", Model, "relax", lambda _, __, row, *___: len(row)),
        ("designs in columns", Model, "evaluate", lambda _, __, row, *___: len(row)),
        ("exact evaluations", Evaluator, "evaluate", one),
        *(("exact sums and products", Fraction, name, one) for name in _ARITHMETIC),
    ]
    found: Counter[str] = Counter()

    def counter(name: str, function: Callable[..., Any], size: Callable[..., int]) -> Any:
        def run(*args: Any, **kwargs: Any) -> Any:
            found[name] += size(*args)
            return function(*args, **kwargs)

        return run

    kept = [(owner, method, getattr(owner, method)) for _, owner, method, _ in counted]
    for name, owner, method, size in counted:
        setattr(owner, method, counter(name, getattr(owner, method), size))
    try:
        yield found
    finally:
        for owner, method, function in kept:
            setattr(owner, method, function)


def of_questions() -> dict[str, Counts]:
    """Counts of each question, asked in this process in turn."""
    found = {}
    for name, (space, ask) in _questions().items():
        problem = _problem(space)
        with counting() as counts:
            ask(problem)
        found[name] = dict(sorted(counts.items()))
    return found


def of_imports() -> dict[str, Counts]:
    """Modules of ours, and libraries of `LIBRARIES`, that each command loads in a process."""
    found: dict[str, Counts] = {}
    for name, arguments in COMMANDS.items():
        program = f"import sys\nsys.argv = ['modelsizer', *{arguments}]\n{_LOADED}"
        answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
        loaded = answer.stderr.split()
        ours = [module for module in loaded if module.split(".")[0] == "modelsizer"]
        assert len(ours) > 1, answer.stderr
        found[name] = {"modules": len(ours)} | {
            library: 1 for library in LIBRARIES if library in loaded
        }
    return found


def found() -> dict[str, Counts]:
    """All counts: of questions, then of imports."""
    return of_questions() | of_imports()


def table() -> dict[str, Counts]:
    """The committed table."""
    kept: dict[str, Counts] = json.loads(RESULTS.read_text())
    return kept


def faults(now: dict[str, Counts], kept: dict[str, Counts]) -> list[str]:
    """What grew or fell against the table, a line each."""
    said = []
    for name in {**kept, **now}:
        before, after = kept.get(name, {}), now.get(name, {})
        for what in {**before, **after}:
            was, is_ = before.get(what, 0), after.get(what, 0)
            if not LEAST * was <= is_ <= MOST * was:
                change = "slower" if is_ > was else "faster"
                said.append(f"{name}: {what}: was {was:,}, is {is_:,} ({change}); {ACCEPT}")
    return said


def main() -> None:
    parser = argparse.ArgumentParser(description="Count what questions take.")
    parser.add_argument("--write", action="store_true", help="write the table")
    parser.add_argument("--json", action="store_true", help="print the counts and compare nothing")
    asked = parser.parse_args()
    now = found()
    if asked.json:
        print(json.dumps(now))
        return
    said = faults(now, table()) if RESULTS.exists() else []
    print("\n".join(said) or "no count changed by much")
    if asked.write:
        rows = [f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in now.items()]
        RESULTS.write_text("{\n" + ",\n".join(rows) + "\n}\n")
    elif said:
        sys.exit(1)


if __name__ == "__main__":
    main()
