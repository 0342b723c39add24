"""Published patterns of layers that a space leaves to its block are said."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer import Problem, solve
from modelsizer.problems.space.defaults import block_defaults

SPACE = {"layers": {"min": 12, "max": 24}, "d_model": 1024, "kv_heads": 4, "vocab_size": 32000}
GEMMA3 = (
    "block gemma3: one layer in 6 sees everything and the others 1,024 tokens, as published; "
    "space.full_every and space.window set another pattern"
)


def problem_of(**space: Any) -> Problem:
    return Problem.from_tables({"space": SPACE | space, "budgets": {"training_flops": 1e20}})


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({}, []),
        ({"block": "gemma3"}, [GEMMA3]),
        ({"block": ["gemma3", "llama"]}, [GEMMA3]),
        ({"block": "gemma3", "full_every": 1}, []),
        ({"block": "gemma3", "full_every": [1, 3], "window": 512}, []),
        (
            {"block": "gemma3", "full_every": 4},
            [
                "block gemma3: a windowed layer sees 1,024 tokens, as published; "
                "space.window sets another"
            ],
        ),
        (
            {"block": "qwen3-next"},
            [
                "block qwen3-next: one layer in 4 is a full layer and the others are "
                "gated-deltanet, as published; space.full_every and space.between set another pattern"
            ],
        ),
        (
            {"block": "gemma3", "between": "mamba2"},
            [
                "block gemma3: one layer in 6 is a full layer, as published; "
                "space.full_every sets another pattern"
            ],
        ),
    ],
)
def test_sentences(space: dict[str, Any], said: list[str]) -> None:
    assert block_defaults(problem_of(**space).space) == said


def test_an_answer_says_it() -> None:
    found = solve(problem_of(block="gemma3"))
    assert found.to_dict()["notes"] == [GEMMA3]
    best = found.best.architecture
    assert {getattr(g.layer.attention, "window", None) for g in best.groups} == {None, 1024}
