"""Requests at once: every engine and survey agree with designs evaluated at one batch after another."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from modelsizer import Problem, Solver, evaluate, front, rank, solve
from modelsizer.optimizer.explain.explain import explain
from modelsizer.optimizer.prices.prices import prices
from modelsizer.problems.architecture.architecture import Architecture
from modelsizer.problems.designs.evaluation import Evaluation
from modelsizer.problems.quantities.concurrency import MOST_REQUESTS
from modelsizer.problems.requirements.device_limits import usable_for_serving
from modelsizer.problems.units import exact
from tests.support.enumerated import designs_of
from tests.support.fronts import by_hand, near, vectors_of

REQUESTS = "concurrency"
TABLES: dict[str, Any] = {
    "space": {
        "layers": {"min": 8, "max": 40, "step": 8},
        "d_model": [1024, 2048, 4096],
        "head_dim": [64, 128],
        "kv_heads": [1, 8],
        "vocab_size": 32000,
    },
    "training": {"sequence_length": 4096},
    "serving": {"accelerator": "L40S", "context_length": 16384},
    "budgets": {"training_flops": 1e22},
    "objective": {"shape": "none"},
}
MIXTURE = {
    "space.experts": {"routed": [0, 64], "active": [2, 8], "granularity": 4},
    "space.full_every": [1, 4],
    "space.window": 1024,
    "space.head_dim": 128,
    "space.d_model": [1024, 2048],
    "space.layers": [8, 24],
}
LATENCY = {"budgets.decode_latency": "12 ms"}
CASES: dict[str, dict[str, Any]] = {
    "memory": {},
    "latency": LATENCY,
    "mixtures": MIXTURE | LATENCY | {"serving.prefix_reuse": 0.4, "serving.interference": 0.25},
    "cache": {"budgets.kv_cache": "20 GB", "serving.tensor_parallel": 2, "serving.kv_bits": 8},
    "machines": LATENCY | {"serving.accelerator": ["L40S", "H100-SXM"], "serving.kv_bits": [8, 16]},
}
FAST = (("memory", "scipy"), ("latency", "exhaustive"), ("latency", "scipy"), ("mixtures", "bound"),
        ("cache", "bound"))  # fmt: skip
PAIRS = [
    pytest.param(case, solver, marks=[] if (case, solver) in FAST else pytest.mark.slow)
    for case in CASES
    for solver in ("exhaustive", "bound", "scipy")
]


@cache
def problem(case: str) -> Problem:
    return Problem.from_tables(TABLES).with_settings(CASES[case])


@cache
def designs(case: str) -> tuple[Evaluation, ...]:
    """Every design, on the machine on which it serves the most requests."""
    return tuple(designs_of(problem(case).with_settings({"objective.maximize": REQUESTS})))


def keeps(asked: Problem, architecture: Architecture, batch: int) -> bool:
    """Whether so many requests fit and keep the limits, by an evaluation at this batch."""
    found = evaluate(asked.with_settings({"serving.batch_size": batch}), architecture)
    usable = usable_for_serving(asked.serving)
    assert usable is not None
    if found.exact["serving_memory"] > usable:
        return False
    ends = {name: getattr(asked.budgets, name) for name in ("kv_cache", "decode_latency")}
    return all(end is None or found.exact[n] <= exact(end.max) for n, end in ends.items())


@pytest.mark.parametrize(
    "case",
    [pytest.param(c, marks=pytest.mark.slow) if c == "machines" else c for c in CASES],
)
def test_it_is_the_last_batch_that_keeps_the_limits(case: str) -> None:
    seen = set()
    for design in designs(case)[::13]:
        asked = problem(case).under(design.layout)
        most = int(design.exact[REQUESTS])
        assert most == 0 or keeps(asked, design.architecture, most)
        assert not keeps(asked, design.architecture, most + 1)
        seen.add(most)
    assert len(seen) > 2


@pytest.mark.parametrize(("case", "solver"), PAIRS)
def test_the_most_and_the_least_loss_with_enough(case: str, solver: str) -> None:
    every = [d for d in designs(case) if d.feasible]
    best = min(every, key=lambda d: (-d.exact[REQUESTS], d.tie_key))
    sought = solve(problem(case).with_settings({"objective.maximize": REQUESTS}), solver=solver)
    assert sought.status == "optimal" and sought.gap == 0
    assert sought.objective.value == best.exact[REQUESTS]
    enough = int(best.exact[REQUESTS] * 2 // 3)
    asked = problem(case).with_settings({"budgets.concurrency": {"min": enough}})
    found = solve(asked, solver=solver)
    able = [d for d in designs_of(asked) if d.feasible]
    assert 0 < len(able) < len(every)
    assert found.objective.value == min(d.loss for d in able)
    more = asked.with_settings({"budgets.concurrency": {"min": int(best.exact[REQUESTS]) + 1}})
    assert solve(more, solver=solver).status == "infeasible"


@pytest.mark.parametrize("case", ["latency", "mixtures", "machines"])
def test_blocks_of_a_large_space_agree(case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelsizer.optimizer.tables.store.LISTABLE", 1)
    best = max(d.exact[REQUESTS] for d in designs(case) if d.feasible)
    asked = problem(case).with_settings({"objective.maximize": REQUESTS})
    assert solve(asked).objective.value == best


@pytest.mark.parametrize("case", ["latency", "mixtures"])
def test_rankings_and_fronts_agree(case: str) -> None:
    every = [d for d in designs(case) if d.feasible]
    ranking = rank(problem(case), REQUESTS, top=5)
    want = sorted((d.exact[REQUESTS] for d in every), reverse=True)[:5]
    assert [d.exact[REQUESTS] for d in ranking.best] == want
    names = ["loss", REQUESTS]
    want_front = by_hand(problem(case), names)
    assert len(want_front) > 3
    for method in ("exhaustive", "bound"):
        assert near(vectors_of(front(problem(case), names, solver=method)), want_front)


def test_kept_tables_are_not_stale() -> None:
    solver = Solver(problem("latency"))
    for change in (
        {"budgets.concurrency": {"min": 10}},
        {"budgets.concurrency": {"min": 60}},
        {"budgets.concurrency": {"min": 60}, "budgets.decode_latency": "8 ms"},
        {"budgets.concurrency": {"min": 60}, "serving.memory_reserve": "20 GB"},
        {"budgets.concurrency": {"min": 10}},
    ):
        fresh = solve(problem("latency").with_settings(change))
        assert solver.solve(change).objective == fresh.objective


@pytest.mark.slow
def test_it_is_priced_and_explained() -> None:
    asked = problem("latency").with_settings({"budgets.concurrency": {"min": 60}})
    row = prices(asked, budgets=[REQUESTS]).row(REQUESTS)
    for change in row.changes:
        if change.objective is not None:
            moved = asked.with_settings({"budgets.concurrency": {"min": change.limit}})
            assert solve(moved).objective.value == change.objective
    hard = asked.with_settings({"budgets.concurrency": {"min": 200}, "budgets.loss": 2.5})
    found = explain(hard)
    assert not found.feasible
    (repair,) = [each for each in found.repairs if each.key == "budgets.concurrency"]
    able = hard.with_settings({"budgets.concurrency": {"min": repair.value}})
    assert solve(able).status == "optimal"
    above = able.with_settings({"budgets.concurrency": {"min": int(repair.value) + 1}})
    assert solve(above).status == "infeasible"


def test_it_needs_an_accelerator_whose_memory_is_known_and_has_an_end() -> None:
    asked = Problem.from_tables(TABLES | {"serving": {}})
    assert "serving.accelerator" in asked.lacks(REQUESTS)
    tiny = problem("memory").with_settings({"serving.context_length": 1, "serving.kv_bytes": 1e-9})
    assert evaluate(tiny, designs("memory")[0].architecture).exact[REQUESTS] == MOST_REQUESTS
