"""A plan that is stopped at any time is a plan, and claims no more than is proven."""

from __future__ import annotations

import pytest

from modelsizer import Problem, plan_runs
from modelsizer.optimizer.planning.plan_runs import NoPlanError
from modelsizer.problems.errors import ArgumentError
from tests.support.clocks import Countdown

PROBLEM = Problem.load("phone-2gb")
WHOLE = plan_runs(PROBLEM, 1e20, 8)


@pytest.mark.parametrize("looks", [0, 5, 200, 300, 1000])
def test_stopped_at_any_time_its_bound_holds(looks: int) -> None:
    assert WHOLE is not None and WHOLE.complete
    try:
        part = plan_runs(PROBLEM, 1e20, 8, clock=Countdown(looks))
    except NoPlanError as error:
        assert error.stop == "time"
        return
    assert part is not None
    assert float(part.runs.flops.sum()) <= 1e20 and len(part.rows()) == 8
    assert part.bound <= WHOLE.value + 1e-9 and part.value >= WHOLE.bound - 1e-9
    assert part.complete or part.to_dict()["stop"] == "time"


def test_without_time_there_is_no_plan() -> None:
    with pytest.raises(NoPlanError, match="time limit was reached"):
        plan_runs(PROBLEM, 1e20, 8, time_limit=0.0)


def test_more_runs_than_can_be_planned_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"runs: 1,000,000,000 are too many"):
        plan_runs(PROBLEM, 1e20, 10**9)
