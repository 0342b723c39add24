"""A quantity registered by one row can be a budget and an objective everywhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from modelsizer import Problem, Solver, evaluate, front, rank, solve
from modelsizer.optimizer.explain.explain import explain
from modelsizer.optimizer.prices.prices import prices
from modelsizer.optimizer.tables.building import build_table
from modelsizer.problems.errors import ProblemError
from modelsizer.problems.quantities.needs import affected_by
from modelsizer.problems.quantities.quantity import Cost, Inverse, OfFlops, Quantity
from modelsizer.problems.quantities.rows import QUANTITIES, register_quantity
from tests.support.new_quantities import ATTENTION, OPTIMIZER_STATES
from tests.support.oracle import counts
from tests.support.oracle.laws import Law
from tests.support.oracle.limits import limits
from tests.support.oracle.space import Design, all_designs, divides

STATES, HEADS = OPTIMIZER_STATES.name, ATTENTION.name
TABLES: dict[str, Any] = {
    "space": {
        "layers": {"min": 4, "max": 30},
        "d_model": {"min": 512, "max": 2048, "step": 256},
        "head_dim": [64, 128],
        "kv_heads": [2, 4, 8],
        "ffn_ratio": [2.5, 4.0],
        "vocab_size": 32000,
    },
    "training": {"data_parallel": 2, "tensor_parallel": [1, 2, 4], "zero_stage": 1},
    "budgets": {"training_flops": 1e20},
    "objective": {"shape": "none"},
}
QUESTIONS: dict[str, dict[str, Any]] = {
    "states": {"budgets.optimizer_state_bytes": "400 MB"},
    "least-states": {
        "objective.minimize": STATES,
        "budgets.loss": 3.02,
    },
    "attention": {"budgets.attention_parameters": {"min": 5e7, "max": 6e7}},
    "most-attention": {
        "objective.maximize": HEADS,
        "budgets.parameters": 3e8,
        "budgets.optimizer_state_bytes": {"min": 2e8, "max": 6e8},
    },
    "most-states": {"objective.maximize": STATES, "budgets.attention_parameters": 3e7},
    "both": {"budgets.attention_parameters": 4e7, "budgets.optimizer_state_bytes": 7e8},
}
SOLVERS = ("exhaustive", "bound", "scipy")


def _never(*_: object) -> Any:
    raise AssertionError


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
    for row in (OPTIMIZER_STATES, ATTENTION):
        register_quantity(row)
    yield
    for row in (OPTIMIZER_STATES, ATTENTION):
        del QUANTITIES._items[row.name]


def problem(settings: dict[str, Any] | None = None) -> Problem:
    return Problem.from_tables(TABLES).with_settings(settings or {})


def by_plain_loops(asked: Problem) -> tuple[float, Design] | None:
    """Value and design, from formulas written again."""
    return _by_plain_loops(json.dumps(asked.to_dict()))


@cache
def _by_plain_loops(asked: str) -> tuple[float, Design] | None:
    tables = json.loads(asked)
    budgets, training = tables["budgets"], tables["training"]
    objective = tables["objective"]
    name = objective.get("maximize") or objective.get("minimize", "loss")
    sign = -1 if "maximize" in objective else 1
    law = Law.of(tables)
    found: tuple[float, tuple[int, ...], Design] | None = None
    for a in all_designs(tables):
        total = counts.parameters(a, 4096)
        tokens = budgets["training_flops"] / (3 * counts.forward(a, 4096))
        values = {
            "loss": law.of_design(a, 4096, a.vocab_size).at(tokens),
            "parameters": total,
            HEADS: a.layers * 2 * a.d_model * a.head_dim * (a.heads + a.kv_heads),
        }
        for ways in training["tensor_parallel"]:
            if not divides(a, ways):
                continue
            held = total * training.get("optimizer_bytes", 12) / ways
            values[STATES] = held / (2 if training["zero_stage"] else 1)
            limited = ((values[x.name], x) for x in limits(tables) if x.name in values)
            if any(used < x.value if x.side == "min" else used > x.value for used, x in limited):
                continue
            key = (total, a.layers, a.d_model, a.head_dim, a.kv_heads, a.d_ff, a.heads)
            if found is None or (sign * values[name], key) < found[:2]:
                found = (sign * values[name], key, a)
    return None if found is None else (sign * found[0], found[2])


def widths(design: Any) -> tuple[int, ...]:
    layer = design.architecture.groups[0].layer
    attention = layer.attention
    return (
        design.architecture.layers,
        design.architecture.trunk.d_model,
        attention.heads,
        attention.head_dim,
        attention.kv_heads,
        layer.ffn.d_ff,
    )


def same_as_loops(found: Any, asked: Problem) -> None:
    expected = by_plain_loops(asked)
    assert found.status == ("optimal" if expected is not None else "infeasible")
    if expected is None:
        return
    value, a = expected
    assert found.objective.value == pytest.approx(value, rel=1e-12)
    assert widths(found.design) == (a.layers, a.d_model, a.heads, a.head_dim, a.kv_heads, a.d_ff)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("question", QUESTIONS)
def test_every_engine_agrees_with_plain_loops(question: str, solver: str) -> None:
    asked = problem(QUESTIONS[question])
    assert by_plain_loops(asked) is not None
    same_as_loops(solve(asked, solver=solver), asked)


@pytest.mark.parametrize("question", QUESTIONS)
def test_blocks_of_a_large_space_agree_too(question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelsizer.optimizer.tables.store.LISTABLE", 1)
    asked = problem(QUESTIONS[question])
    same_as_loops(solve(asked), asked)


@pytest.mark.parametrize("question", ["states", "least-states", "most-attention"])
def test_the_ranking_begins_with_the_same_design(question: str) -> None:
    asked = problem(QUESTIONS[question])
    expected = by_plain_loops(asked)
    assert expected is not None
    ranking = rank(asked, top=3)
    a = expected[1]
    assert widths(ranking.best[0]) == (a.layers, a.d_model, a.heads, a.head_dim, a.kv_heads, a.d_ff)
    by_states = rank(asked, STATES, top=5)
    assert [d.exact[STATES] for d in by_states.best] == sorted(
        d.exact[STATES] for d in by_states.best
    )


@pytest.mark.parametrize("solver", SOLVERS)
def test_kept_tables_are_not_stale_where_a_setting_changes(solver: str) -> None:
    kept = Solver(problem(QUESTIONS["states"]), solver=solver)
    seen = set()
    for change in (
        {},
        {"training.optimizer_bytes": 8},
        {"training.optimizer_bytes": 4},
        {"training.zero_stage": 0},
        {},
    ):
        asked = kept.problem.with_settings(change)
        found = kept.solve(change)
        same_as_loops(found, asked)
        seen.add(widths(found.design))
    assert len(seen) >= 3  # the setting matters, so that a stale table would show


def test_nothing_said_is_python_integers_and_the_best_layout() -> None:
    asked = problem(QUESTIONS["states"])
    layout, options = next(iter(asked.options()))
    table = build_table(asked, layout, options)
    assert table.linear[STATES].base.dtype == object
    design = solve(asked).design
    assert design is not None
    assert design.layout.tensor_parallel == 4
    assert evaluate(asked, design.architecture).exact[STATES] == design.exact[STATES]


def test_it_is_explained() -> None:
    asked = problem({"budgets.optimizer_state_bytes": "50 MB", "budgets.loss": 3.1})
    found = explain(asked, why=["training.zero_stage"])
    assert not found.feasible
    assert ("budgets.optimizer_state_bytes",) in found.conflicts
    (repair,) = [r for r in found.repairs if r.key == "budgets.optimizer_state_bytes"]
    eased = asked.with_settings({"budgets.optimizer_state_bytes": repair.value})
    assert solve(eased).status == "optimal"
    less = asked.with_settings({"budgets.optimizer_state_bytes": float(repair.value) * (1 - 1e-9)})
    assert solve(less).status == "infeasible"
    assert all({STATES, HEADS} <= affected_by(k) for k in ("training.zero_stage", "serving.pue"))


def test_it_has_a_price() -> None:
    asked = problem(QUESTIONS["states"])
    row = prices(asked, budgets=[STATES]).row(STATES)
    assert row.binding
    for percent in (-10, 10):
        change = row.at(percent)
        again = asked.with_settings({f"budgets.{STATES}": change.limit})
        expected = by_plain_loops(again)
        assert expected is not None
        assert change.objective == pytest.approx(expected[0], rel=1e-12)


def test_it_spans_a_front_with_the_loss() -> None:
    asked = problem({"space.layers": [8, 16], "space.ffn_ratio": 4.0})
    found = front(asked, ["loss", STATES])
    assert found.complete
    assert len(found) > 3
    for states, loss in zip(found.values[STATES], found.values["loss"], strict=True):
        limited = asked.with_settings({f"budgets.{STATES}": states})
        expected = by_plain_loops(limited)
        assert expected is not None
        assert loss == pytest.approx(expected[0], rel=1e-12)


def test_a_file_may_have_its_budget_and_only_while_it_is_registered() -> None:
    text = problem(QUESTIONS["both"]).to_toml()
    again = Problem.parse(text)
    assert again.to_toml() == text
    assert again.budgets.limits[STATES].max == 7e8
    kept = QUANTITIES._items.pop(STATES)
    try:
        with pytest.raises(ProblemError, match="unknown key"):
            Problem.parse(text)
    finally:
        QUANTITIES._items[STATES] = kept


@pytest.mark.parametrize(
    ("how", "only"),
    [
        (Cost(_never, branches=("a", "b")), None),
        (OfFlops(_never), "min"),
        (Inverse("decode_latency", _never, "x"), "max"),
    ],
)
def test_an_end_that_is_no_linear_row_is_refused(how: Any, only: Any) -> None:
    with pytest.raises(ValueError, match="write only="):
        Quantity("new", "count", "new", how, only)


def test_a_name_is_given_once() -> None:
    for name in ("training_memory", "law_parameters", ""):
        with pytest.raises(ValueError, match=r"already|needs a name"):
            register_quantity(Quantity(name, "count", "new", OPTIMIZER_STATES.how))
