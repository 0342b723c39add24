"""Points of a grid: right at every one, and those without a problem are rows."""

from __future__ import annotations

import random

import pytest

from modelsizer import solve
from modelsizer.optimizer.budgets import AT_THE_LIMIT
from modelsizer.optimizer.sweeps.grids import SweepGrid, axis_of
from modelsizer.optimizer.sweeps.points import PointSolver, columns
from modelsizer.optimizer.sweeps.workers import results
from modelsizer.problems.architecture.describing import architecture_dict
from tests.support.random_problems import small
from tests.support.shared import seeds
from tests.support.sweeps import question


@pytest.mark.parametrize("seed", seeds(range(12), range(6, 12)))
def test_every_point_is_what_a_fresh_enumeration_gives(seed: int) -> None:
    problem, r = small(seed), random.Random(seed)
    tables = problem.to_dict()
    name = next(iter(problem.budgets.limits), None)
    memory = r.choice(["1 GB..100 GB:log:3", "200 MB,1 TB"])
    axes = [axis_of(problem, "budgets.serving_memory", memory),
            axis_of(problem, "serving.batch_size", "1,64"),
            axis_of(problem, "space.vocab_size", "32000,64000")]  # fmt: skip
    assert tables == problem.to_dict() and name is not None
    points = SweepGrid(tuple(axes))
    solver = PointSolver(problem, points, "auto")
    for index in points.neighbours(range(len(points))):
        row, fresh = solver.row(index), problem.with_settings(points.point(index))
        wanted = solve(fresh, solver="exhaustive")
        assert row["status"] == wanted.status
        assert tuple(row) == columns(problem, points)
        if wanted.design is None:
            assert row["loss"] is row["layers"] is row["serving_memory_used"] is None
            continue
        design = wanted.design
        assert (row["objective"], row["loss"]) == (wanted.objective.value, design.loss)
        widths = architecture_dict(design.architecture)
        assert all(row[k] == widths[k] for k in ("layers", "d_model", "heads", "kv_heads", "d_ff"))
        assert row["parameters"] == design.parameters.total
        for use in wanted.budgets:
            assert row[f"{use.name}_used"] == use.used
            if use.side == "max" and row["serving_memory_at_limit"] is not None:
                at = float(use.limit) - use.used <= AT_THE_LIMIT * float(use.limit)
                assert row[f"{use.name}_at_limit"] >= at


def test_values_that_make_no_problem_together_are_rows() -> None:
    settings = ("serving.accelerators=1,8", "serving.tensor_parallel=1,8")
    found = sorted(results(question(settings), range(4), jobs=1), key=lambda row: row["index"])
    assert [row["status"] for row in found] == ["optimal", "invalid", "optimal", "optimal"]
    assert "multiple of tensor_parallel" in found[1]["reason"]
