"""Vocabularies with bytes a token: answers, against the oracle, and what a solver may not exploit."""

from __future__ import annotations

import random
from functools import lru_cache
from typing import Any

import pytest

from modelsizer import Problem, ProblemError, solve
from modelsizer.optimizer.tables import store
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
    {"8000": 3.0, "32000": 3.6, "50304": 3.9, "128256": 4.2, "256000": 4.5},
]
FAST, LONG = range(10), range(10, 30)
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
