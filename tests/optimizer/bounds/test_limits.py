"""Linear constraints are exact: a design satisfies a limit equal to its use, not a tighter one."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from modelsizer import Problem
from modelsizer.optimizer.bounds.limits import budget_rows, depth_intervals, feasible
from modelsizer.optimizer.tables.spread import tables
from modelsizer.problems.designs.evaluation import evaluate
from modelsizer.problems.quantities.rows import QUANTITIES
from modelsizer.problems.requirements.budgets import written
from modelsizer.problems.tables.menus import Interval

NAMES = ("parameters", "serving_memory", "kv_cache", "decode_latency", "prefill_latency",
         "decode_throughput", "training_memory", "serving_cost")  # fmt: skip
HAIR = Fraction(1, 10**13)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("at", [0, 5, 11])
def test_a_limit_holds_to_the_last_digit(name: str, at: int) -> None:
    limit = {"min": 1e-9} if name == "decode_throughput" else {"max": written(name, 1e300)}
    problem = Problem.load("h100-cluster-90-days").with_settings(
        {f"budgets.{name}": limit, "serving.accelerator": "H100-SXM", "serving.batch_size": 24}
    )
    table = next(tables(problem))
    row, j = np.array([at]), np.array([[3]])
    value = Fraction(evaluate(problem, table.architecture(problem, at, [3])).exact[name])
    least = QUANTITIES[name].form == "inverse"
    for tighter in (Fraction(0), HAIR):
        moved = value * (1 + tighter if least else 1 - tighter)
        end: dict[str, Any] = {"min" if least else "max": moved}
        rows = budget_rows(problem, name, Interval(**end), table)
        assert rows
        keeps = all(feasible(rule, table, row, j)[0] for rule in rows)
        assert keeps == (tighter == 0)
        low, high = depth_intervals(table, rows, row, j, j)
        assert (low <= high).all() == keeps
