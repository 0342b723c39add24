"""Back end for SciPy's `milp`, which uses HiGHS."""

from __future__ import annotations

import math

import numpy as np

from modelsizer.optimizer.milp.program import Outcome, Program
from modelsizer.optimizer.tables.clock import Limits

_STOPPED_ITSELF = (0, 2)  # scipy.optimize.milp: 0 optimal, 2 infeasible


def solve_program(program: Program, limits: Limits) -> Outcome:
    """Solve with `scipy.optimize.milp`, to a zero relative gap.

    Its status 2, "infeasible", also results from badly scaled rows, so callers must verify an
    infinite bound.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp

    options: dict[str, object] = {"mip_rel_gap": 0.0, "disp": False}
    if limits.seconds is not None:
        options["time_limit"] = max(limits.seconds, 0.0)
    if limits.nodes is not None:
        options["node_limit"] = limits.nodes
    answer = milp(
        program.cost,
        integrality=program.integer.astype(np.int64),
        bounds=Bounds(program.low, program.high),
        constraints=LinearConstraint(program.rows, program.row_low, program.row_high),
        options=options,
    )
    finished = answer.status in _STOPPED_ITSELF
    bound = getattr(answer, "mip_dual_bound", None)
    if answer.status == 2:
        bound = math.inf
    elif bound is None or not math.isfinite(bound):
        bound = None
    x = None if answer.x is None else np.asarray(answer.x, float)
    nodes = getattr(answer, "mip_node_count", None) or 0
    return Outcome(x, bound, finished, str(answer.message), int(nodes))
