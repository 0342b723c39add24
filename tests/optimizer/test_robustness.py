"""Random settings are solved or rejected with a message, never with a traceback."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from modelsizer import Problem, ProblemError, solve
from modelsizer.problems.problem import Problem as _Problem
from modelsizer.problems.quantities.rows import QUANTITIES

VALUES: list[Any] = [
    None, True, -1, 0, 1, 3, 7, 1e-3, 1e30, 1e300, 2**70, float("inf"), float("nan"), "", "x", "1e24",
    "80 GB", "-3", [], [1], [1, "a"], [[1]], {}, {"min": 1}, {"max": 0}, {"min": 2, "max": 1},
    {"min": 1, "max": 5, "step": 0.5}, {"a": 1}, "nan", "128K", "1e-9", [128, 256],
    {"min": 128, "max": 512, "step": 64}, "llama", ["llama", "gpt2"], 2.6666666666666665,
]  # fmt: skip
KEYS = [
    *(
        f"{table}.{key}"
        for table in ("space", "training", "serving", "budgets", "objective")
        for key in (
            QUANTITIES
            if table == "budgets"
            else _Problem.model_fields[table].annotation.model_fields  # type: ignore[union-attr]
        )
    ),
    "name", "space", "laws", "laws.a", "scenarios", "scenarios.x", "scenarios.x.budgets", "budgets",
    "", " ", ".", "a.b.c.d",
]  # fmt: skip
MOST_DESIGNS = 300_000


@pytest.mark.parametrize("seed", range(40))
def test_anything_is_solved_or_refused(seed: int) -> None:
    r = random.Random(seed)
    base = Problem.load("phone-2gb")
    for _ in range(12):
        settings = {r.choice(KEYS): r.choice(VALUES) for _ in range(r.choice([1, 1, 2, 3]))}
        try:
            problem = base.with_settings(settings)
        except ProblemError as error:
            assert str(error)
            continue
        assert Problem.parse(problem.to_toml()) == problem, settings
        if problem.count_designs() <= MOST_DESIGNS:
            json.dumps(solve(problem, solver="exhaustive").to_dict(), allow_nan=False)


def test_long_decimals_are_exact() -> None:
    """8/3 typed out has 17 digits: too many for int64 arithmetic on widths."""
    base = Problem.load("one-h100-1e24")
    typed = base.with_settings(
        {
            "space.ffn_ratio": 2.6666666666666665,
            "space.aspect_ratio": {"min": 48.00000000000001, "max": 159.99999999999997},
        }
    )
    rounded = base.with_settings(
        {"space.ffn_ratio": 2.6667, "space.aspect_ratio": {"min": 49, "max": 159}}
    )
    ((_, table),) = typed.options()
    assert set(table["d_ff"]) <= {
        round(2.6666666666666665 * d / 256) * 256 for d in table["d_model"]
    }
    assert typed.count_designs() > rounded.count_designs()
    assert all(table["d_model"] > 48 * table.depths.first)
