"""A solve that a limit stops says only what is true, wherever it is stopped."""

from __future__ import annotations

import math
import time
from functools import cache

import pytest

from modelsizer import Problem, Result, solve
from modelsizer.optimizer import infeasible
from modelsizer.optimizer.infeasible import CUT_SHORT
from modelsizer.optimizer.search.block_bounds import BlockBounds, Blocks
from modelsizer.optimizer.tables import clock
from modelsizer.optimizer.tables.clock import OutOfTimeError
from tests.support.clocks import SECONDS, runs_out_after
from tests.support.random_problems import small
from tests.support.tight_problems import infeasible_problems


def stopped(problem: Problem, looks: int, solver: str = "bound") -> Result:
    with pytest.MonkeyPatch.context() as patch:
        runs_out_after(looks, patch)
        return solve(problem, solver=solver, time_limit=SECONDS)


LOOKS = (0, 1, 3, 8, 21, 55, 144)

WIDE = {
    "space.layers": {"min": 4, "max": 64},
    "space.d_model": {"min": 512, "max": 8192, "step": 64},
    "space.head_dim": [64, 96, 128, 256],
    "space.kv_heads": [1, 2, 4, 8],
    "space.ffn_ratio": {"min": 2, "max": 5, "step": 0.05},
    "space.ffn_multiple": 64,
    "space.tied_embeddings": [True, False],
}


@cache
def case(name: str) -> Problem:
    """A problem searched by blocks, or a small one."""
    if name == "wide":
        return Problem.load("one-h100-1e24", WIDE)
    if name == "wide, infeasible":
        return Problem.load("one-h100-1e24", WIDE | {"budgets.loss": 1.9})
    if name == "infeasible":
        return small(infeasible_problems(1)[0])
    return small(int(name))


@cache
def proven(name: str) -> Result:
    return solve(case(name))


def claims_nothing_false(name: str, result: Result) -> None:
    truth = proven(name)
    if result.status != "limit":
        assert (result.status, result.design) == (truth.status, truth.design)
        return
    assert result.stop == "time"
    best = truth.objective.value
    sign = -1 if truth.objective.sense == "maximize" else 1
    if truth.status == "infeasible":
        assert result.design is None
        return
    assert best is not None
    if result.bound is not None:
        assert sign * result.bound <= sign * best
    if result.design is not None:
        assert result.design.feasible
        assert result.objective.value is not None
        assert sign * best <= sign * result.objective.value


NAMES = ("wide", "wide, infeasible", "infeasible", *map(str, range(4)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("solver", ["bound", "scipy", "exhaustive"])
def test_whenever_the_time_runs_out(name: str, solver: str) -> None:
    if solver == "exhaustive" and name.startswith("wide"):
        pytest.skip("too many designs to enumerate")
    limits = set()
    for looks in LOOKS if name.startswith("wide") else LOOKS[:5]:
        result = stopped(case(name), looks, solver)
        claims_nothing_false(name, result)
        limits.add(result.status)
    assert "limit" in limits or not name.startswith("wide")


def test_reasons_cut_short_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    truth = proven("wide, infeasible")
    assert truth.status == "infeasible"
    assert not any(CUT_SHORT in str(text) for text in truth.warnings)

    def late(*_: object, **__: object) -> None:
        raise OutOfTimeError

    monkeypatch.setattr(infeasible, "_best", late)
    result = solve(case("wide, infeasible"), time_limit=SECONDS)
    assert result.status == "infeasible"
    assert [str(text) for text in result.warnings] == [CUT_SHORT, infeasible.MORE]


def test_limits_not_examined_in_time_are_named() -> None:
    problem = Problem.load("one-h100-1e24")
    found = set()
    for looks in range(30):
        result = stopped(problem, looks)
        if result.status == "optimal":
            found |= {str(w) for w in result.warnings if "left open whether" in str(w)}
    assert any("serving_memory" in text for text in found), found


def test_a_search_stops_before_the_memory_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    left = iter([2**40] * 3)
    monkeypatch.setattr(clock, "LOOK_SECONDS", -1.0)
    monkeypatch.setattr(clock, "available_memory", lambda: next(left, 0))
    result = solve(case("wide"))
    assert (result.status, result.stop) == ("limit", "memory")
    best = proven("wide").best.loss
    assert result.bound is not None and result.bound <= best


def test_memory_that_is_refused_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    calls, bound = 0, BlockBounds.bound

    def refused(self: BlockBounds, index: int, blocks: Blocks, value: float) -> Blocks:
        nonlocal calls
        calls += 1
        if calls > 5:
            raise MemoryError
        return bound(self, index, blocks, value)

    monkeypatch.setattr(BlockBounds, "bound", refused)
    result = solve(case("wide"))
    monkeypatch.undo()
    assert (result.status, result.stop) == ("limit", "memory")
    assert result.bound is not None and math.isfinite(result.bound)
    assert result.bound <= proven("wide").best.loss


HARD = {
    "space.layers": {"min": 1, "max": 2000},
    "space.d_model": {"min": 128, "max": 16384, "step": 8},
    "space.heads": {"min": 1, "max": 128},
    "space.head_dim": {"min": 32, "max": 256, "step": 8},
    "space.kv_group": [1, 2, 4, 8],
    "space.d_ff": {"min": 256, "max": 65536, "step": 8},
    "space.kv_heads": None,
    "space.ffn_ratio": None,
    "space.ffn_multiple": None,
}


@pytest.mark.parametrize("seconds", [0.05, 0.5])
def test_a_space_of_1e14_designs_ends_in_time(seconds: float) -> None:
    tables = {
        "space": {
            k.removeprefix("space."): v for k, v in HARD.items() if v is not None
        } | {"vocab_size": 128256},
        "budgets": {"training_flops": 1e24, "serving_memory": "80 GB"},
    }  # fmt: skip
    problem = Problem.from_tables(tables)
    began = time.process_time()
    result = solve(problem, time_limit=seconds)
    assert time.process_time() - began < seconds + 1
    assert result.status == "limit" and result.design is not None
    assert result.statistics["designs"] > 1e14
    assert result.bound is not None and result.bound <= result.design.loss
