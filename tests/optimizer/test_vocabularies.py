"""Vocabularies with bytes a token: answers, against the oracle, and what a solver may not exploit."""

from __future__ import annotations

import random
from fractions import Fraction
from functools import lru_cache
from typing import Any

import pytest

from modelsizer import Problem, ProblemError, front, plan_runs, rank, solve
from modelsizer.optimizer.surveys.depth_width import depth_width
from modelsizer.optimizer.tables import store
from modelsizer.problems.designs.text import text_dict
from tests.support.every_setting import problem
from tests.support.oracle.search import Oracle
from tests.support.oracle.verdict import disagreements

MENUS: list[Any] = [
    [32000, 128256],
    [32000, 50304, 128256],
    [8000, 32000],
    [50304, 128256, 256000],
    [32000, 1_000_000],
]
TABLES: list[dict[str, float]] = [
    {"32000": 3.17, "128256": 3.94},
    {"32000": 3.5, "128256": 4.2, "256000": 4.5},
    {"8000": 3.5, "32000": 4.0, "50304": 3.5, "128256": 4.2},  # text a token does not only rise
    {"8000": 3.0, "32000": 3.6, "50304": 3.9, "128256": 4.2, "256000": 4.5},
]
FAST, LONG = range(4), range(30)
RANGE = {"min": 16000, "max": 256000, "step": 16000}
MOST = 3000  # designs


@lru_cache(maxsize=len(FAST))
def asked(seed: int) -> tuple[Problem, Oracle]:
    """A problem of `every_setting` with a menu of vocabularies and bytes a token."""
    r = random.Random(f"vocabularies {seed}")
    while True:
        tables = problem(r.randrange(10**6)).to_dict()
        tables["space"]["vocab_size"] = r.choice(MENUS)
        given = r.choice(TABLES)
        tables["tokenizer"] = {"bytes_per_token": given}
        if r.random() < 0.3:
            tables["tokenizer"]["law_vocab_size"] = int(r.choice(list(given)))
        try:
            found = Problem.from_tables(tables)
        except ProblemError:
            continue  # a law that sees the vocabulary itself
        rates = found.settings.tokenizer
        assert rates is not None
        if not rates.rounded and 2 <= found.counted.pairs <= MOST:
            return found, Oracle(found.to_dict())


def check(seed: int, solver: str) -> None:
    found, oracle = asked(seed)
    wrong = disagreements(oracle, solve(found, solver=solver).to_dict())
    assert wrong == [], found.to_toml()


@pytest.mark.parametrize("solver", ["auto", "exhaustive"])
@pytest.mark.parametrize("seed", FAST)
def test_answers_agree_with_the_oracle(seed: int, solver: str) -> None:
    check(seed, solver)


@pytest.mark.parametrize("solver", ["scipy", "pulp"])
@pytest.mark.parametrize("seed", FAST[:2])
def test_programs_agree_with_the_oracle(seed: int, solver: str) -> None:
    check(seed, solver)


@pytest.mark.parametrize("seed", FAST)
def test_searches_by_blocks_agree_with_the_oracle(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "LISTABLE", 0)
    check(seed, "auto")


@pytest.mark.slow
@pytest.mark.parametrize("solver", ["auto", "exhaustive", "scipy", "pulp"])
@pytest.mark.parametrize("seed", LONG)
def test_answers_agree_with_the_oracle_at_length(seed: int, solver: str) -> None:
    check(seed, solver)


TO_A_MILLION = [16000, 32000, 50257, 128256, 200000, 256000, 512000, 1_000_000]


@pytest.mark.parametrize("name", ["exercise-1e24", "fixed-2t-tokens"])
@pytest.mark.parametrize("given", [{"32000": 3.17, "128256": 3.94}, TABLES[1]])
def test_no_answer_takes_the_largest_vocabulary_of_all(name: str, given: dict[str, float]) -> None:
    """Nats a token over bytes a token would: the law does not see that larger tokens are harder."""
    told = {"space.vocab_size": TO_A_MILLION, "tokenizer.bytes_per_token": given}
    assert solve(Problem.load(name, told)).best.architecture.trunk.vocab_size < TO_A_MILLION[-1]


def test_a_range_of_vocabularies_is_searched_by_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"space.vocab_size": RANGE, "tokenizer.bytes_per_token": TABLES[0]}
    found = Problem.load("fixed-2t-tokens", told)
    best = solve(found).best
    monkeypatch.setattr(store, "LISTABLE", 0)
    result = solve(found)
    assert result.best == best
    assert result.statistics["blocks"] < 3000


