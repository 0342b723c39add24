"""Solving again: the same answers as from scratch; dominance; proofs repeated."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from modelsizer import Problem, ProblemError, Solver, solve, verify
from modelsizer.optimizer.bounds.model import Model
from modelsizer.optimizer.result import Result
from modelsizer.optimizer.search.dominance import dominated
from modelsizer.optimizer.tables.boxes import Boxes
from modelsizer.optimizer.tables.store import TableStore
from modelsizer.optimizer.verification import other_solver
from modelsizer.problems.designs.evaluation import evaluate
from tests.support.random_problems import layout_tables, random_tables, valid_problem
from tests.support.shared import seeds

CHANGES = (
    {"budgets.training_flops": 3e22},
    {"budgets.training_flops": 4e23},
    {"budgets.serving_memory": "20 GB"},
    {"budgets.kv_cache": "4 GB"},
    {"training.tokens": {"max": 2e11}},
    {"serving.context_length": 16384, "serving.kv_bytes": 1},
    {"serving.tensor_parallel": 2, "serving.accelerators": 4},
    {"objective.law": "kaplan-2020"},
    {"objective.law": "hoffmann-2022", "objective.shape": "none"},
    {"objective.minimize": "serving_memory", "budgets.loss": 2.4},
    {"training.sequence_length": 1024},
    {"training.flops": "6ND"},
    {"training.recompute": "full"},
    {"space.tied_embeddings": [True, False]},
    {"space.layers": {"min": 4, "max": 20}},
)


def same(first: Result, second: Result) -> None:
    assert first.status == second.status
    assert first.objective == second.objective
    assert first.gap == second.gap
    assert first.design == second.design
    assert first.budgets == second.budgets
    assert first.warnings == second.warnings


@pytest.mark.parametrize(
    "solver", [pytest.param("auto", marks=pytest.mark.slow), "bound", "scipy", "exhaustive"]
)
def test_asking_again_is_asking_anew(solver: str) -> None:
    """A walk over changed settings; every answer, what binds too, is that of a fresh solve."""
    base = Problem.load("phone-2gb").with_settings({"space.head_dim": [64, 128]})
    kept = Solver(base, solver=solver)
    r = random.Random(7)
    for change in [*CHANGES, *r.choices(CHANGES, k=5)]:
        try:
            problem = base.with_settings(change)
        except ProblemError:
            continue
        same(kept.solve(change), solve(problem, solver=solver))
    same(kept.solve(), solve(base, solver=solver))


@pytest.mark.parametrize("seed", seeds(range(6000, 6012), range(6003, 6012)))
def test_one_solver_for_problems_of_any_space(seed: int) -> None:
    kept = Solver(Problem.load("phone-2gb"))
    for number in (seed, seed + 500, seed):
        make = layout_tables if number % 3 == 0 else random_tables
        problem = valid_problem(number, make)
        same(kept.solve(problem=problem), solve(problem))


def test_without_details_only_limits_reached_bind() -> None:
    kept = Solver(Problem.load("one-h100-1e24"))
    full, quick = kept.solve(), kept.solve(details=False)
    assert quick.design == full.design and quick.gap == 0
    for use in quick.budgets:
        assert use.binding == (use.used >= use.limit * (1 - 1e-9))
    assert sum(use.binding for use in full.budgets) > sum(use.binding for use in quick.budgets)


def test_a_changed_budget_builds_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Solver(Problem.load("one-h100-1e24"))
    kept.solve()

    def never(*_: object, **__: object) -> None:
        raise AssertionError("built again")

    monkeypatch.setattr("modelsizer.optimizer.tables.store.Spread.quantities", never)
    monkeypatch.setattr("modelsizer.optimizer.tables.store._Part.__init__", never)
    more = kept.solve({"budgets.training_flops": 2e24, "budgets.parameters": 60e9})
    assert more.status == "optimal"
    kept.solve({"training.tokens": {"max": 1e12}})
    kept.solve({"objective.law": "hoffmann-2022"})


def test_tables_of_a_changed_setting_are_not_stale() -> None:
    store = TableStore()
    base = Problem.load("one-h100-1e24")
    for change in ({}, {"serving.context_length": 4096}, {"serving.weight_bytes": 1}, {}):
        problem = base.with_settings(change)
        table = next(store.tables(problem))
        design = evaluate(problem, table.architecture(problem, 5, [3]))
        memory = table.linear["serving_memory"]
        held = memory.at(np.array([5]), np.array([[3]]))[0] / memory.denominator
        assert held == pytest.approx(float(design.exact["serving_memory"]), rel=1e-15)


def two_head_dims(seed: int) -> dict[str, Any]:
    tables = random_tables(seed)
    tables["space"]["head_dim"] = [64, 128]
    tables["space"].pop("heads", None)
    tables["space"]["layers"] = {"min": 4, "max": 16, "step": 4}
    tables["space"]["d_model"] = {"min": 512, "max": 768, "step": 256}
    return tables


def check_dominated(problem: Problem) -> int:
    """Each dominated option has, at each depth where it is feasible, a rival that comes first."""
    model, looked = Model(problem), 0
    for table in model.tables():
        boxes = Boxes(np.arange(len(table)), np.zeros_like(table.count), table.count - 1)
        worse = dominated(model, table, boxes)
        rivals = np.flatnonzero(~worse)
        for row in np.flatnonzero(worse)[:4]:
            for j in range(int(table.count[row, 0])):
                design = evaluate(problem, table.architecture(problem, row, [j]))
                if not design.feasible:
                    continue
                looked += 1
                mine = (model.value_of(design), design.tie_key)
                alike = rivals[table["d_model"][rivals] == table["d_model"][row]]
                others = [
                    evaluate(problem, table.architecture(problem, k, [j]))
                    for k in alike
                    if j < table.count[k, 0]
                ]
                assert any(
                    other.feasible and (model.value_of(other), other.tie_key) < mine
                    for other in others
                )
    return looked


@pytest.mark.parametrize("first", [6100, pytest.param(6130, marks=pytest.mark.slow)])
def test_what_is_dominated_has_a_design_as_good_before_it(first: int) -> None:
    seeds_of = range(first, first + 30)
    looked = [check_dominated(valid_problem(seed, two_head_dims)) for seed in seeds_of]
    assert sum(looked) > 50
    assert sum(n > 0 for n in looked) > 5


def test_dominance_removes_equal_head_geometries() -> None:
    problem = Problem.load("one-h100-1e24", {"space.head_dim": [64, 128]})
    result = solve(problem)
    assert result.statistics["by_dominance"] > 0
    assert result.best.architecture == solve(problem, solver="exhaustive").best.architecture


@pytest.mark.parametrize("solver", ["auto", "scipy", "exhaustive"])
def test_proofs_are_repeated_by_another_solver(solver: str) -> None:
    result = solve(Problem.load("phone-2gb"), solver=solver)
    checked = verify(result)
    assert checked.agrees and checked.same_design
    assert checked.solver != solver
    assert checked.objective == result.objective.value
    infeasible = solve(Problem.load("phone-2gb", {"budgets.serving_memory": "1 MB"}))
    again = verify(infeasible)
    assert again.agrees and again.status == "infeasible"


def test_a_wrong_answer_does_not_pass() -> None:
    problem = Problem.load("phone-2gb")
    result = solve(problem)
    worse = solve(problem.with_settings({"space.layers": {"min": 4, "max": 12}}))
    forged = replace(worse, problem=problem)
    assert not verify(forged).agrees
    nothing = solve(problem.with_settings({"budgets.serving_memory": "1 MB"}))
    assert not verify(replace(nothing, problem=problem)).agrees
    assert verify(result, "pulp").agrees


def test_a_proof_that_a_limit_stopped_is_not_repeated() -> None:
    result = solve(Problem.load("phone-2gb"))
    assert not verify(result, "scipy", time_limit=0).agrees


def test_enumeration_checks_what_it_can() -> None:
    result = solve(Problem.load("phone-2gb"))
    assert other_solver(result) == "exhaustive"
    many = replace(result, statistics={"designs": 10**9, "rounds": 0})
    assert other_solver(many) == "scipy"
    assert other_solver(replace(many, statistics={"designs": 10**9, "rounds": 2})) == "bound"


def test_one_flop_too_few_is_infeasible_however_it_is_asked() -> None:
    """A design's tokens are doubles; a limit on FLOPs is exact, and a warm start must not bend it."""
    problem = Problem.load("fixed-2t-tokens", {"budgets.parameters": {"min": 20 * 10**9}})
    rich = {"objective.minimize": "training_flops", "budgets.training_flops": 1e26}
    least = solve(problem.with_settings(rich)).best
    flops = int(least.exact["training_flops"])
    solver = Solver(problem)
    assert solver.solve({"budgets.training_flops": flops}).status == "optimal"
    assert solver.solve({"budgets.training_flops": flops - 1}).status == "infeasible"
    assert solve(problem.with_settings({"budgets.training_flops": flops - 1})).design is None


def test_vocabularies_that_no_law_prices_are_warned_of() -> None:
    problem = Problem.load("fixed-2t-tokens")
    said = [w for w in solve(problem).warnings if w.key == "space.vocab_size"]
    assert not said
    wider = problem.with_settings({"space.vocab_size": [32_000, 256_000]})
    (said,) = (str(w) for w in solve(wider).warnings if w.key == "space.vocab_size")
    assert "do not compare" in said
