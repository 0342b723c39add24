"""The JSON of ``modelsizer solve FILE``, from a solver that keeps its tables."""

from __future__ import annotations

from typing import Any

from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.surveys.machines import machines_of
from modelsizer.optimizer.surveys.near_ties import ties_of
from modelsizer.optimizer.tables.clock import Clock


def solved_dict(solver: Solver, clock: Clock) -> dict[str, Any]:
    """Solve a problem, and return what the command writes with ``--json``."""
    result = solver.solve()
    made = result.to_dict()
    if (ties := ties_of(result, solver, clock)) is not None:
        made["near_ties"] = ties.to_dict()
    if solver.problem.menus and (insisted := machines_of(result, solver, clock)) is not None:
        made["machine"] |= insisted.others_dict()
    return made
