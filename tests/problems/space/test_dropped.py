"""What `check` says of menu entries that divisibility leaves out."""

from __future__ import annotations

from typing import Any

import pytest

from modelsizer import Problem
from modelsizer.problems.space.counting import count_by_structure
from modelsizer.problems.space.dropped import dropped

SPACE = {
    "layers": {"min": 4, "max": 12},
    "d_model": {"min": 512, "max": 2048, "step": 256},
    "head_dim": 128,
    "vocab_size": 32000,
}


def problem_of(**space: Any) -> Problem:
    return Problem.from_tables({"space": SPACE | space, "budgets": {"training_flops": 1e20}})


@pytest.mark.parametrize(
    ("space", "sentences"),
    [
        ({}, []),
        ({"kv_heads": [2, 8]}, ["5 of 7 values of d_model allow no 8 kv heads"]),
        ({"kv_heads": [2, 7]}, ["6 of 7 values of d_model allow no 7 kv heads"]),
        ({"kv_heads": [2, 32]}, ["no design has kv_heads = 32"]),
        ({"head_dim": [128, 192]}, ["5 of 7 values of d_model allow no head_dim = 192"]),
        ({"full_every": [1, 20]}, ["no design has full_every = 20"]),
        (
            {"experts": {"routed": [0, 4], "active": [2, 8], "granularity": [1, 64]}},
            [
                "no design has experts.active = 8",
                "2 of 7 values of d_model allow no experts.granularity = 64",
            ],
        ),
        ({"window": [512, 8192], "full_every": 2}, ["no design has window = 8192"]),
    ],
)
def test_sentences(space: dict[str, Any], sentences: list[str]) -> None:
    if "full_every" in space and "window" not in space:
        space = space | {"window": 512}
    problem = problem_of(**space)
    assert dropped(problem.space, problem.splits) == sentences


def test_designs_by_structure_add_up() -> None:
    problem = problem_of(
        full_every=[1, 3], window=512, experts={"routed": [0, 4], "active": 1, "granularity": 2}
    )
    parts = count_by_structure(problem.space, problem.splits)
    assert sum(part.designs for part in parts.values()) == problem.count_designs()
    assert len({structure.words for structure in parts}) == 4
