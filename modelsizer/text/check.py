"""What `modelsizer check` finds out: a valid problem, its size, the work ahead."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from modelsizer.problems.problem import Problem

DESIGNS_A_SECOND = 2e6
"""Designs that enumeration evaluates in a second on one core, measured; the order matters, not
the digit."""


def check_problem(problem: Problem) -> dict[str, Any]:
    """Sizes of a problem."""
    options = candidates = 0
    for _, table in problem.options():
        options += len(table)
        candidates += table.designs
    return {
        "name": problem.name,
        "valid": True,
        "width_options": options,
        "designs": problem.count_designs(),
        "layouts": len(problem.layouts),
        "exhaustive_seconds": round(candidates / DESIGNS_A_SECOND, 3),
        "objective": f"{problem.objective.sense} {problem.objective.quantity}",
        "law": problem.law.name,
        "shape": problem.shape.name,
        "limits": list(problem.budgets.limits),
        "scenarios": list(problem.scenarios),
    }


def print_check(console: Console, problem: Problem, found: dict[str, Any]) -> None:
    """Print them."""
    console.print(f"{problem.name or 'unnamed problem'}: valid")
    console.print(f"  {found['width_options']:,} width options, {found['designs']:,} designs")
    console.print(f"  {found['objective']} ({found['law']}, shape {found['shape']})")
    console.print(f"  limits: {', '.join(found['limits']) or 'tokens only'}")
    if found["scenarios"]:
        console.print(f"  scenarios: {', '.join(found['scenarios'])}")
    seconds = found["exhaustive_seconds"]
    about = "under 0.1 s" if seconds < 0.1 else f"about {seconds:.1f} s"
    console.print(f"  enumeration would take {about}; the solvers look at a fraction of it")
