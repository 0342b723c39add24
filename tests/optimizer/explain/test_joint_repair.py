"""The cheapest joint repair against plain loops over designs and tokens."""

from __future__ import annotations

import pytest

from modelsizer.optimizer.explain.explain import explain
from tests.support.infeasible import problem_of
from tests.support.joint_repair import check_joint_repair
from tests.support.shared import seeds
from tests.support.tight_problems import infeasible_problems, tight


@pytest.mark.parametrize("index", seeds(range(25), range(6, 25)))
def test_the_cheapest_joint_repair_is_cheaper_than_any_by_hand(index: int) -> None:
    check_joint_repair(tight(infeasible_problems(index + 1)[index]), index)


def test_weights_move_the_joint_repair() -> None:
    problem = problem_of("tokens x FLOPs")
    even = explain(problem).joint
    dear = explain(problem, weights={"training.tokens": 10, "parameters": 10}).joint
    assert even is not None
    assert dear is not None
    assert [repair.key for repair in dear.repairs] == ["budgets.training_flops"]
    assert {repair.key for repair in even.repairs} == {
        "budgets.training_flops",
        "budgets.parameters",
    }
    assert even.cost < 0.2534  # giving up tokens alone costs that
