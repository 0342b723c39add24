"""Changes of settings, menus and limits, alone and together, against plain loops."""

from __future__ import annotations

import math

import pytest

from modelsizer import Problem, solve
from modelsizer.optimizer.explain.change_costs import FAR, cost_of, weight_of
from modelsizer.optimizer.explain.explain import explain
from modelsizer.optimizer.explain.setting_steps import steps
from tests.support.infeasible import explained, problem_of
from tests.support.shared import seeds
from tests.support.tight_problems import infeasible_problems, tight
from tests.support.verified_repairs import check_repairs, mixed


@pytest.mark.parametrize("index", seeds(range(15), range(1, 15)))
def test_repairs_of_dense_spaces_hold_and_none_is_cheaper(index: int) -> None:
    check_repairs(tight(infeasible_problems(index + 1)[index]))


@pytest.mark.parametrize("index", seeds(range(15), range(1, 15)))
def test_repairs_of_mixed_spaces_hold_and_none_is_cheaper(index: int) -> None:
    check_repairs(tight(infeasible_problems(index + 1, mixed)[index], mixed))


def test_changes_of_different_things_compare() -> None:
    tenth = cost_of("budgets.training_time", 100, 110)
    assert tenth == pytest.approx(math.log(1.1))
    assert tenth < cost_of("serving.accelerators", 8, 9) < 1.3 * tenth
    assert cost_of("budgets.loss", 2.0, 2.02) == pytest.approx(1.0, rel=0.01)
    assert cost_of("serving.weight_bits", 16, 8) < cost_of("serving.batch_size", 2, 1)
    assert cost_of("training.recompute", "none", "full") == pytest.approx(math.log(4 / 3))
    assert cost_of("training.zero_stage", 1, 2) < cost_of("training.zero_stage", 1, 3)
    assert weight_of("space.kv_heads.min", {"space.kv_heads": 3.0}) == 3.0


def test_two_changes_may_cost_less_than_any_one() -> None:
    problem = Problem.load("eight-h100-128k").with_settings(
        {"budgets.serving_memory": "10 GB", "space.layers": {"min": 40, "max": 100}}
    )
    found = explain(problem)
    (both,) = found.alternatives
    assert [change.key for change in both.repairs] == ["serving.kv_bytes", "budgets.serving_memory"]
    assert both.cost < (found.repairs[0].cost or 0.0)
    assert solve(problem.with_settings(both.made)).status == "optimal"
    for change in both.repairs:
        assert solve(problem.with_settings(change.made)).status == "infeasible"


def test_far_changes_are_not_offered_while_others_are() -> None:
    problem = Problem.load("one-h100-1e24").with_settings(
        {"budgets.serving_memory": "14 GB", "budgets.loss": 2.0}
    )
    found = explain(problem)
    assert {repair.key for repair in found.far} == {"budgets.loss"}
    assert all((repair.cost or 0.0) <= FAR for repair in found.offered)
    told = found.to_dict()
    assert isinstance(told["repairs"], list) and isinstance(told["far_repairs"], list)
    assert len(told["repairs"]) + len(told["far_repairs"]) == len(found.repairs)
    # Where nothing else helps they are.
    alone = explain(Problem.load("phone-2gb").with_settings({"budgets.serving_memory": "20 MB"}))
    assert alone.repairs and alone.offered and (alone.offered[0].cost or 0.0) > FAR


def test_fewer_ways_of_tensor_parallelism_are_a_repair() -> None:
    """A kv head is held once in each way: over as many accelerators fewer ways need less."""
    problem = Problem.load("eight-h100-128k").with_settings(
        {"space.kv_heads": 1, "space.layers": {"min": 40, "max": 50},
         "budgets.serving_memory": "6 GB"}
    )  # fmt: skip
    ways = explain(problem).repairs[0]
    assert ways.key == "serving.tensor_parallel" and isinstance(ways.value, int)
    assert ways.value < 8 and ways.made == {ways.key: ways.value, "serving.accelerators": 8}
    assert solve(problem.with_settings(ways.made)).status == "optimal"
    more = {**ways.made, ways.key: 2 * ways.value}
    assert solve(problem.with_settings(more)).status == "infeasible"


def test_layouts_of_training_are_repairs() -> None:
    problem = problem_of("training memory")
    found = {repair.key: repair for repair in explained("training memory").repairs}
    layout = found["training.tensor_parallel"]
    assert layout.made == {"training.tensor_parallel": [4, 8, 16]}
    assert solve(problem.with_settings(layout.made)).status == "optimal"


def test_another_accelerator_is_a_repair() -> None:
    problem = problem_of("latency")
    found = {repair.key: repair for repair in explained("latency").repairs}
    other = found["serving.accelerator"]
    assert other.value != problem.serving.accelerator
    assert solve(problem.with_settings(other.made)).status == "optimal"


def test_another_accelerator_is_as_dear_as_its_price() -> None:
    problem = problem_of("latency")
    assert problem.serving.accelerator == "H100-SXM"
    even = [repair.value for repair in steps(problem, "serving.accelerator")]
    dearest, other = even[-1], even[0]
    prices = {"H100-SXM": 2, **dict.fromkeys(even, 3), str(other): 7, str(dearest): 2.5}
    priced = steps(problem.with_settings({"prices": prices}), "serving.accelerator")
    costs = {repair.value: repair.cost for repair in priced}
    assert costs[dearest] == pytest.approx(math.log(2.5 / 2)) and priced[0].value == dearest
    assert costs.get(other, math.log(7 / 2)) == pytest.approx(math.log(7 / 2))


def test_weights_are_of_settings_too() -> None:
    problem = Problem.load("eight-h100-128k").with_settings(
        {"budgets.serving_memory": "10 GB", "space.layers": {"min": 40, "max": 50}}
    )
    even = {r.key: r.cost for r in explain(problem).repairs}
    dear = {r.key: r.cost for r in explain(problem, weights={"batch_size": 7}).repairs}
    assert dear["serving.batch_size"] == pytest.approx(7 * (even["serving.batch_size"] or 0.0))
    assert dear["serving.kv_bytes"] == even["serving.kv_bytes"]