def test_more_given_vocabularies_than_share_a_denominator_are_rounded_alike() -> None:
    given = {str(v): 3 + 0.1237 * i for i, v in enumerate((32000, 40000, 50000, 64000, 100000))}
    told = {"space.vocab_size": [int(v) for v in given], "tokenizer.bytes_per_token": given}
    found = Problem.load("fixed-2t-tokens", told)
    rates = found.settings.tokenizer
    assert rates is not None
    assert rates.rounded
    answers = [solve(found, solver=engine).best for engine in ("auto", "exhaustive")]
    assert answers[0] == answers[1]
    exact = found.tokenizer.bytes_of(answers[0].architecture.trunk.vocab_size) / Fraction("3")  # type: ignore[union-attr]
    assert answers[0].text / answers[0].tokens == pytest.approx(float(exact), rel=1e-6)


@pytest.mark.parametrize("engine", ["auto", "exhaustive", "scipy", "pulp"])
def test_a_loss_by_the_byte_is_the_same_limit_to_every_engine(engine: str) -> None:
    space = {"layers": {"min": 20, "max": 30}, "d_model": [2048, 3072], "vocab_size": MENUS[1]}
    tables = {"space": space, "tokenizer": {"bytes_per_token": TABLES[0]},
              "objective": {"minimize": "training_flops"},
              "budgets": {"loss": "0.98 bits a byte"}}  # fmt: skip
    found = Problem.from_tables(tables)
    limit = found.budgets.loss
    assert limit is not None
    assert limit.max is not None
    best = solve(found, solver=engine).best
    assert best.loss == float(limit.max)
    shown = text_dict(found, best)["loss_per_byte"]
    assert shown["bits"] == pytest.approx(0.98, rel=1e-15)
    plain = Problem.from_tables(tables | {"budgets": {"loss": float(limit.max)}})
    assert solve(plain).best == best


SMALL: dict[str, Any] = {
    "space": {"layers": {"min": 20, "max": 24}, "d_model": [2048, 3072], "vocab_size": MENUS[1]},
    "tokenizer": {"bytes_per_token": TABLES[0]},
    "budgets": {"training_flops": 1e22},
}


def test_tokens_in_columns_and_fronts_are_the_designs_own() -> None:
    found = Problem.from_tables(SMALL)
    ranked = rank(found, keep_all=True)
    asked_for = ["tokens", "training_flops_per_token", "training_flops", "tokens_per_parameter",
                 "parameters", "vocab_size"]  # fmt: skip
    columns = next(ranked.batches(asked_for))
    assert len(columns["tokens"]) == ranked.feasible == found.count_designs()
    spent = columns["tokens"] * columns["training_flops_per_token"]
    assert spent == pytest.approx(columns["training_flops"], rel=1e-12)
    each = columns["tokens"] / columns["parameters"]
    assert columns["tokens_per_parameter"] == pytest.approx(each, rel=1e-12)
    assert set(columns["vocab_size"].tolist()) == set(MENUS[1])
    best = solve(found).best
    point = front(found, ["loss", "parameters"]).point(0)
    assert point["tokens"] == pytest.approx(best.tokens, rel=1e-12)
    assert columns["tokens"][0] == pytest.approx(best.tokens, rel=1e-12)
    rows = depth_width(found, best.parameters.total, 0.5).rows
    assert any(row.design.tokens != row.design.text for row in rows)
    assert all(row.to_dict()["tokens"] == row.design.tokens for row in rows)


def test_a_reference_of_tokens_is_of_the_models_own() -> None:
    told = {"training.tokens": "as llama-3-8b at 3.17T tokens"}
    limit = Problem.from_tables(SMALL).with_settings(told).training.tokens
    assert limit is not None
    assert limit.max == pytest.approx(3.94e12, rel=1e-6)  # a menu of three is rounded


def test_a_fleet_serves_text() -> None:
    """Fewer tokens of a larger vocabulary hold what it serves."""
    tables = SMALL | {"lifetime": {"inference_tokens": "3.17 TB"}}
    tables |= {"space": SMALL["space"] | {"vocab_size": 128256}}
    tables |= {"budgets": {"tokens": "3.17 TB", "lifetime_flops": 1e30}}
    found = Problem.from_tables(tables)
    best = solve(found).best
    own = 1e12 * 3.17 / 3.94
    forward = best.quantity("inference_flops_per_token")
    spent = own * (best.training_flops_per_token + forward)
    assert best.quantity("lifetime_flops") == pytest.approx(spent, rel=1e-12)


def test_plans_of_runs_are_of_one_tokenizer() -> None:
    with pytest.raises(ProblemError, match=r"leave \[tokenizer\] out"):
        plan_runs(Problem.from_tables(SMALL), budget=1e20, runs=20)
