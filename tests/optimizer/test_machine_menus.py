"""Machines to choose from: the answer is the best of those of every machine alone."""

from __future__ import annotations

import pytest

from modelsizer import Problem, ProblemError, front, solve
from modelsizer.optimizer.solver import Solver
from modelsizer.optimizer.tables import store
from tests.support.machine_menus import alone, best_alone, drawn, value_of, with_values
from tests.support.shared import SOLVERS

FAST, SLOW, LONG = (8, 17, 19, 37), range(100, 160), range(200, 300)


def check(seed: int, solver: str = "auto", listable: int | None = None) -> str:
    """Compare a solve with the best of all choices; what came of it."""
    tables, menus = drawn(seed)
    number, best = best_alone(tables, menus)
    if not number:
        with pytest.raises(ProblemError):
            Problem.from_tables(with_values(tables, menus))
        return "invalid"
    problem = Problem.from_tables(with_values(tables, menus))
    with pytest.MonkeyPatch.context() as patch:
        if listable is not None:
            patch.setattr(store, "LISTABLE", listable)
        result = Solver(problem, solver=solver).solve(details=solver == "auto")
    assert len(problem.setups) >= number
    if best is None:
        assert result.status == "infeasible"
        return "infeasible"
    design, choice = best
    assert result.status == "optimal"
    assert value_of(problem, result.best) == value_of(problem, design)
    assert result.best.architecture == design.architecture
    under = problem.under(result.best.layout)
    chosen = {key: getattr(getattr(under, key.partition(".")[0]), key.partition(".")[2])
              for key in menus}  # fmt: skip
    assert chosen == choice
    assert result.best.layout.degrees == design.layout.degrees
    assert result.best.exact == design.exact
    return "optimal"


@pytest.mark.parametrize("seed", FAST)
def test_the_best_machine_is_that_of_all_alone(seed: int) -> None:
    assert check(seed) == "optimal"
    assert check(seed, listable=0) == "optimal"


@pytest.mark.slow
@pytest.mark.parametrize("seed", [*SLOW, *LONG])
def test_the_best_machine_is_that_of_all_alone_at_length(seed: int) -> None:
    check(seed, listable=seed % 2 or None)


@pytest.mark.slow
@pytest.mark.parametrize("solver", [name for name in SOLVERS if name != "bound"])
@pytest.mark.parametrize("seed", SLOW)
def test_every_engine_finds_the_best_machine(seed: int, solver: str) -> None:
    check(seed, solver)


GOALS = (["loss", "serving_memory"], ["loss", "decode_latency", "training_memory"],
         ["loss", "training_cost"], ["parameters", "loss", "serving_cost"])  # fmt: skip


def check_front(seed: int) -> int:
    """Compare a front with the points of the fronts of all choices that none dominates."""
    tables, menus = drawn(seed)
    goals = GOALS[seed % len(GOALS)]
    fronts = [front(problem, goals) for problem, _ in alone(tables, menus)]
    every = {point for one in fronts for point in zip(*(one.values[g] for g in goals), strict=True)}
    best = {
        point
        for point in every
        if not any(
            other != point and all(a <= b for a, b in zip(other, point, strict=True))
            for other in every
        )
    }
    found = front(Problem.from_tables(with_values(tables, menus)), goals)
    assert found.complete
    assert set(zip(*(found.values[goal] for goal in goals), strict=True)) == best
    return len(best)


@pytest.mark.parametrize("seed", [0, 4])
def test_a_front_is_that_of_all_machines_alone(seed: int) -> None:
    assert check_front(seed) > 1


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 160))
def test_a_front_is_that_of_all_machines_alone_at_length(seed: int) -> None:
    tables, menus = drawn(seed)
    if any(True for _ in alone(tables, menus)):
        check_front(seed)


BASE = {
    "space": {"layers": {"min": 8, "max": 32, "step": 4}, "d_model": [1024, 2048, 3072],
              "head_dim": 128, "kv_heads": 4, "ffn_ratio": 3.5, "ffn_multiple": 256,
              "vocab_size": 65536},
    "training": {"accelerator": ["A100-80GB-SXM", "H100-SXM"], "accelerators": [16, 32]},
    "serving": {"accelerator": ["L4", "L40S"], "weight_bits": [16, 8]},
    "budgets": {"training_time": "1 day", "decode_latency": "12 ms"},
}  # fmt: skip


def test_of_machines_as_good_the_first_of_the_menu_is_taken() -> None:
    problem = Problem.from_tables(BASE)
    assert solve(problem).to_dict()["machine"] == {
        "training": {"accelerator": "H100-SXM", "accelerators": 32},
        "serving": {"accelerator": "L4", "weight_bits": 8},
    }
    loose = problem.with_settings({"budgets.decode_latency": "1 s"})
    assert solve(loose).to_dict()["machine"]["serving"] == {"accelerator": "L4", "weight_bits": 16}
    turned = {"serving.accelerator": ["L40S", "L4"], "serving.weight_bits": [8, 16]}
    loose = loose.with_settings(turned)
    assert solve(loose).to_dict()["machine"]["serving"] == {"accelerator": "L40S", "weight_bits": 8}
    priced = loose.with_settings({"prices": {"L4": 0.5, "L40S": 1}})
    assert solve(priced).to_dict()["machine"]["serving"] == {"accelerator": "L4", "weight_bits": 8}


def test_a_choice_of_one_is_as_without_a_menu() -> None:
    single = {"accelerator": "H100-SXM", "accelerators": 32}
    one = Problem.from_tables(BASE | {
        "training": {key: [value] for key, value in single.items()},
        "serving": {"accelerator": ["L40S"]},
    })  # fmt: skip
    plain = Problem.from_tables(BASE | {"training": single, "serving": {"accelerator": "L40S"}})
    assert solve(one).best.exact == solve(plain).best.exact


def test_money_of_a_lifetime_is_that_of_each_machines_steps() -> None:
    """Dollars of served tokens differ by setup: the best is not that of the first."""
    tables = BASE | {
        "serving": {"accelerator": "L40S", "batch_size": 8, "kv_bits": 16},
        "lifetime": {"inference_tokens": "1T tokens", "prefill_share": 0.5, "throughput": "step"},
        "prices": {"A100-80GB-SXM": 1.3, "H100-SXM": 2.5, "L40S": 1},
        "budgets": {"training_time": "1 day", "loss": 2.7},
        "objective": {"minimize": "lifetime_cost"},
    }
    offered = with_values(tables, {"serving.kv_bits": [16, 4]})
    costs = [
        solve(Problem.from_tables(with_values(tables, {"serving.kv_bits": bits})))
        .best.exact["lifetime_cost"]
        for bits in (16, 4)
    ]  # fmt: skip
    assert costs[1] < costs[0]
    for solver in ("auto", "exhaustive"):
        best = solve(Problem.from_tables(offered), solver=solver).best
        assert best.exact["lifetime_cost"] == costs[1]
