"""An explanation that a time limit ends is a part of the whole one and claims nothing else."""

from __future__ import annotations

import pytest

from modelsizer import Problem
from modelsizer.optimizer.explain.explain import Explanation, explain
from tests.support.clocks import SECONDS, runs_out_after
from tests.support.shared import seeds
from tests.support.tight_problems import infeasible_problems, tight

LOOKS = (0, 2, 10, 40, 150, 600, 2500)


def check_part(part: Explanation, whole: Explanation) -> None:
    assert part.feasible in (None, whole.feasible)
    assert part.complete == (part.stop == "proven") == (not part.unfinished)
    if part.complete:
        assert not part.undecided
        assert part.conflicts == whole.conflicts
    assert set(part.conflicts) <= set(whole.conflicts)
    known = {conflict.keys: conflict.needs for conflict in whole.with_space}
    for conflict in part.with_space:
        assert conflict.needs in (None, known[conflict.keys])
    assert set(part.repairs) <= set(whole.repairs)
    decided = {repair.key for repair in whole.repairs} - {*part.undecided}
    assert {repair.key for repair in part.repairs} >= decided
    assert part.joint is None or whole.joint is None or part.joint.cost == whole.joint.cost
    answers = {why.key: why.helps for why in whole.whys}
    for why in part.whys:
        assert why.helps in (None, answers[why.key])


@pytest.mark.parametrize("index", seeds(range(12), range(1, 12)))
def test_whenever_the_time_ends_what_is_said_is_true(
    index: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = tight(infeasible_problems(index + 1)[index])
    whole = explain(problem)
    asked = [*(limit.key for limit in whole.limits), "serving.kv_bytes"]
    whole = explain(problem, why=asked)
    ended = []
    for looks in LOOKS:
        with monkeypatch.context() as patch:
            runs_out_after(looks, patch)
            part = explain(problem, why=asked, time_limit=SECONDS)
        check_part(part, whole)
        ended.append(tuple(part.unfinished))
    assert len({*ended}) > 2
    assert ended[0] == ("feasible", "conflicts", "with_space", "repairs", "joint", "alternatives")


def test_an_interruption_keeps_what_is_proven(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = Problem.load("phone-2gb").with_settings({"budgets.serving_memory": "100 MB"})

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("modelsizer.optimizer.explain.explain.limit_repairs", interrupted)
    found = explain(problem)
    assert (found.feasible, found.stop) == (False, "interrupted")
    assert found.conflicts == (("budgets.serving_memory",),)
    assert found.unfinished == ("repairs", "joint", "alternatives")
