"""Limits that were given by the byte are shown so beside their numbers."""

from __future__ import annotations

from modelsizer import Problem, solve
from modelsizer.optimizer.constraints import constraints
from modelsizer.text.answer_rows import limits_table
from modelsizer.text.explain_words import limit_words

PROBLEM = Problem.load(
    "one-h100-1e24",
    {
        "tokenizer.bytes_per_token": {"128256": 4.4},
        "budgets.loss": "0.7 bits a byte",
        "training.tokens": {"max": "50 TB"},
    },
)


def test_an_answer_shows_what_was_written() -> None:
    table = limits_table(solve(PROBLEM).budgets, ("", "used", "limit", "", ""))
    written = {row[0]: row[-1] for row in table.rows if row[-1] not in ("", "binds")}
    assert written == {"loss": "0.7 bits a byte", "training.tokens": "50 TB"}


def test_a_conflict_shows_what_was_written() -> None:
    words = {limit.name: limit_words(limit) for limit in constraints(PROBLEM)}
    assert words["loss"].endswith(" (0.7 bits a byte)")
    assert words["serving_memory"] == "serving_memory <= 80 GB"
